"""The contracts' pure parts and their Python twins, on random and extreme cases."""

from random import Random

import boa
import pytest
from eth_utils.crypto import keccak

from tests.contracts.jobs_world import named_tree, terms_of
from tests.contracts.stateful import network as net
from worker.protocol.merkle import named_proof, named_root
from worker.protocol.outcome import Openings, settle
from worker.protocol.record import FAILED
from worker.protocol.seals import DIGEST_MASK, seal_digest
from worker.protocol.settled import Result
from worker.protocol.sortition import is_eligible, release_factor, ticket
from worker.protocol.words import (
    BatchWord,
    Clock,
    OnDissent,
    Origin,
    RoundWord,
    SeatOutcome,
    Terms,
    final_word,
    positions,
)
from worker.types import Address

A_WIDTHS = (88, 64, 20, 3, 3, 3, 1, 16, 14)
WORD = 2**256 - 1


@pytest.fixture(scope="module")
def harness():
    return net.contract("mocks/JobsHarness").deploy()


def word_of(rng: Random) -> int:
    """Return a random word, often with long runs of ones or zeros."""
    word = rng.getrandbits(256)
    return rng.choice(
        (word, word & (WORD << rng.randrange(256)), word | (1 << rng.randrange(256)) - 1)
    )


def one_field(widths: tuple[int, ...]) -> list[int]:
    """Return, for each field, the word where it alone is full, and the one where it alone is 0."""
    words, shift = [0, WORD], 0
    for width in widths:
        field = ((1 << width) - 1) << shift
        words += [field, WORD ^ field]
        shift += width
    return words


def test_terms_a__each_field_at_its_extremes(harness):
    for word in one_field(A_WIDTHS):
        terms = Terms.unpack(word, 0, bytes(32), bytes(32))
        assert harness.a(word) == [
            terms.price,
            terms.bond,
            terms.tasks,
            terms.seats,
            terms.max_seats,
            terms.batch_log2,
            terms.on_dissent,
            terms.token,
            terms.fee_bps,
        ]
        assert terms.a == word & ((1 << 242) - 1)


def test_load__random_and_extreme_words__is_what_the_twins_read(harness):
    rng = Random(1)
    words = [*one_field((24,) * 7 + (3, 7, 3, 3, 7, 1, 40)), *(word_of(rng) for _ in range(200))]
    for word in words:
        word &= 2**232 - 1
        a, b, draw = (rng.choice((word_of(rng), 0, WORD)) for _ in range(3))
        terms = Terms.unpack(a, b & (2**176 - 1), rng.randbytes(32), rng.randbytes(32))
        batch, drawn = BatchWord.unpack(word), RoundWord.unpack(draw)
        later = batch.round != 0
        grows = later and batch.base != 0
        at = batch.opened_at if later else terms.posted_at
        clock = terms.clock(at)
        mask = drawn.mask if grows else terms.full_mask(0)

        r = harness.load((a, *terms.members()[1:]), 0, word, draw)

        assert (r.number, r.granted, r.first) == (
            batch.round,
            word >> 168 & 7,
            batch.base if later else 0,
        )
        assert r.target == (min(2 * batch.base + 1, terms.max_seats) if grows else terms.seats)
        assert (r.mask, r.tasks) == (mask, mask.bit_count())
        assert r.price == (drawn.price if later else terms.price)
        assert r.opened_at == at
        assert (r.claim_until, r.seal_until, r.reveal_until) == (
            at + terms.claim,
            at + terms.claim + terms.run,
            at + terms.claim + terms.run + terms.reveal,
        )
        assert at == 0 or r.reveal_until == clock.reveal_until


def test_batch__random_and_extreme_words(harness):
    rng = Random(1)
    words = [*one_field((24,) * 7 + (3, 7, 3, 3, 7, 1, 40)), *(word_of(rng) for _ in range(200))]
    for word in words:
        word &= 2**232 - 1
        batch = BatchWord.unpack(word)
        fields = harness.batch(word)
        assert tuple(fields[: word >> 168 & 7]) == batch.operators
        assert fields[7:] == [batch.sealed, batch.silent]


def test_final__random_results(harness):
    rng = Random(8)
    for result in (bytes(32), b"\xff" * 32, *(rng.randbytes(32) for _ in range(20))):
        word = harness.final(result)
        assert word == final_word(result)
        batch = BatchWord.unpack(word)
        assert (batch.is_final, batch.operators) == (True, ())
        assert batch.result == int.from_bytes(result, "big") % 2**255


@pytest.mark.parametrize("count", [0, 1, 32])
@pytest.mark.parametrize("servers", [(), (1,), (2**24 - 1,) * 7, (7, 1, 2**24 - 1)])
def test_result__its_hash_is_the_twins(harness, count, servers):
    rng = Random(9)
    values = tuple(rng.randbytes(32) for _ in range(count))
    result = Result((1 << count) - 1, values, servers, 2**40 - 1)

    assert harness.result(*result.members()) == result.digest()


