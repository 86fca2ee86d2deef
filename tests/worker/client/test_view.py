"""The replay of events: contested and failed batches, which the short path never shows."""

import pytest

from worker.chain.contracts import Event
from worker.client.output import available, claim_of
from worker.client.replay import replay
from worker.client.status import JobStatus
from worker.client.view import BatchState, TaskState, unfinished
from worker.errors import NotFoundError
from worker.protocol.record import FAILED
from worker.protocol.settled import Result
from worker.protocol.words import OnDissent, Stage, Terms

KEY = b"\1" * 32
A, B = b"\xaa" * 32, b"\xbb" * 32


def event(name: str, block: int, **args) -> Event:
    return Event(name, "ReplicatedJobs", {"job": KEY, **args}, block, bytes(32), bytes(32), block)


def posted(**changes) -> Event:
    terms = Terms(
        **{
            **{"price": 10, "bond": 5, "tasks": 3, "seats": 3, "max_seats": 5, "batch_log2": 1},
            **{"on_dissent": OnDissent.ESCALATE, "token": 0, "fee_bps": 100, "claim": 30},
            **{"run": 60, "reveal": 30, "expiry": 10_000, "posted_at": 1_000, **changes},
        }
    )
    return event(
        "JobPosted",
        1,
        payer="0x" + "11" * 20,
        program=bytes(32),
        a=terms.a,
        b=terms.b,
        named=bytes(32),
        nonce=7,
        inputs=bytes(32),
        manifest=bytes(32),
        locators=b"https://a.example/{digest}\nnonsense",
    )


def claims(*operators: int, batch: int = 0, first: int = 2) -> list[Event]:
    return [
        event("SeatClaimed", first + i, operator=one, batch=batch, round=0, seat=i)
        for i, one in enumerate(operators)
    ]


def settled(block: int, **masks) -> Event:
    kinds = {f"{kind}_mask": 0 for kind in ("paid", "failed", "tied", "contested")}
    usual = {"batch": 0, "round": 0, "values": [], "servers": 0, "settled_at": 1_040}
    return event("BatchSettled", block, **{**kinds, **usual, **masks})


def seat(operator: int, paid: int) -> int:
    return operator | paid << 24


def test_replay__dissent__one_task_paid_the_other_contested_then_paid():
    events = [
        posted(),
        *claims(1, 2, 3),
        settled(
            9,
            paid_mask=1,
            contested_mask=2,
            values=[A],
            seats=[seat(1, 10), seat(2, 10)],
            servers=1 | 2 << 24,
        ),
        event("RoundOpened", 9, batch=0, round=1, price=10, mask=2, seed_height=5, opened_at=1_050),
    ]
    growing = replay(events, 1_060)
    events += claims(4, 5, first=10)
    events += [
        settled(
            20,
            round=1,
            paid_mask=2,
            values=[B],
            seats=[seat(3, 10), seat(4, 10)],
            servers=3 | 4 << 24,
            settled_at=1_080,
        )
    ]
    grown = replay(events, 1_100)

    assert growing.batches[0].state is BatchState.CONTESTED
    assert [task.state for task in growing.tasks[:2]] == [TaskState.DONE, TaskState.PENDING]
    assert growing.batches[0].seats == (1, 2, 3)
    assert grown.batches[0].state is BatchState.SETTLED
    assert [task.value for task in grown.tasks[:2]] == [A, B]
    assert [task.operators for task in grown.tasks[:2]] == [(1, 2), (3, 4)]
    assert grown.batches[0].result == {
        Stage.BASE: Result(1, (A,), (1, 2), 1_040),
        Stage.FINAL: Result(2, (B,), (3, 4), 1_080),
    }
    assert grown.spent == 40


def test_replay__nothing_stands__tasks_to_retry():
    events = [posted(), *claims(1, 2, 3), settled(9, tied_mask=1, failed_mask=2, seats=[])]
    events += [event("BatchClosed", 10, batch=1, reason=1, refund=50)]
    view = replay(events, 2_000)

    states = [TaskState.TIED, TaskState.FAILED, TaskState.REFUNDED]
    assert [task.state for task in view.tasks] == states
    assert unfinished(view) == [0, 1, 2]
    assert view.batches[1].state is BatchState.EXPIRED
    assert view.is_over and not view.is_delivered
    assert JobStatus(None, view, 10, 0).state == "tied"
    assert available(view) == []


def test_replay__silence__no_quorum():
    view = replay([posted(tasks=2), *claims(1, 2, 3), settled(9, seats=[])], 2_000)

    assert {task.state for task in view.tasks} == {TaskState.NO_QUORUM}
    assert JobStatus(None, view, 10, 0).state == "no quorum"


@pytest.mark.parametrize(
    ("operators", "sealed", "now", "state"),
    [
        ((), 0, 1_029, BatchState.OPEN),
        ((1, 2), 0, 1_030, BatchState.UNFILLED),
        ((1, 2, 3), 2, 1_030, BatchState.RUNNING),
        ((1, 2, 3), 3, 1_030, BatchState.SEALED),
    ],
)
def test_replay__open_batch__state_by_seats_and_clock(operators, sealed, now, state):
    events = [posted(), *claims(*operators)]
    for number in operators[:sealed]:
        events.append(event("ResultSealed", 6, operator=number, batch=0, round=0, digest=bytes(32)))
    view = replay(events, now)

    assert view.batches[0].state is state
    assert view.is_accepted is False  # the other batch waits


def test_replay__raised_price__seats_are_given_back():
    opened = event(
        "RoundOpened", 5, batch=0, round=1, price=20, mask=3, seed_height=5, opened_at=1_040
    )
    view = replay([posted(), *claims(1), opened], 1_041)

    batch = view.batches[0]
    assert (batch.seats, batch.price, batch.state) == ((), 20, BatchState.OPEN)


def test_claim_of__single_seat__what_it_showed_before_the_acceptance():
    shown = event("ResultRevealed", 4, operator=1, batch=0, round=0, values=[A, FAILED])
    view = replay([posted(seats=1, max_seats=1), *claims(1), shown], 1_050)

    assert claim_of(view, 0).value == A
    assert available(view) == [0]
    with pytest.raises(NotFoundError, match="task 1 has no result"):
        claim_of(view, 1)
    with pytest.raises(NotFoundError, match="no task 3"):
        claim_of(view, 3)


def test_replay__no_posting__not_found():
    with pytest.raises(NotFoundError, match="no such job"):
        replay(claims(1), 0)


def test_replay__posting__bad_locators_are_left_out():
    assert replay([posted()], 0).locators == ("https://a.example/{digest}",)
