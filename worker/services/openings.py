"""This worker's openings for the others, and the others' for the short path."""

import asyncio
from dataclasses import dataclass

from worker.errors import FetchError
from worker.protocol.openings import NoOpening, Opening
from worker.protocol.seals import DIGEST_MASK, seal_digest
from worker.services.desk import Desk
from worker.services.peers import Peers
from worker.services.rounds import Round
from worker.storage.http import GuardedHttp
from worker.storage.seats import Seat, SeatKey, SeatState
from worker.types import BatchIndex, JobKey, OperatorId
from worker.work.peers import PeerClient

_MAY_OPEN = (SeatState.SEALED, SeatState.REVEALING, SeatState.REVEALED)


@dataclass(frozen=True)
class Gathered:
    """What the other seats' workers told: openings by seat; some may be missing."""

    openings: dict[int, Opening]
    count: int

    @property
    def is_dissent(self) -> bool:
        """Whether two seats opened different values."""
        return len({opening.values for opening in self.openings.values()}) > 1

    @property
    def is_unanimous(self) -> bool:
        """Whether every seat told, all the same."""
        return len(self.openings) == self.count and not self.is_dissent


class Openings:
    """Tells this worker's openings once they can no longer be copied; asks for the others'."""

    def __init__(self, desk: Desk[Round], http: GuardedHttp, peers: Peers) -> None:
        self._desk = desk
        self._client = PeerClient(http)
        self._peers = peers
        self._own: dict[SeatKey, Opening] = {}
        self._known: dict[SeatKey, dict[int, Opening]] = {}

    async def opening(self, job: JobKey, batch: BatchIndex) -> Opening | NoOpening:
        """Return this worker's opening of the newest round that it sits in; see OpeningSource."""
        posted = self._desk.jobs.get(job)
        if posted is None or posted.service != self._desk.lane.service:
            return NoOpening.UNKNOWN  # other lanes' seats open on the chain alone
        seats = [seat for seat in self._desk.seats.of_batch(job, batch) if seat.state in _MAY_OPEN]
        if not seats:
            return NoOpening.UNKNOWN
        seat = seats[-1]
        round_ = await self._desk.confirmed(seat)
        # Nor of a past round: after a raise of the price the next one has the same values.
        if round_.number != seat.key.round or not round_.all_sealed:
            return NoOpening.TOO_EARLY
        return self.own(seat)

    def own(self, seat: Seat) -> Opening:
        """Return the opening of a seat of ours that is sealed: it never changes again."""
        if seat.key not in self._own:
            values = tuple(self._desk.values(seat))
            operator, salt = self._desk.identity.operator, self._desk.salt(seat.key)
            self._own[seat.key] = Opening(operator, seat.key.round, values, salt)
        return self._own[seat.key]

    async def gather(self, seat: Seat, round_: Round, own: Opening) -> Gathered:
        """Ask every other seat of the round for its opening; believe what fits its seal."""
        known = self._known.setdefault(seat.key, {})
        running = list(round_.word.running_seats())
        known |= {index: own for index in running if round_.word.operators[index] == own.operator}
        asked = [index for index in running if index not in known]
        if asked:
            await self._ask_all(asked, seat, round_, known)
        return Gathered(dict(known), len(running))

    async def _ask_all(
        self, asked: list[int], seat: Seat, round_: Round, known: dict[int, Opening]
    ) -> None:
        """Add to `known` what the seats `asked` say, if it fits."""
        seals = self._seals(seat, round_)
        answers = await asyncio.gather(
            *(self._ask(round_.word.operators[index], seat) for index in asked)
        )
        for index, opening in zip(asked, answers, strict=True):
            operator = round_.word.operators[index]
            if opening and self._fits(opening, operator, seat, seals.get(operator)):
                known[index] = opening

    def forget(self, seat: Seat) -> None:
        """Drop what is known of the seat's round: the batch is settled."""
        self._own.pop(seat.key, None)
        self._known.pop(seat.key, None)

    def _seals(self, seat: Seat, round_: Round) -> dict[OperatorId, bytes]:
        logs = self._desk.jobs.logs(seat.key.job, seat.key.batch, "ResultSealed")
        return {
            log.args["operator"]: log.args["digest"] for log in logs if log.round == round_.number
        }

    async def _ask(self, operator: OperatorId, seat: Seat) -> Opening | None:
        """Return what that operator's worker says; None when it does not, or not sensibly."""
        try:
            endpoint = await self._peers.endpoint(operator)
            if not endpoint:
                return None
            return await self._client.fetch_opening(endpoint, seat.key.job, seat.key.batch)
        except FetchError:
            return None

    def _fits(self, told: Opening, operator: OperatorId, seat: Seat, seal: bytes | None) -> bool:
        key = seat.key
        if seal is None or (told.operator, told.round) != (operator, key.round):
            return False
        digest = seal_digest(key.job, key.batch, key.round, operator, told.values, told.salt)
        return _kept(digest) == _kept(seal)


def _kept(digest: bytes) -> int:
    return int.from_bytes(digest, "big") & DIGEST_MASK
