"""Fixes results on chain: a seal for a claimed seat, or claim and seal at once for a late one."""

from typing import Any

import structlog

from worker.protocol.outbox import OutboxEntry, TxState
from worker.protocol.record import FAILED
from worker.protocol.seals import seal_digest
from worker.services.base import Service, StepHook, no_hook
from worker.services.desk import Desk, Verb
from worker.services.lane import is_open_to
from worker.services.policy import PolicyConfig, proof_for
from worker.storage.seats import Seat, SeatState

log = structlog.get_logger(__name__)


class Sealer(Service):
    """Every record is on disk before; the seal's salt is derived, so nothing can be lost."""

    name = "sealer"
    linger = 0.1

    def __init__(self, desk: Desk[Any], policy: PolicyConfig, on_step: StepHook = no_hook) -> None:
        super().__init__(on_step)
        self.name = desk.lane.prefix + self.name
        self._desk = desk
        self._policy = policy

    async def tick(self) -> bool:
        """See what became of seals; then make those that are due."""
        sealing = self._desk.held(SeatState.SEALING)
        for seat, entry in self._desk.settled(Verb.SEAL, sealing):
            self._follow(seat, entry)
        ran, now = self._desk.held(SeatState.RAN), self._desk.chain.now
        late = [seat for seat in ran if seat.claims_late and now >= seat.claim_from]
        await self._desk.look(late)
        for seat in late:
            await self._claim_sealed(seat)
        for seat in ran:
            if not seat.claims_late:
                await self._seal(seat)
        return False

    async def _seal(self, seat: Seat) -> None:
        round_ = await self._desk.confirmed(seat)
        now = self._desk.chain.now
        until = round_.seal_until(self._desk.identity.operator, now)
        if round_.number != seat.key.round or until is None:
            return  # the round is over or void: it is settled elsewhere
        if now >= until:
            self._desk.seats.move(seat.key, SeatState.MISSED, "run window over")
            return
        if now - seat.opened_at < 2**seat.tries - 1:
            return  # it was refused: not again at once
        data = self._desk.encode(
            "seal",
            round_.terms.members(),
            seat.key.batch,
            self._digest(seat, self._desk.values(seat)),
        )
        self._desk.propose(
            Verb.SEAL,
            seat,
            data,
            state=SeatState.SEALING,
            worth=self._desk.batch_bond(seat),
            not_after=until,
        )
        self.step("intent_stored")

    async def _claim_sealed(self, seat: Seat) -> None:
        values = self._desk.values(seat)
        round_ = await self._desk.latest(seat)
        if FAILED in values or not is_open_to(seat, round_, self._desk.chain.now):
            reason = "run failed" if FAILED in values else "no seat left"
            self._desk.seats.move(seat.key, SeatState.VOID, reason)
            return
        data = self._desk.encode(
            "claim_sealed",
            round_.terms.members(),
            seat.key.batch,
            proof_for(self._policy, round_, self._desk.identity.operator),
            self._digest(seat, values),
        )
        until = round_.clock.claim_until
        self._desk.propose(Verb.SEAL, seat, data, state=SeatState.SEALING, not_after=until)
        self.step("intent_stored")

    def _digest(self, seat: Seat, values: list[bytes]) -> bytes:
        key, operator = seat.key, self._desk.identity.operator
        salt = self._desk.salt(key)
        return seal_digest(key.job, key.batch, key.round, operator, values, salt)

    def _follow(self, seat: Seat, entry: OutboxEntry) -> None:
        reason = entry.reason or "not mined"
        if entry.state is TxState.FINAL or self._desk.lane.sealed_before in reason:
            self._desk.seats.move(seat.key, SeatState.SEALED)
            self.step("sealed")
        elif seat.claims_late or reason == self._desk.lane.no_seat:
            # Lost to another, or its claim to a reorganisation.
            log.info("claim not granted", seat=seat.key.name, reason=reason)
            self._desk.seats.move(seat.key, SeatState.VOID, reason)
        elif entry.state is TxState.EXPIRED:
            self._desk.seats.move(seat.key, SeatState.MISSED, reason)
        else:
            log.warning("seal refused", seat=seat.key.name, reason=reason)
            self._desk.seats.retry(seat.key, SeatState.RAN, reason)
