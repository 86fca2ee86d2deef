"""Each row of the outcome table, on every path that leads to it; money and stake to the unit."""

import boa
import pytest

from tests.contracts.jobs_world import IDLE, SILENT, digests
from tests.contracts.replicated_jobs.settling import (
    ABORTED,
    BACK,
    BOND,
    BURNT,
    CUT,
    FULL,
    PAID,
    PRICE,
    QUARTER,
    SETTLE,
    TIED,
    A,
    B,
    C,
    F,
    masks_of,
    play,
    seats_of,
)
from worker.protocol.record import FAILED, blind
from worker.protocol.settled import Result
from worker.protocol.words import GWEI, final_word, positions


def stood(world, mask, found, servers) -> Result:
    """Return the result of a settlement right now, of the tasks in `mask` of `found`."""
    values = tuple(blind(found[task]) for task in positions(mask))
    return Result(mask, values, tuple(servers), world.now)


BASE_ROWS = [
    # terms, results by seat, what each seat gets per task, contest fee of the requester
    ("stands", {}, [A, A, A], [PAID] * 3, "paid"),
    ("stands beside a failure", {}, [A, A, F], [PAID, PAID, QUARTER], "paid"),
    ("stands beside a silence", {}, [A, A, SILENT], [PAID, PAID, BURNT], "paid"),
    ("stands beside an idle seat", {}, [A, A, IDLE], [PAID, PAID, QUARTER], "paid"),
    ("two stand at r = 2", {"seats": 2}, [A, A], [PAID] * 2, "paid"),
    ("two settle against one", SETTLE, [A, A, B], [PAID, PAID, BACK], "paid"),
    (
        "three settle against one",
        {**SETTLE, "seats": 4},
        [A, A, A, B],
        [PAID] * 3 + [BURNT],
        "paid",
    ),
    ("failed", {}, [F, F, F], [ABORTED] * 3, "failed"),
    ("failed beside a value", {}, [F, F, A], [ABORTED, ABORTED, BACK], "failed"),
    ("failed beside a silence", {}, [F, F, SILENT], [ABORTED, ABORTED, BURNT], "failed"),
    ("tie", SETTLE, [A, B, C], [TIED] * 3, "tied"),
    ("tie with a failure", SETTLE, [A, B, F], [TIED, TIED, QUARTER], "tied"),
    ("tie with a silence", SETTLE, [A, B, SILENT], [TIED, TIED, BURNT], "tied"),
    ("tie of two", {**SETTLE, "seats": 2}, [A, B], [TIED] * 2, "tied"),
    ("no quorum", SETTLE, [A, SILENT, SILENT], [BACK, BURNT, BURNT], "none"),
    ("no quorum, failures", {}, [F, SILENT, IDLE], [QUARTER, BURNT, QUARTER], "none"),
    ("no quorum, nobody opened", {}, [SILENT] * 3, [BURNT] * 3, "none"),
    ("no quorum, nobody sealed", {}, [IDLE] * 3, [QUARTER] * 3, "none"),
]


@pytest.mark.parametrize(
    ("terms", "results", "expected", "kind"),
    [row[1:] for row in BASE_ROWS],
    ids=[row[0] for row in BASE_ROWS],
)
def test_settle__final_in_the_base_round__pays_and_burns(world, terms, results, expected, kind):
    job = world.post(**terms)
    supply = world.token.totalSupply()
    before = [world.credit(operator) for operator in world.operators]

    settled = play(world, job, results)

    kinds = ("paid", "failed", "tied", "contested")
    assert dict(zip(kinds, masks_of(settled), strict=True)) == {
        name: FULL if name == kind else 0 for name in kinds
    }
    assert seats_of(settled) == expected
    requester_burn = 2 * PRICE // 10 if kind == "tied" else 0
    seats_burn = sum(2 * burnt for _, burnt, _ in expected) * GWEI
    paid = [2 * seat[0] for seat in expected]
    assert supply - world.token.totalSupply() == requester_burn + seats_burn
    for operator, old, amount in zip(world.operators, before, paid, strict=False):
        assert world.credit(operator) - old == amount * CUT // 10_000
        assert world.locked(operator) == 0
    refund = job.terms.escrow - sum(paid) - requester_burn
    assert world.escrow.credit_of(job.payer, 0) == refund
    assert world.left(job) == 0
    assert world.batch(job).is_final
    standing = [blind(s) for s in A] if kind == "paid" else []
    servers = [
        operator.id
        for operator, seat in zip(world.operators, expected, strict=False)
        if seat == PAID
    ]
    result = Result(FULL, tuple(standing), tuple(servers), world.now)
    digest = result.digest() if standing else bytes(32)
    assert world.jobs.batch_of(job.key, 0) == final_word(digest)
    assert settled.values == standing
    assert (settled.servers, settled.settled_at) == (result.packed_servers, world.now)


CONTESTED = [
    ("dissent", {}, [A, A, B]),
    ("dissent beside a silence", {}, [A, B, SILENT]),
    ("one value alone", {}, [A, SILENT, IDLE]),
    ("a value and a failure", {}, [A, F, SILENT]),
    ("two differ at r = 2", {"seats": 2}, [A, B]),
    ("one of two is silent", {"seats": 2}, [A, SILENT]),
    ("a majority of three, one against", {"seats": 4, "max_seats": 7}, [A, A, A, B]),
]


@pytest.mark.parametrize(
    ("terms", "results"), [row[1:] for row in CONTESTED], ids=[row[0] for row in CONTESTED]
)
def test_settle__contested__grows_once_and_pays_nothing_yet(world, terms, results):
    job = world.post(**terms)

    settled = play(world, job, results)

    assert masks_of(settled) == (0, 0, 0, FULL)
    word = world.batch(job)
    assert word.base == len(results)
    assert (word.round, word.is_final, word.opened_at) == (1, False, world.now)
    assert world.left(job) == job.terms.escrow
    for seat, found in enumerate(results):
        held = 0 if found in (SILENT, IDLE) else 2 * BOND
        assert world.locked(world.operators[seat]) == held


