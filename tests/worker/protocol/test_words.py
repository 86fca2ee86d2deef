"""Words: every field survives packing at its extremes and disturbs no neighbour."""

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.protocol.words import (
    BatchWord,
    JobWord,
    OnDissent,
    RoundWord,
    SeatOutcome,
    Terms,
    final_word,
    positions,
)

TERMS = st.builds(
    Terms,
    price=st.integers(0, 2**88 - 1),
    bond=st.integers(0, 2**64 - 1),
    tasks=st.integers(1, 2**20),
    seats=st.integers(0, 7),
    max_seats=st.integers(0, 7),
    batch_log2=st.integers(0, 5),
    on_dissent=st.sampled_from(OnDissent),
    token=st.integers(0, 2**16 - 1),
    fee_bps=st.integers(0, 2**14 - 1),
    claim=st.integers(0, 2**24 - 1),
    run=st.integers(0, 2**24 - 1),
    reveal=st.integers(0, 2**24 - 1),
    expiry=st.integers(0, 2**40 - 1),
    posted_at=st.integers(0, 2**40 - 1),
    named=st.binary(min_size=32, max_size=32),
    origin=st.binary(min_size=32, max_size=32),
    court=st.integers(0, 2**16 - 1),
    challenge=st.integers(0, 2**24 - 1),
)

SMALL = Terms(
    price=10, bond=20, tasks=9, seats=3, max_seats=5, batch_log2=2,
    on_dissent=OnDissent.ESCALATE, token=0, fee_bps=0, claim=6, run=10, reveal=8, expiry=10_000,
)  # fmt: skip


@given(TERMS)
def test_terms__packed_and_unpacked__are_the_same(terms: Terms) -> None:
    assert Terms.unpack(*terms.members()) == terms


@pytest.mark.parametrize(
    ("field", "value"), [("price", 2**88), ("bond", 2**64), ("tasks", 2**20 + 1), ("claim", 2**24)]
)
def test_terms__field_too_wide__raises(field: str, value: int) -> None:
    too_wide = replace(SMALL, **{field: value})
    with pytest.raises(ValueError, match="does not fit"):
        too_wide.members()


def test_terms__every_field__changes_the_key() -> None:
    key = SMALL.key(1, "0x" + "11" * 20)
    changed = {
        field.name: replace(SMALL, **{field.name: _other(getattr(SMALL, field.name))})
        for field in fields(Terms)
    }
    assert all(terms.key(1, "0x" + "11" * 20) != key for terms in changed.values())
    assert SMALL.key(2, "0x" + "11" * 20) != key != SMALL.key(1, "0x" + "12" * 20)


def _other(value: object) -> object:
    if isinstance(value, bytes):
        return b"\x01" * 32
    return OnDissent.SETTLE if isinstance(value, OnDissent) else int(value) + 1  # type: ignore[call-overload]


def test_terms__last_batch__is_short() -> None:
    assert SMALL.batches == 3
    assert list(SMALL.tasks_in(2)) == [8]
    assert (SMALL.full_mask(0), SMALL.full_mask(2)) == (0b1111, 0b1)


def test_clock__windows__follow_each_other() -> None:
    clock = SMALL.posted(100).clock(0)
    moments = (clock.opened_at, clock.claim_until, clock.run_until, clock.reveal_until)
    assert moments == (100, 106, 116, 124)
    assert SMALL.posted(100).clock(500).opened_at == 500


def test_batch_word__each_field_full__reads_back() -> None:
    ids = [2**24 - 1, 1, 2, 3, 4, 5, 6]
    word = sum(number << 24 * place for place, number in enumerate(ids))
    word |= 7 << 168 | 127 << 171 | 5 << 178 | 3 << 181 | 127 << 184
    word |= (2**40 - 1) << 192
    batch = BatchWord.unpack(word)
    assert batch == BatchWord(tuple(ids), 127, 5, 3, False, 127, 2**40 - 1)
    assert batch.seat_of(6) == 6
    assert batch.seat_of(7) is None
    assert (batch.round_of(2), batch.round_of(3)) == (4, 5)


def test_batch_word__final__has_the_result_alone() -> None:
    result = b"\xff" * 32
    batch = BatchWord.unpack(final_word(result))
    assert batch == BatchWord((), 0, 0, 0, True, 0, 0, result=2**255 - 1)
    assert BatchWord.unpack(final_word(bytes(32))).result == 0


def test_batch_word__untouched__is_round_zero() -> None:
    batch = BatchWord.unpack(0)
    assert (batch.round, batch.count, batch.is_final) == (0, 0, False)
    assert not batch.all_sealed(SMALL)


def test_other_words__extremes__read_back() -> None:
    assert JobWord.unpack(5 | (2**192 - 1) << 64) == JobWord(5, 2**192 - 1)
    assert RoundWord.unpack((2**256) - 1) == RoundWord(2**88 - 1, 2**32 - 1, 2**40 - 1, 2**96 - 1)
    seat = 7 | 8 << 24 | 9 << 120 | 10 << 184
    assert SeatOutcome.unpack(seat) == SeatOutcome(7, 8, 9, 10)


@given(st.sets(st.integers(0, 31)))
def test_positions__any_mask__are_its_bits(bits: set[int]) -> None:
    assert positions(sum(1 << bit for bit in bits)) == sorted(bits)
