"""The market's statistics, from events alone: rounds, prices that fill, failures, capabilities."""

from typing import Any

import pytest

from worker.chain.contracts import Event
from worker.client.lane import Lane
from worker.client.market import Spread, summarise
from worker.client.market_rounds import Fill, read_rounds
from worker.client.view import TaskState
from worker.errors import RpcError
from worker.protocol.words import OnDissent, Terms

START, CLAIM = 1_000, 30
USUAL: dict[str, Any] = {
    **{"price": 10, "bond": 8, "tasks": 2, "seats": 3, "max_seats": 5, "batch_log2": 1},
    **{"on_dissent": OnDissent.ESCALATE, "token": 0, "fee_bps": 100, "claim": CLAIM},
    **{"run": 60, "reveal": 30, "expiry": 90_000, "posted_at": START},
}
PROVABLE = {"seats": 1, "max_seats": 1, "challenge": 50, "audit_bps": 1_000}


class Story:
    """Events of jobs of one batch, one by one; operators come one second after another."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.jobs = 0
        self.lane = Lane.REPLICATED

    def log(self, at: int, name: str, **args: Any) -> "Story":
        args = {"job": bytes([self.jobs]) * 32, "batch": 0, **args}
        place = len(self.events)
        self.events.append(Event(name, self.lane, args, place, bytes(32), bytes(32), place, at))
        return self

    def post(self, lane: Lane = Lane.REPLICATED, **terms: Any) -> "Story":
        """Another job, which the next events are about."""
        self.jobs, self.lane = self.jobs + 1, lane
        words = Terms(**{**USUAL, **(PROVABLE if lane is Lane.PROVABLE else {}), **terms})
        made = {"program": bytes(32), "nonce": 7, "inputs": bytes(32), "manifest": bytes(32)}
        payer = "0x" + "11" * 20
        return self.log(
            START, "JobPosted", a=words.a, b=words.b, named=bytes(32), payer=payer, **made
        )

    def claim(self, *operators: int, since: int = START, round: int = 0) -> "Story":
        for second, operator in enumerate(operators, start=1):
            self.log(since + second, "SeatClaimed", operator=operator, round=round)
        return self

    def settle(self, *burnt: int, round: int = 0, **masks: int) -> "Story":
        """A settlement; these operators lost something."""
        kinds = {f"{kind}_mask": masks.get(kind, 0) for kind in KINDS}
        seats = [operator | 1 << 120 for operator in burnt]
        return self.log(START + 50, "BatchSettled", round=round, seats=seats, **kinds)

    def open(self, round: int, at: int, price: int = 10, mask: int = 3) -> "Story":
        return self.log(at, "RoundOpened", round=round, price=price, mask=mask, opened_at=at)

    def market(self, now: int = START + 100, **capabilities: Any):
        (found,) = summarise(read_rounds(self.events), {}, now)
        return found


KINDS = ("paid", "failed", "tied", "contested")


def test_summarise__filled_and_paid__price_seconds_and_outcome():
    market = Story().post().claim(1, 2, 3).settle(paid=3).market()
    assert (market.lane, market.token, market.capability) == (Lane.REPLICATED, 0, None)
    assert (market.jobs, market.seats, market.punished) == (1, 3, 0)
    assert market.rounds == {Fill.FILLED: 1}
    assert market.price == Spread(10, 10, 10, 10)
    assert market.cost.median == 30  # three seats
    assert market.seconds == Spread(3, 3, 3, 3)
    assert market.fills_from == 10
    assert +market.tasks == {TaskState.DONE: 2}


def test_summarise__raised_price__the_first_round_was_unfilled():
    story = Story().post(price=10).claim(1).open(1, START + 40, price=25)
    market = story.claim(4, 5, 6, since=START + 40, round=1).settle(paid=1, round=1).market()
    assert market.rounds == {Fill.UNFILLED: 1, Fill.FILLED: 1}
    assert market.fills_from == 25
    assert (market.seats, market.seconds.high) == (4, 3)
    assert +market.tasks == {TaskState.DONE: 1, TaskState.NO_QUORUM: 1}


def test_summarise__growth__waits_for_the_seats_that_are_added():
    story = Story().post().claim(1, 2, 3).settle(contested=2, paid=1).open(1, START + 60, mask=2)
    growing = story.market(START + 80)
    assert growing.rounds == {Fill.FILLED: 1, Fill.WAITING: 1}
    market = story.claim(4, 5, since=START + 60, round=1).settle(3, round=1, paid=2).market()
    assert market.rounds == {Fill.FILLED: 2}
    assert (market.seconds.low, market.seconds.high) == (2, 3)
    assert (market.seats, market.punished) == (5, 1)
    assert +market.tasks == {TaskState.DONE: 2}


@pytest.mark.parametrize(
    ("closed", "now", "fill"),
    [
        (None, START + CLAIM - 1, Fill.WAITING),
        (None, START + CLAIM, Fill.UNFILLED),
        (START + CLAIM - 1, START + 100, Fill.WITHDRAWN),
        (START + CLAIM, START + 100, Fill.UNFILLED),
    ],
)
def test_summarise__nobody_came__by_the_clock(closed, now, fill):
    story = Story().post().claim(1)
    if closed:
        story.log(closed, "BatchClosed", reason=2, refund=1)
    market = story.market(now)
    assert market.rounds == {fill: 1}
    assert (market.fills_from, market.seconds) == (None, None)
    assert +market.tasks == ({TaskState.REFUNDED: 2} if closed else {})


def test_summarise__provable__auditors_are_seats_that_nobody_waits_for():
    story = Story().post(Lane.PROVABLE).claim(1).claim(2, since=START + 20).settle(paid=3)
    market = story.market()
    assert (market.lane, market.seats, market.seconds.high) == (Lane.PROVABLE, 2, 1)
    assert market.cost.median == 11  # with a tenth for audits


@pytest.mark.parametrize("name", ["SeatForfeited", "OperatorConvicted"])
def test_summarise__provable_and_punished__counts(name):
    story = Story().post(Lane.PROVABLE).claim(1).log(START + 30, name, operator=1, round=0)
    story.open(1, START + 30).claim(2, since=START + 30, round=1).settle(paid=3, round=1)
    market = story.market()
    assert (market.punished, market.rounds) == (1, {Fill.FILLED: 2})


def test_summarise__prices_that_fill__nine_in_ten_from_there_on():
    """At 30 and above all were filled, at 20 one of eight was not, at 10 none was."""
    story = Story()
    for price, filled in [(30, 2), (20, 7)]:
        for _ in range(filled):
            story.post(price=price).claim(1, 2, 3)
    story.post(price=20)
    assert story.market().fills_from == 20  # 9 of 10
    story.post(price=20)
    assert story.market().fills_from == 30  # 9 of 11
    story.post(price=10)
    assert story.market().price == Spread(10, 20, 30, 30)


def test_summarise__capabilities__tell_of_their_own_seats():
    story = Story().post(price=10).claim(1, 2, 3).settle(2, 3, paid=3)
    story.post(price=40).claim(4, 5, 6).settle(paid=3)
    story.post(Lane.PROVABLE, token=2).claim(3).settle(paid=3)
    able = {1: frozenset({"wasm"}), 2: frozenset({"wasm", "gpu"}), 9: frozenset({"bit 7"})}
    found = summarise(read_rounds(story.events), able, START + 100)
    rows = [(one.lane, one.token, one.capability, one.seats, one.punished) for one in found]
    assert rows == [
        (Lane.PROVABLE, 2, None, 1, 0),
        (Lane.REPLICATED, 0, None, 6, 2),
        (Lane.REPLICATED, 0, "gpu", 1, 1),
        (Lane.REPLICATED, 0, "wasm", 2, 1),
    ]
    assert [one.price.high for one in found[1:]] == [40, 10, 10]


def test_read_rounds__posting_not_seen__passed_over():
    assert read_rounds(Story().post().claim(1).events[1:]) == []


def test_read_rounds__without_times__says_so():
    story = Story().post()
    story.log(None, "SeatClaimed", operator=1, round=0)
    with pytest.raises(RpcError, match="SeatClaimed: the time of block 1"):
        read_rounds(story.events)


@pytest.mark.parametrize(
    ("values", "told"),
    [([7], (7, 7, 7, 7)), (range(1, 12), (1, 6, 10, 11)), ([3, 1, 2], (1, 2, 3, 3))],
)
def test_spread__some_values__in_order(values, told):
    assert Spread.of(values) == Spread(*told)