GROWTH_ROWS = [
    ("3 to 5, lie slashed", {}, [A, A, B], [A, A], [PAID, PAID, BURNT, PAID, PAID], "paid"),
    ("3 to 5, the first liar wins over", {}, [A, B, B], [A, A], None, "paid"),
    ("3 to 5, tie", {}, [A, B, C], [A, B], [TIED] * 5, "tied"),
    ("3 to 5, tie with failures", {}, [A, A, B], [F, F], [TIED] * 3 + [QUARTER] * 2, "tied"),
    (
        "3 to 5, silent in growth",
        {},
        [A, A, B],
        [A, SILENT],
        [PAID, PAID, BURNT, PAID, BURNT],
        "paid",
    ),
    ("3 to 5, no quorum", {}, [A, SILENT, F], [F, F], None, "failed"),
    ("3 to 5, no quorum at all", {}, [A, SILENT, F], [F, IDLE], None, "none"),
    ("3 to 7", {"max_seats": 7}, [A, A, B], [A, A, B, C], None, "paid"),
    ("3 to 7, two are no majority", {"max_seats": 7}, [A, A, B], [A, B, C, C], None, "tied"),
    ("2 to 5", {"seats": 2}, [A, B], [A, A, B], [PAID, BURNT, PAID, PAID, BURNT], "paid"),
    ("2 to 5, tie", {"seats": 2}, [A, B], [A, B, C], [TIED] * 5, "tied"),
    ("2 to 5, failed", {"seats": 2}, [A, F], [F, F, SILENT], None, "failed"),
]


@pytest.mark.parametrize(
    ("terms", "base", "growth", "expected", "kind"),
    [row[1:] for row in GROWTH_ROWS],
    ids=[row[0] for row in GROWTH_ROWS],
)
def test_settle__after_growth__is_final(world, terms, base, growth, expected, kind):
    job = world.post(**terms)

    settled = play(world, job, base, growth)

    names = ("paid", "failed", "tied", "contested")
    assert dict(zip(names, masks_of(settled), strict=True)) == {
        name: FULL if name == kind else 0 for name in names
    }
    if expected is not None:
        assert seats_of(settled) == expected
    assert world.batch(job).is_final
    assert world.left(job) == 0
    assert all(world.locked(operator) == 0 for operator in world.operators)
    assert bool(world.batch(job).result) == (kind == "paid")


@pytest.mark.parametrize(
    ("base", "tied"),
    [([A, A, B], True), ([A, SILENT, SILENT], False)],
    ids=["dissent", "silence"],
)
@pytest.mark.parametrize("claims", [0, 1])
def test_settle__growth_unfilled__nothing_stands(world, base, tied, claims):
    job = world.post()
    play(world, job, base)
    world.last_third(job)
    for operator in world.operators[3 : 3 + claims]:
        world.claim_sealed(job, operator, A)
    with boa.reverts("jobs: settled too early"):
        world.settle(job)
    world.go_to(world.clock(job).claim_until)

    settled = world.settle(job)

    assert masks_of(settled) == (0, 0, FULL if tied else 0, 0)
    opened = [found for found in base if found is not SILENT]
    assert seats_of(settled) == [TIED if tied else BACK] * len(opened) + [BACK] * claims
    assert all(world.locked(operator) == 0 for operator in world.operators)
    assert world.left(job) == 0


def test_settle__some_tasks_contested__others_are_final_at_once(world):
    job = world.post(tasks=4, batch_log2=2)
    found = digests("a", 4)
    lie = [found[0], digests("b", 4)[1], found[2], digests("b", 4)[3]]

    first = play(world, job, [found, found, lie])

    assert masks_of(first) == (0b0101, 0, 0, 0b1010)
    assert world.left(job) == job.terms.escrow // 2
    assert all(world.locked(operator) == 2 * BOND for operator in world.operators[:3])
    ids = [operator.id for operator in world.operators]
    base_result = stood(world, 0b0101, found, ids[:3]).digest()
    assert world.jobs.base_result_of(job.key, 0) == base_result
    world.play(job, {3: found, 4: found})
    assert all(world.locked(operator) == 2 * BOND for operator in world.operators[3:5])

    second = world.settle(job)

    assert masks_of(second) == (0b1010, 0, 0, 0)
    growth_result = stood(world, 0b1010, found, [*ids[:2], *ids[3:5]])
    assert second.servers == growth_result.packed_servers
    assert world.jobs.batch_of(job.key, 0) == final_word(growth_result.digest())
    assert world.jobs.base_result_of(job.key, 0) == base_result
    assert world.left(job) == 0


@pytest.mark.parametrize("wrong", ["other", "failed"])
def test_settle__paid_for_some_of_the_tasks__owes_none(world, wrong):
    job = world.post(tasks=4, batch_log2=2, **SETTLE)
    found = digests("a", 4)
    partly = [*found[:3], FAILED if wrong == "failed" else digests("b", 4)[3]]

    settled = play(world, job, [partly, found, found])

    assert masks_of(settled) == (0b1111, 0, 0, 0)
    assert settled.seats[0] >> 24 & (2**96 - 1) == 3 * PRICE
    ids = [operator.id for operator in world.operators[1:3]]
    result = stood(world, 0b1111, found, ids)
    assert settled.servers == result.packed_servers
    assert world.jobs.batch_of(job.key, 0) == final_word(result.digest())
