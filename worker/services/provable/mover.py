"""Brings provable batches to their end: opens own seals, cranks what is due, books what came."""

import structlog

from worker.protocol.outbox import OutboxEntry, TxState
from worker.protocol.provable_words import Fate, Phase, SeatKind
from worker.services.base import Service, StepHook, no_hook
from worker.services.desk import Desk, Verb, turn
from worker.services.ends import book_end
from worker.services.provable.ending import ENDINGS, end_of
from worker.services.provable.lane import Turn
from worker.services.provable.moves import due_move, is_drawn
from worker.storage.seats import HOLDING, Seat, SeatKey, SeatState
from worker.types import Seconds

log = structlog.get_logger(__name__)

_OPENED_BEFORE = "provable: nothing to open"


class Mover(Service):
    """Acts on what lies at confirmation depth: an opening that a reorganisation put before an
    audit's draw could be copied. The seats of a round take turns at what one of them must pay."""

    name = "provable_mover"

    def __init__(self, desk: Desk[Turn], patience: Seconds, on_step: StepHook = no_hook) -> None:
        """A seat whose turn is later waits `patience` seconds of chain time for each before it."""
        super().__init__(on_step)
        self._desk = desk
        self._patience = patience
        self._due: dict[SeatKey, tuple[str, int]] = {}  # which step, and since when

    async def tick(self) -> bool:
        """See what became of openings; close ended seats; then do what is due."""
        revealing = self._desk.held(SeatState.REVEALING)
        for seat, entry in self._desk.settled(Verb.REVEAL, revealing):
            self._follow(seat, entry)
        holding = self._desk.held(*HOLDING)
        await self._desk.learn(holding)
        for seat in holding:
            round_ = await self._desk.confirmed(seat)
            if not self._close(seat, round_):
                await self._move(seat, round_)
        return False

    def _follow(self, seat: Seat, entry: OutboxEntry) -> None:
        reason = entry.reason or "not mined"
        if entry.state is TxState.FINAL or _OPENED_BEFORE in reason:
            self._desk.seats.move(seat.key, SeatState.REVEALED)
            self.step("revealed")
        elif entry.state is TxState.EXPIRED:
            self._desk.seats.move(seat.key, SeatState.MISSED, reason)
        else:
            log.warning("reveal refused", seat=seat.key.name, reason=reason)
            self._desk.seats.retry(seat.key, SeatState.SEALED, reason)

    def _close(self, seat: Seat, round_: Turn) -> bool:
        """Book the seat's end if the chain has decided it at confirmation depth."""
        desk, key = self._desk, seat.key
        logs = desk.jobs.logs(key.job, key.batch, *ENDINGS, up_to=desk.chain.confirmed)
        end = end_of(logs, desk.terms(key), desk.identity.operator, key.round)
        if end is not None:
            book_end(desk, seat, *end)
            self.step("settled")
            self._due.pop(key, None)
            return True
        if round_.is_final or round_.number != key.round:  # it was never had
            desk.seats.move(key, SeatState.VOID, "the round is over")
            return True
        return False

    async def _move(self, seat: Seat, round_: Turn) -> None:
        chain, word = self._desk.chain, round_.word
        kind = word.seat_of(self._desk.identity.operator)
        if kind is None:
            return  # not deep enough, or still to be claimed
        drawn = None
        if word.phase is Phase.SEALED:
            drawn = await is_drawn(chain, self._desk.job(seat.key), round_)
        verb = due_move(round_, kind, chain.now, drawn)
        if verb is Verb.REVEAL:
            await self._reveal(seat, round_)
        elif verb is not None:
            self._note_silence(seat, round_, kind)
            await self._crank(verb, seat, round_, kind)

    async def _reveal(self, seat: Seat, round_: Turn) -> None:
        desk, now = self._desk, self._desk.chain.now
        if seat.state is not SeatState.SEALED:
            return
        if seat.ready_at is None:
            desk.seats.mark_ready(seat.key, now)
        if now - (seat.ready_at or now) < 2**seat.tries - 1:
            return  # it was refused: not again at once
        if (await desk.latest(seat)).word != round_.word:
            return
        data = desk.encode(
            "reveal",
            round_.terms.members(),
            seat.key.batch,
            desk.identity.operator,
            desk.values(seat),
            desk.salt(seat.key),
        )
        desk.propose(
            Verb.REVEAL,
            seat,
            data,
            state=SeatState.REVEALING,
            worth=desk.batch_bond(seat),
            not_after=round_.word.until(round_.terms),
        )
        self.step("intent_stored")

    def _note_silence(self, seat: Seat, round_: Turn, kind: SeatKind) -> None:
        is_silent = round_.word.phase is Phase.REVEAL and round_.word.fates[kind] is Fate.IN_PLAY
        if is_silent and seat.state is SeatState.SEALED:
            self._desk.seats.move(seat.key, SeatState.MISSED, "reveal window over")

    async def _crank(self, verb: Verb, seat: Seat, round_: Turn, kind: SeatKind) -> None:
        """Send what anyone may, once it is this seat's turn."""
        now, step = self._desk.chain.now, str(round_.word.since)
        known, since = self._due.get(seat.key, ("", now))
        if known != step:
            since = now
            self._due[seat.key] = step, now
        if self._is_under_way(verb, seat, step):
            return
        taken = [one for one in SeatKind if round_.word.seat(one)]
        if now - since < self._patience * turn(taken.index(kind), seat.key.batch, len(taken)):
            return
        if now - since < 2**seat.tries - 1:
            return  # it was refused, as behind an answered demand: not again at once
        if (await self._desk.latest(seat)).word != round_.word:
            return
        parts: list[object] = [round_.terms.members(), seat.key.batch]
        if verb is Verb.SETTLE:
            parts.append(self._standing(seat, round_))
        data = self._desk.encode(verb.value, *parts)
        worth = self._desk.batch_bond(seat)
        self._desk.propose(verb, seat, data, step=step, worth=worth)
        self.step("intent_stored")

    def _is_under_way(self, verb: Verb, seat: Seat, step: str) -> bool:
        """Whether our crank is on its way; one that failed is repeated under another name."""
        entry = self._desk.entry(verb, seat, step)
        if entry is None:
            return False
        if entry.state is TxState.FAILED:
            log.info("crank refused", seat=seat.key.name, verb=verb, reason=entry.reason)
            self._desk.seats.retry(seat.key, seat.state, entry.reason or "")
        return True

    def _standing(self, seat: Seat, round_: Turn) -> list[bytes]:
        """Return the values that stand, none where two seats opened different ones."""
        opened = {
            round_.word.seat(kind) for kind in SeatKind if round_.word.fates[kind] is Fate.OPENED
        }
        logs = self._desk.jobs.logs(seat.key.job, seat.key.batch, "ResultRevealed")
        lists = [
            log.args["values"]
            for log in logs
            if log.round == round_.number and log.operator in opened
        ]
        return lists[0] if all(one == lists[0] for one in lists) else []
