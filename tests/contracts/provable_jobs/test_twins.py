"""The contracts' words and rules and their Python twins, on random and extreme cases."""

from dataclasses import replace
from random import Random

import boa
import pytest

from tests.contracts.provable_world import terms_of
from tests.contracts.stateful import network as net
from worker.protocol.provable_words import (
    Fate,
    Phase,
    ProvableBatch,
    SeatKind,
    final_word,
    is_bond_enough,
    worst_case,
)
from worker.protocol.words import Terms
from worker.types import Gwei, Seconds, Wei

U24, U40 = (1 << 24) - 1, (1 << 40) - 1


@pytest.fixture(scope="module")
def harness():
    return net.contract("mocks/ProvableHarness").deploy()


def random_word(rng: Random) -> int:
    """Return a word that a batch that is not final may have."""
    word = rng.getrandbits(248) & ~(7 << 165)
    phase, number = rng.randrange(7), rng.randrange(3)
    return word & ~(7 << 144 | 3 << 147) | phase << 144 | number << 147


def fields(batch: ProvableBatch) -> list[int]:
    """Return a twin's fields in the harness's order."""
    ids = [seat for pair in batch.seats for seat in pair]
    flags = [batch.phase, batch.round, batch.redrawn, batch.unaudited]
    return [*map(int, [*ids, *flags, *batch.fates, *batch.held, batch.since, batch.height])]


def test_batch__random__equal_the_twin(harness):
    rng = Random(1)
    for _ in range(300):
        word = random_word(rng)
        assert harness.batch(word) == fields(ProvableBatch.unpack(word))


BITS = [24] * 6 + [3, 2, 1, 1, 2, 2, 5, 5, 0, 40, 40]
STARTS = [0, 24, 48, 72, 96, 120, 144, 147, 149, 150, 151, 153, 155, 160, 165, 168, 208]


@pytest.mark.parametrize("place", [n for n, bits in enumerate(BITS) if bits])
def test_batch__each_field_at_its_extremes(harness, place):
    top = (1 << BITS[place]) - 1
    if place in (6, 7):  # phase and round have fewer values than bits
        top = (6, 2)[place - 6]
    word = top << STARTS[place]
    expected = [0] * 17
    expected[place] = top
    del expected[14]  # the bits that nothing uses

    assert harness.batch(word) == expected == fields(ProvableBatch.unpack(word))


def test_batch__writers__change_their_field_alone(harness):
    rng = Random(2)
    for _ in range(100):
        word = random_word(rng)
        twin = ProvableBatch.unpack(word)
        seat, number = rng.randrange(2), rng.choice((0, U24, rng.getrandbits(24)))
        moment = rng.choice((0, U40, rng.getrandbits(40)))

        taken = ProvableBatch.unpack(harness.with_seat(word, seat, number))
        pairs = [list(pair) for pair in twin.seats]
        pairs[twin.round][seat] = number
        assert taken == replace(twin, seats=tuple(tuple(pair) for pair in pairs))

        phase = Phase(rng.randrange(7))
        assert ProvableBatch.unpack(harness.in_phase(word, phase, moment)) == replace(
            twin, phase=phase, since=moment
        )
        assert ProvableBatch.unpack(harness.with_height(word, moment)) == replace(
            twin, height=moment
        )
        fates, held = list(twin.fates), list(twin.held)
        fates[seat], held[seat] = Fate(rng.randrange(4)), 0
        assert ProvableBatch.unpack(harness.with_fate(word, seat, fates[seat])) == replace(
            twin, fates=tuple(fates), held=tuple(held)
        )


def test_next_round__keeps_who_had_seats_and_nothing_else(harness):
    rng = Random(3)
    for number in (0, 1):
        word = random_word(rng) & ~(3 << 147) | number << 147
        twin = ProvableBatch.unpack(word)

        opened = ProvableBatch.unpack(harness.next_round(word, U40, 7))

        assert opened == ProvableBatch(
            twin.seats,
            Phase.OPEN,
            number + 1,
            redrawn=False,
            unaudited=False,
            fates=(Fate.IN_PLAY, Fate.IN_PLAY),
            held=(0, 0),
            since=U40,
            height=7,
        )


def test_seats__of_any_round(harness):
    rng = Random(4)
    for _ in range(50):
        word = random_word(rng)
        twin = ProvableBatch.unpack(word)
        for operator in (rng.choice(rng.choice(twin.seats)), rng.randrange(1, 1 << 24)):
            assert harness.holds_seat(word, operator) == twin.had_seat(operator)
        kind = SeatKind(rng.randrange(2))
        assert twin.seat_of(twin.seat(kind)) in (kind, SeatKind.OPERATOR)
        assert twin.seat_of(0) is None


@pytest.mark.parametrize("accepted", [False, True])
@pytest.mark.parametrize("result", [bytes(32), b"\xff" * 32, bytes(range(32))])
def test_final__of_a_result_or_of_none(harness, result, accepted):
    word = harness.final(result, accepted)

    assert word == final_word(result, accepted)
    twin = ProvableBatch.unpack(word)
    assert (twin.is_final, twin.accepted) == (True, accepted)
    assert twin.result == word & ((1 << 254) - 1)


def test_terms__court_and_audit_share_at_their_extremes(harness):
    for court, audit in ((0, 0), (65_535, 0), (0, 16_383), (65_535, 16_383)):
        terms = terms_of(court=court, audit_bps=audit)
        assert harness.a(terms.a) == (court, audit)
        assert Terms.unpack(*terms.members()) == terms
    for bit in (242, 255):
        assert harness.a(1 << bit) == (0, 0)


def test_worst_case_and_challenge__random(harness):
    rng = Random(5)
    for _ in range(100):
        windows = [Seconds(rng.choice((0, U24, rng.getrandbits(24)))) for _ in range(4)]
        names = ("claim", "run", "reveal", "challenge")
        terms = terms_of(**dict(zip(names, windows, strict=True)))
        assert harness.worst_case(terms.b) == worst_case(terms)
        assert harness.challenge(terms.b, False) == windows[3]
        assert harness.challenge(terms.b, True) == 2 * windows[3]


def test_stakes__two_thousand_random__equal_the_twin(harness):
    rng = Random(6)
    seen = set()
    for _ in range(2_000):
        tasks = rng.choice((1, 31, 32, 33, rng.randint(1, 1 << 20)))
        terms = terms_of(
            price=Wei(rng.choice((1, rng.getrandbits(60) + 1, (1 << 88) - 1))),
            bond=Gwei(rng.choice((1, rng.getrandbits(40) + 1, (1 << 59) - 1))),
            tasks=tasks,
            batch_log2=rng.randrange(6),
            token=rng.randrange(2),
            audit_bps=rng.choice((100, 10_000, rng.randint(100, 10_000))),
        )
        capture = rng.choice((0, 9_000, rng.randint(0, 9_000)))
        least = rng.choice((0, rng.getrandbits(40), rng.getrandbits(64)))
        rate = rng.choice((1, 10**18, rng.getrandbits(96)))
        limits = (100, capture, least, rate)
        enough = is_bond_enough(terms, capture, least, rate)
        seen.add(enough)
        if enough:
            harness.check_stakes(terms.a, limits)
        else:
            with boa.reverts():
                harness.check_stakes(terms.a, limits)
    assert seen == {True, False}