@pytest.mark.parametrize("ids", [(1, 2), (2**24 - 1,) * 6, (5, 6, 7)])
def test_grown__keeps_seats_and_seals(harness, ids):
    batch = BatchWord.unpack(harness.grown(list(ids), 0b10, 2**40 - 1))

    assert (batch.operators, batch.base, batch.round) == (ids, len(ids), 3)
    assert (batch.sealed, batch.silent, batch.opened_at) == (1, 0b10, 2**40 - 1)
    assert not batch.is_final


def test_draw__each_field_at_its_extremes(harness):
    widths = (88, 32, 40, 96)
    for full in range(5):
        fields = [
            (1 << width) - 1 if full in (index, 4) else 0 for index, width in enumerate(widths)
        ]
        assert harness.draw(*fields) == fields[1:]
        word = sum(field << shift for field, shift in zip(fields, (0, 88, 120, 160), strict=True))
        draw = RoundWord.unpack(word)
        assert [draw.price, draw.mask, draw.seed_height, draw.seed] == fields


def test_key_and_origin__random(harness):
    rng = Random(2)
    for _ in range(100):
        parts = [rng.randbytes(32) for _ in range(3)]
        payer = Address(str(boa.env.generate_address()))
        origin = Origin(rng.getrandbits(256), *parts)
        digest = origin.digest(payer)
        assert harness.origin(payer, (origin.nonce, *parts)) == digest
        a, b = rng.getrandbits(228), rng.getrandbits(176)
        terms = Terms.unpack(a, b, rng.randbytes(32), digest)
        key = terms.key(boa.env.evm.patch.chain_id, harness.address)
        assert harness.key(terms.members()) == key


def test_tasks_in__random(harness):
    rng = Random(3)
    for _ in range(300):
        tasks = rng.choice((1, 31, 32, 33, 1 << 20, rng.randint(1, 1 << 20)))
        terms = terms_of(tasks=tasks, batch_log2=rng.randrange(6))
        for batch in (0, terms.batches - 1, terms.batches, rng.randrange(1 << 20)):
            assert harness.tasks_in(terms.a, batch) == len(terms.tasks_in(batch))
    assert harness.tasks_in(terms.a, 2**256 - 1) == 0


def test_count__every_width(harness):
    rng = Random(4)
    for mask in [
        0,
        2**32 - 1,
        *(1 << bit for bit in range(32)),
        *(rng.getrandbits(32) for _ in range(200)),
    ]:
        assert harness.count(mask) == mask.bit_count()


def test_ticket_and_eligibility__random(harness):
    rng = Random(5)
    for _ in range(500):
        key, batch, operator = rng.randbytes(32), rng.getrandbits(20), rng.randrange(1, 1 << 24)
        drawn = ticket(rng.getrandbits(192), key, batch, operator)
        seed = rng.getrandbits(192)
        drawn = ticket(seed, key, batch, operator)
        assert harness.ticket(seed, key, batch, operator) == drawn
        window, opened_at = rng.randint(1, 86_400), rng.getrandbits(31)
        elapsed = rng.choice((0, window - 1, window // 3, -(-window // 3), rng.randrange(window)))
        total = rng.choice((1, 2**56 - 1, rng.randint(1, 2**40)))
        weight = rng.choice((0, 1, min(total, 2**32 - 1), rng.randint(0, min(total, 2**32 - 1))))
        seats = rng.randint(1, 7)
        factor = release_factor(Clock(opened_at, opened_at + window, 0, 0), opened_at + elapsed)
        assert harness.is_eligible(drawn, seats, elapsed, window, weight, total) == is_eligible(
            drawn, factor, seats, weight, total
        )


def test_eligibility__ticket_at_the_border(harness):
    border = (3 << 128) * 5 // 100
    for drawn in (border - 1, border, border + 1):
        assert harness.is_eligible(drawn, 3, 0, 60, 5, 100) == is_eligible(drawn, 1, 3, 5, 100)
    assert harness.is_eligible(2**128 - 1, 1, 0, 60, 100, 100)
    assert not harness.is_eligible(0, 7, 59, 60, 0, 100)


def test_digest__random(harness):
    rng = Random(6)
    for count in range(33):
        key, salt = rng.randbytes(32), rng.randbytes(32)
        values = [rng.randbytes(32) for _ in range(count)]
        where = (rng.getrandbits(20), rng.getrandbits(3), rng.getrandbits(24))
        digest = seal_digest(key, *where, values, salt)
        kept = int.from_bytes(digest, "big") & DIGEST_MASK
        assert harness.digest(key, *where, values, salt) == kept


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8, 33])
def test_is_member__each_of_the_named_and_nobody_else(harness, count):
    ids = list(range(100, 100 + count))
    root = named_root(ids)
    assert root == named_tree(ids)[-1][0]
    for index, operator in enumerate(ids):
        path = named_proof(ids, index)
        assert harness.is_member(root, operator, (index, path))
        assert not harness.is_member(root, operator + count, (index, path))
        assert not harness.is_member(root, operator, (index ^ 1, path)) or count == 1
        assert not harness.is_member(root, operator, (index + (1 << len(path)), path))
    assert not harness.is_member(root, int.from_bytes(root, "big"), (0, []))


