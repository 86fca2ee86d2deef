"""One that computes nothing and copies whatever others have shown so far."""

from typing import Any

from worker.app import Ground
from worker.cli.devnet.cast.lazy import Lazy
from worker.cli.devnet.cast.role import with_desks
from worker.services.desk import Desk, Verb
from worker.storage.seats import Seat


class CopyingDesk(Desk[Any]):
    """Seals what another has sealed; in growth, what another has opened in the base round."""

    def values(self, seat: Seat) -> list[bytes]:
        """Return the values that somebody opened in an earlier round, else the guesses."""
        for log in self.jobs.logs(seat.key.job, seat.key.batch, "ResultRevealed"):
            if log.round is not None and log.round < seat.key.round:
                return list(log.args["values"])
        return super().values(seat)

    def consider(self, verb: Verb, seat: Seat, data: bytes) -> bytes | None:
        """Seal another's seal; wait while there is none to copy."""
        if verb is not Verb.SEAL or seat.is_growth:
            return data
        copied = self._seal_of_another(seat)
        return None if copied is None else self._sealing(seat, copied)

    def _seal_of_another(self, seat: Seat) -> bytes | None:
        for log in self.jobs.logs(seat.key.job, seat.key.batch, "ResultSealed"):
            if log.round == seat.key.round and log.operator != self.identity.operator:
                return bytes(log.args["digest"])
        return None

    def _sealing(self, seat: Seat, digest: bytes) -> bytes:
        terms = self.terms(seat.key).members()
        if seat.claims_late:
            return self.encode("claim_sealed", terms, seat.key.batch, (0, []), digest)
        return self.encode("seal", terms, seat.key.batch, digest)


class Copycat(Lazy):
    """Copies seals and openings. What it cannot copy it guesses."""

    def take(self, ground: Ground) -> Ground:
        """Copy in both lanes."""
        return with_desks(ground, CopyingDesk)
