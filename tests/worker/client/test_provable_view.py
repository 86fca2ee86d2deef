"""The replay of provable jobs: audits, silences, convictions, and the words for them."""

from dataclasses import replace

import pytest

from worker.chain.contracts import Event
from worker.client.events import describe
from worker.client.replay import replay
from worker.client.status import JobStatus
from worker.client.view import BatchState, JobView, TaskState, unfinished
from worker.protocol.provable_words import Fate, Phase, ProvableBatch
from worker.protocol.words import GWEI, OnDissent, Terms

KEY = b"\1" * 32
A, B = b"\xaa" * 32, b"\xbb" * 32
PROVER = "0x" + "22" * 20
TERMS = Terms(
    **{"price": 10, "bond": 12 * GWEI, "tasks": 2, "seats": 1, "max_seats": 1, "batch_log2": 1},
    **{"on_dissent": OnDissent.ESCALATE, "token": 0, "fee_bps": 100, "claim": 30, "run": 60},
    **{"reveal": 40, "expiry": 900_000, "posted_at": 1_000, "challenge": 50, "audit_bps": 1_000},
)


class Chain:
    """The events of a job of one batch, one by one, and what they come to."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.log(
            1_000,
            "JobPosted",
            payer="0x" + "11" * 20,
            program=bytes(32),
            a=TERMS.a,
            b=TERMS.b,
            named=bytes(32),
            nonce=7,
            inputs=bytes(32),
            manifest=bytes(32),
            locators=b"",
        )

    def log(self, at: int, name: str, **args) -> "Chain":
        block = len(self.events) + 1
        args = {"job": KEY, "batch": 0, **args}
        event = Event(name, "ProvableJobs", args, block, bytes(32), bytes(32), block, at)
        self.events.append(event)
        return self

    def seat(self, at: int, operator: int, round: int = 0) -> "Chain":
        """A claim, and a seal ten seconds later."""
        seat = {"operator": operator, "round": round}
        self.log(at, "SeatClaimed", **seat)
        return self.log(at + 10, "ResultSealed", digest=bytes(32), **seat)

    def advance(self, at: int, **changes) -> "Chain":
        """An advance to the word of the view as it is, with these changes."""
        word = replace(self.view(at).batches[0].word, since=at, **changes)
        return self.log(at, "BatchAdvanced", word=packed(word))

    def show(self, at: int, operator: int, *values: bytes, round: int = 0) -> "Chain":
        return self.log(at, "ResultRevealed", operator=operator, round=round, values=list(values))

    def view(self, now: int) -> JobView:
        return replay(self.events, now)

    def told(self) -> str:
        """The last event in words."""
        return describe(self.events[-1], self.view(0))

    def assert_at(self, now: int, state: BatchState, until: int | None = None) -> None:
        batch = self.view(now).batches[0]
        assert (batch.state, batch.until) == (state, until)


def packed(word: ProvableBatch) -> int:
    ids = [one for pair in word.seats for one in pair]
    fields = [*ids, word.phase, word.round, word.redrawn, word.unaudited, *word.fates, *word.held]
    widths = [24] * 6 + [3, 2, 1, 1, 2, 2, 5, 5, 3, 40, 40]
    total = place = 0
    for value, width in zip([*fields, 0, word.since, word.height], widths, strict=True):
        total |= int(value) << place
        place += width
    assert ProvableBatch.unpack(total) == word
    return total


def test_replay__audited__each_phase_with_its_deadline():
    chain = Chain()
    chain.assert_at(1_029, BatchState.OPEN, 1_030)
    chain.assert_at(1_030, BatchState.UNFILLED, 1_030)
    chain.log(1_005, "SeatClaimed", operator=3, round=0)
    chain.assert_at(1_006, BatchState.RUNNING, 1_065)
    chain.log(1_020, "ResultSealed", operator=3, round=0, digest=bytes(32))
    chain.assert_at(1_021, BatchState.SEALED)
    chain.advance(1_030, phase=Phase.AUDIT_OPEN)
    assert chain.told() == "an audit was drawn"
    chain.assert_at(1_031, BatchState.AUDIT_OPEN, 1_060)
    chain.log(1_040, "SeatClaimed", operator=5, round=0)
    chain.assert_at(1_041, BatchState.AUDIT_RUNNING, 1_100)
    chain.log(1_050, "ResultSealed", operator=5, round=0, digest=bytes(32))
    chain.assert_at(1_051, BatchState.REVEALING, 1_090)
    chain.show(1_060, 3, A, B)
    assert chain.view(1_061).batches[0].standing == (A, B)
    chain.show(1_070, 5, A, B)
    chain.assert_at(1_071, BatchState.CHALLENGE, 1_120)

    batch = chain.view(1_071).batches[0]
    assert (batch.seats, batch.standing, batch.shown_by) == ((3, 5), (A, B), (3, 5))
    assert JobStatus(None, chain.view(1_071), 9, 0).state == "challenge"


def test_replay__spared_by_the_opening__challenge_at_once():
    chain = Chain().seat(1_005, 3).show(1_030, 3, A, B)

    chain.assert_at(1_031, BatchState.CHALLENGE, 1_080)
    assert chain.view(1_031).batches[0].word.fates == (Fate.OPENED, Fate.GONE)


def test_replay__openings_differ__nothing_stands_until_a_conviction():
    chain = Chain().seat(1_005, 3).advance(1_030, phase=Phase.AUDIT_OPEN).seat(1_040, 5)
    chain.show(1_060, 3, A, A).show(1_061, 5, A, B)
    assert chain.view(1_062).batches[0].standing == ()

    chain.log(1_070, "OperatorConvicted", operator=3, prover=PROVER, round=0, task=1,
              bond=24 * GWEI, announced=True)  # fmt: skip

    batch = chain.view(1_071).batches[0]
    assert (batch.standing, batch.shown_by) == ((A, B), (5,))
    assert [(seat.operator, seat.burnt) for seat in batch.settled] == [(3, 24 * GWEI)]
    assert chain.told() == (
        f"operator 3 was convicted by {PROVER} for task 1: its bond of 24 tokens taken"
    )
    chain.log(1_130, "BatchSettled", round=0, paid_mask=3, failed_mask=0, tied_mask=0,
              contested_mask=0, values=[A, B], seats=[5 | 20 << 24], servers=5,
              settled_at=1_130)  # fmt: skip
    assert [task.operators for task in chain.view(1_131).tasks] == [(5,), (5,)]


def test_replay__convicted_alone__another_round_from_the_beginning():
    chain = Chain().seat(1_005, 3).show(1_030, 3, A, A)
    chain.log(1_050, "OperatorConvicted", operator=3, prover=PROVER, round=0, task=0,
              bond=24 * GWEI, announced=False)  # fmt: skip
    chain.log(1_050, "RoundOpened", round=1, price=10, mask=3, seed_height=9, opened_at=1_050)

    chain.assert_at(1_051, BatchState.OPEN, 1_080)
    assert chain.told() == "round 2 opened over 2 tasks"
    batch = chain.view(1_051).batches[0]
    assert (batch.round, batch.seats, batch.standing, batch.revealed) == (1, (), (), {})
    chain.seat(1_060, 4, round=1).show(1_080, 4, A, B, round=1)
    assert chain.view(1_081).batches[0].shown_by == (4,)


def test_replay__late__forfeits_and_reopens_in_one_call():
    chain = Chain().log(1_005, "SeatClaimed", operator=3, round=0)
    chain.log(1_070, "SeatForfeited", operator=3, round=0, burnt=6 * GWEI, released=18 * GWEI)
    assert chain.told() == "operator 3 was late: 6 tokens of its bond burnt"
    chain.log(1_070, "RoundOpened", round=1, price=10, mask=3, seed_height=9, opened_at=1_070)
    word = chain.view(1_070).batches[0].word
    chain.log(1_070, "BatchAdvanced", word=packed(word))

    assert chain.told() == "open again"
    chain.assert_at(1_071, BatchState.OPEN, 1_100)


def test_replay__no_auditor_twice__challenged_twice_as_long():
    chain = Chain().seat(1_005, 3).advance(1_030, phase=Phase.AUDIT_OPEN)
    chain.advance(1_061, redrawn=True)
    assert chain.told() == "no auditor came, drawn once more"
    unaudited = {"unaudited": True, "phase": Phase.REVEAL, "fates": (Fate.IN_PLAY, Fate.GONE)}
    chain.advance(1_095, **unaudited)
    assert chain.told() == "no auditor came: it goes on without, challenged twice as long"
    chain.show(1_100, 3, A, B)

    chain.assert_at(1_101, BatchState.CHALLENGE, 1_200)


def test_replay__silent_in_the_reveal__the_other_goes_on():
    chain = Chain().seat(1_005, 3).advance(1_030, phase=Phase.AUDIT_OPEN).seat(1_040, 5)
    chain.show(1_060, 5, A, B)
    chain.log(1_095, "SeatForfeited", operator=3, round=0, burnt=24 * GWEI, released=0)
    assert chain.told() == "operator 3 fell silent: 24 tokens of its bond burnt"
    chain.advance(1_095, phase=Phase.CHALLENGE, fates=(Fate.GONE, Fate.OPENED))

    assert chain.told() == "not everybody showed a result: what was shown can be challenged"
    chain.assert_at(1_096, BatchState.CHALLENGE, 1_145)
    assert chain.view(1_096).batches[0].shown_by == (5,)


def test_replay__silence_that_reopened__is_of_the_round_before():
    chain = Chain().seat(1_005, 3).show(1_030, 3, A, B)
    chain.log(1_060, "RoundOpened", round=1, price=10, mask=3, seed_height=9, opened_at=1_060)
    chain.log(1_060, "SeatForfeited", operator=3, round=0, burnt=24 * GWEI, released=0)

    chain.assert_at(1_061, BatchState.OPEN, 1_090)
    assert chain.view(1_061).batches[0].word.fates == (Fate.IN_PLAY, Fate.IN_PLAY)


@pytest.mark.parametrize(
    ("reason", "state", "words"),
    [
        (1, BatchState.EXPIRED, "expired, refunded"),
        (2, BatchState.CANCELLED, "cancelled, refunded"),
        (3, BatchState.REFUNDED, "no round or no time is left, refunded"),
    ],
)
def test_replay__ended_without_result__refunded_and_to_retry(reason, state, words):
    chain = Chain().log(1_100, "BatchClosed", reason=reason, refund=40)

    view = chain.view(1_101)
    assert (view.batches[0].state, view.batches[0].refund) == (state, 40)
    assert unfinished(view) == [0, 1]
    assert JobStatus(None, view, 9, 0).state == "refunded"
    assert chain.told() == words


def test_replay__mismatch_at_the_end__tied():
    chain = Chain().seat(1_005, 3).advance(1_030, phase=Phase.AUDIT_OPEN).seat(1_040, 5)
    chain.show(1_060, 3, A, A).show(1_061, 5, A, B)
    burnt = [operator | 24 * GWEI << 120 for operator in (3, 5)]
    chain.log(1_130, "BatchSettled", round=0, paid_mask=0, failed_mask=0, tied_mask=3,
              contested_mask=0, values=[], seats=burnt, servers=0, settled_at=1_130)  # fmt: skip

    view = chain.view(1_131)
    assert {task.state for task in view.tasks} == {TaskState.TIED}
    assert JobStatus(None, view, 9, 0).state == "tied"
    assert chain.told() == "settled: 2 tied"