# Outcomes


def random_case(rng: Random) -> tuple[Terms, Openings]:
    """Return terms and a settlement, each seat opening one of few values or nothing."""
    growth = rng.random() < 0.5
    base = rng.randint(2, 5)
    most = rng.randint(max(5, base + 1), 7)
    tasks = rng.choices((1, 2, 5, 32), (8, 8, 3, 1))[0]
    terms = terms_of(
        price=rng.choice((1, 10**9, 10**17, 2**88 - 1)),
        bond=rng.choice((1, 3, 10**9, 2**58)),
        tasks=tasks,
        batch_log2=(tasks - 1).bit_length(),
        seats=base,
        max_seats=most,
        token=rng.randrange(2),
        named=rng.choice((bytes(32), b"\1" * 32)),
        on_dissent=OnDissent(0 if growth else rng.randrange(2)),
    )
    is_filled = not growth or rng.random() < 0.8
    target = terms.grown_seats if growth else base
    granted = target if is_filled else rng.randint(base, target - 1)
    sealed = rng.getrandbits(granted) | rng.getrandbits(granted)
    mask = rng.randint(1, (1 << tasks) - 1) if growth else (1 << tasks) - 1
    pool = [*(keccak(text=f"value {n}") for n in range(rng.choice((1, 2, 3, 7)))), FAILED]
    reach = granted if is_filled else base
    opened = {
        seat: {task: rng.choice(pool) for task in range(tasks)}
        for seat in range(reach)
        if sealed >> seat & 1 and rng.random() < 0.9
    }
    ended = sum(1 << seat for seat in range(base) if seat not in opened) if growth else 0
    first = base if growth else 0
    return terms, Openings(granted, first, mask, terms.price, is_filled, sealed, opened, ended)


def in_vyper(harness, terms: Terms, case: Openings):
    """Decide a case by the contract's modules."""
    ids = sum((seat + 1) << (24 * seat) for seat in range(case.granted))
    target = terms.grown_seats if case.base else terms.seats
    word = ids | case.granted << 168 | case.sealed << 171 | case.base << 181 | case.ended << 184
    columns = [
        [case.opened.get(seat, {}).get(task, bytes(32)) for seat in range(7)]
        for task in positions(case.mask)
    ]
    opened = sum(1 << seat for seat in case.opened)
    own = ((1 << target) - 1) ^ ((1 << case.base) - 1)
    silent = own & ~opened if case.is_filled else 0
    tasks = case.mask.bit_count()
    seats = (case.granted, case.base, target)
    running = (bytes(32), 0, word, 0, 0, *seats, case.mask, tasks, case.price, 0, 0, 0, 0)
    rules = (
        target if case.is_filled else 14,
        terms.can_grow and not case.base,
        not terms.is_named,
    )
    return harness.settle(terms.a, running, rules, opened, silent, columns)


def test_settle__two_thousand_random_cases__equal_the_twin(project, owner):
    harness = owner.deploy(project.JobsHarness)  # on anvil: much code is executed
    rng = Random(7)
    kinds = set()
    for _ in range(2_000):
        terms, case = random_case(rng)
        twin = settle(terms, case)

        outcome, stand, bill = in_vyper(harness, terms, case)

        assert (outcome.paid, outcome.failed, outcome.tied, outcome.contested) == (
            twin.paid,
            twin.failed,
            twin.tied,
            twin.contested,
        )
        assert stand == [twin.values[task] for task in positions(twin.paid)]
        assert (bill.refund, bill.burn) == (twin.refund, twin.burn)
        seats = {word & 0xFFFFFF: SeatOutcome.unpack(word) for word in bill.seats}
        for number, seat in twin.seats.items():
            if seat.released or seat.burnt:
                got = seats.pop(number + 1)
                assert (got.paid, got.burnt, got.released) == (seat.paid, seat.burnt, seat.released)
            else:
                assert seat.paid == 0
        assert seats == {}
        decided = case.mask & ~twin.contested
        spent = twin.refund + twin.burn + sum(seat.paid for seat in twin.seats.values())
        assert spent == decided.bit_count() * terms.max_seats * terms.price
        kinds |= {
            bool(twin.paid),
            bool(twin.failed) * 2,
            bool(twin.tied) * 3,
            bool(twin.contested) * 4,
        }
    assert kinds >= {1, 2, 3, 4}
