"""Shows results once nobody can copy them: together in one transaction, or each for itself."""

import structlog

from worker.protocol.outbox import OutboxEntry, TxState
from worker.protocol.record import FAILED
from worker.services.base import Service, StepHook, no_hook
from worker.services.desk import Desk, Verb, turn
from worker.services.openings import Gathered, Openings
from worker.services.rounds import Round
from worker.storage.seats import Seat, SeatState
from worker.types import Seconds

log = structlog.get_logger(__name__)

_OPENED_BEFORE = "jobs: already opened"


class Revealer(Service):
    """Concludes with the others' openings when all agree, else reveals; never before all seals lie
    at confirmation depth, and never after the window."""

    name = "revealer"

    def __init__(
        self, desk: Desk[Round], openings: Openings, patience: Seconds, on_step: StepHook = no_hook
    ) -> None:
        """Each seat has up to `patience` seconds of chain time for concluding, one by one."""
        super().__init__(on_step)
        self._desk = desk
        self._openings = openings
        self._patience = patience

    async def tick(self) -> bool:
        """See what became of reveals; then show what may be shown."""
        revealing = self._desk.held(SeatState.REVEALING)
        for seat, entry in self._desk.settled(Verb.REVEAL, revealing):
            self._follow(seat, entry)
        sealed = self._desk.held(SeatState.SEALED)
        await self._desk.learn(sealed)
        due = [seat for seat in sealed if await self._is_due(seat)]
        await self._desk.look(due)
        for seat in due:
            await self._reveal(seat)
        return False

    async def _is_due(self, seat: Seat) -> bool:
        """Whether the seat must reveal for itself now."""
        round_ = await self._desk.confirmed(seat)
        chain = self._desk.chain
        if round_.number != seat.key.round or round_.word.is_final:
            return False  # the settler draws the line
        if chain.now >= round_.clock.reveal_until:
            self._desk.seats.move(seat.key, SeatState.MISSED, "reveal window over")
            return False
        if not round_.may_open(chain.now):
            return False
        if seat.ready_at is None:
            self._desk.seats.mark_ready(seat.key, chain.now)
            seat = self._desk.seats.get(seat.key) or seat
        if chain.now - (seat.ready_at or 0) < 2**seat.tries - 1:
            return False  # it was refused: not again at once
        return not await self._may_conclude(seat, round_)

    async def _may_conclude(self, seat: Seat, round_: Round) -> bool:
        """Whether the short path is still open; take it when it is this seat's turn."""
        own = self._openings.own(seat)
        is_short = round_.first == 0 and round_.seats > 1 and round_.all_sealed
        if not is_short or FAILED in own.values or self._is_shown(seat):
            return False
        ready_at = seat.ready_at or 0
        # Half of a short window stays for the reveals.
        each = min(self._patience, (round_.clock.reveal_until - ready_at) // (2 * round_.seats))
        waited = self._desk.chain.now - ready_at
        if waited >= each * round_.seats:
            return False
        index = round_.word.seat_of(self._desk.identity.operator) or 0
        if waited < each * turn(index, seat.key.batch, round_.seats):
            return True
        gathered = await self._openings.gather(seat, round_, own)
        if gathered.is_unanimous and self._desk.entry(Verb.CONCLUDE, seat) is None:
            self._conclude(seat, round_, gathered)
        return not gathered.is_dissent

    def _is_shown(self, seat: Seat) -> bool:
        """Whether a seat of the round has revealed: it saw that there is nothing to conclude."""
        logs = self._desk.jobs.logs(seat.key.job, seat.key.batch, "ResultRevealed")
        return any(log.round == seat.key.round for log in logs)

    def _conclude(self, seat: Seat, round_: Round, gathered: Gathered) -> None:
        openings = [gathered.openings[index] for index in range(gathered.count)]
        data = self._desk.encode(
            "conclude",
            round_.terms.members(),
            seat.key.batch,
            list(openings[0].values),
            [opening.salt for opening in openings],
        )
        self._desk.propose(Verb.CONCLUDE, seat, data, not_after=round_.clock.reveal_until)
        self.step("conclude_stored")

    async def _reveal(self, seat: Seat) -> None:
        round_ = await self._desk.latest(seat)
        if round_.number != seat.key.round or round_.word.is_final:
            return
        opening = self._openings.own(seat)
        data = self._desk.encode(
            "reveal",
            round_.terms.members(),
            seat.key.batch,
            opening.operator,
            list(opening.values),
            opening.salt,
        )
        self._desk.propose(
            Verb.REVEAL,
            seat,
            data,
            state=SeatState.REVEALING,
            worth=self._desk.batch_bond(seat),
            not_after=round_.clock.reveal_until,
        )
        self.step("intent_stored")

    def _follow(self, seat: Seat, entry: OutboxEntry) -> None:
        reason = entry.reason or "not mined"
        if entry.state is TxState.FINAL or _OPENED_BEFORE in reason:
            self._desk.seats.move(seat.key, SeatState.REVEALED)
            self.step("revealed")
        elif entry.state is TxState.EXPIRED:
            self._desk.seats.move(seat.key, SeatState.MISSED, reason)
        else:
            # Another may have concluded meanwhile: then the settlement comes; else try again.
            log.info("reveal refused", seat=seat.key.name, reason=reason)
            self._desk.seats.retry(seat.key, SeatState.SEALED, reason)
