"""Ends batches: cranks what is due, books what a settlement brought, gives outputs free."""

from collections.abc import Callable

import structlog

from worker.protocol.answers import Answers
from worker.protocol.outbox import TxState
from worker.protocol.words import SeatOutcome
from worker.services.answers import collect_answers
from worker.services.base import Service, StepHook, no_hook
from worker.services.desk import Desk, Verb, turn
from worker.services.ends import book_end
from worker.services.rounds import Round
from worker.storage.jobs import JobLog
from worker.storage.seats import HOLDING, Earning, Seat, SeatState
from worker.types import Gwei, Seconds, Wei

log = structlog.get_logger(__name__)


class Settler(Service):
    """Cranks where a bond of ours is locked. The seats take turns, so that one pays the gas."""

    name = "settler"

    def __init__(
        self,
        desk: Desk[Round],
        patience: Seconds,
        on_ended: Callable[[Seat], None],
        on_step: StepHook = no_hook,
    ) -> None:
        """A seat whose turn is later waits `patience` seconds of chain time for each before it."""
        super().__init__(on_step)
        self._desk = desk
        self._patience = patience
        self._on_ended = on_ended
        self._due_since: dict[str, int] = {}

    async def tick(self) -> bool:
        """Close ended batches, then crank what is due."""
        holding = self._desk.held(*HOLDING)
        await self._desk.learn(holding)
        for seat in holding:
            round_ = await self._desk.confirmed(seat)
            is_over = round_.word.is_final or round_.number != seat.key.round
            if not (is_over and self._close(seat)):
                await self._crank(seat, round_)
        return False

    def _close(self, seat: Seat) -> bool:
        """Book the seat's end if the chain has decided it at confirmation depth."""
        logs = self._desk.jobs.logs(
            seat.key.job,
            seat.key.batch,
            "BatchSettled",
            "BatchClosed",
            "RoundOpened",
            up_to=self._desk.chain.confirmed,
        )
        logs = [log for log in logs if log.round is None or log.round >= seat.key.round]
        state = _end_of(seat, logs)
        if state is None:
            return False
        mine = self._outcomes(logs)
        earning = self._earning(seat, logs, mine)
        if state is SeatState.SETTLED and not mine:
            state = SeatState.VOID  # a reorganisation had taken the claim away
        elif state is SeatState.SETTLED and earning.burnt:
            state = SeatState.LOST
        book_end(self._desk, seat, state, earning)
        self._due_since.pop(seat.key.name, None)
        self.step("settled")
        self._on_ended(seat)
        return True

    def _outcomes(self, logs: list[JobLog]) -> list[SeatOutcome]:
        return [
            outcome
            for log in logs
            if log.name == "BatchSettled"
            for outcome in map(SeatOutcome.unpack, log.args["seats"])
            if outcome.operator == self._desk.identity.operator
        ]

    def _earning(self, seat: Seat, logs: list[JobLog], mine: list[SeatOutcome]) -> Earning:
        return Earning(
            paid=Wei(sum(outcome.paid for outcome in mine)),
            burnt=Gwei(sum(outcome.burnt for outcome in mine)),
            released=Gwei(sum(outcome.released for outcome in mine)),
            token=self._desk.terms(seat.key).token,
            block=logs[-1].block,
        )

    async def _crank(self, seat: Seat, round_: Round) -> None:
        now = self._desk.chain.now
        if not may_crank(round_, now):
            return
        answers = collect_answers(self._desk, seat, round_)
        verb = due_crank(round_, answers, now)
        if verb is None:
            self._due_since.pop(seat.key.name, None)
            return
        since = self._due_since.setdefault(seat.key.name, now)
        index = round_.word.seat_of(self._desk.identity.operator)
        if index is None or self._is_under_way(verb, seat):
            return
        if now - since < self._patience * turn(index, seat.key.batch, round_.word.count):
            return
        latest = await self._desk.latest(seat)
        if latest.number == round_.number and not latest.word.is_final:
            self._send(verb, seat, round_, answers)

    def _is_under_way(self, verb: Verb, seat: Seat) -> bool:
        """Whether our crank is on its way; one that failed is repeated under another name."""
        entry = self._desk.entry(verb, seat)
        if entry is None:
            return False
        if entry.state is TxState.FAILED:
            log.info("crank refused", seat=seat.key.name, verb=verb, reason=entry.reason)
            self._desk.seats.retry(seat.key, seat.state, entry.reason or "")
            self._due_since.pop(seat.key.name, None)
        return True

    def _send(self, verb: Verb, seat: Seat, round_: Round, answers: Answers) -> None:
        terms = round_.terms.members()
        if verb is Verb.SETTLE:
            data = self._desk.encode("settle", terms, seat.key.batch, answers.lists, answers.choice)
        else:
            data = self._desk.encode("expire", terms, [seat.key.batch])
        self._desk.propose(verb, seat, data, worth=self._desk.batch_bond(seat))
        self.step("intent_stored")


def may_crank(round_: Round, now: int) -> bool:
    """Whether anything could be due, before it is known who opened."""
    if round_.word.is_final:
        return False
    return round_.may_open(now) or (not round_.is_filled and now >= round_.clock.claim_until)


def due_crank(round_: Round, answers: Answers, now: int) -> Verb | None:
    """Return what anyone may do about the round at chain time `now`, None while it runs."""
    clock, is_base = round_.clock, round_.first == 0
    if round_.word.is_final:
        return None
    if not round_.is_filled:
        claim_window = clock.claim_until - clock.opened_at
        if is_base and now >= clock.claim_until + claim_window:
            return Verb.EXPIRE
        return Verb.SETTLE if not is_base and now >= clock.claim_until else None
    if not round_.may_open(now):
        return None
    if answers.is_missing_some and now < clock.reveal_until:
        return None
    if round_.word.wanted(round_.terms) == 1 and answers.opened and now < round_.terms.expiry:
        return None  # a single seat waits for the payer's accept
    return Verb.SETTLE


def _end_of(seat: Seat, logs: list[JobLog]) -> SeatState | None:
    """Return the state that the seat ends in, None while its batch is undecided."""
    for log in logs:
        if log.name == "BatchClosed":
            return SeatState.VOID
        if log.name == "BatchSettled" and not log.args["contested_mask"]:
            return SeatState.SETTLED
    contested = any(log.name == "BatchSettled" for log in logs)
    opened_anew = any(log.name == "RoundOpened" and log.round != seat.key.round for log in logs)
    return SeatState.VOID if opened_anew and not contested else None
