"""Replicated jobs whose outputs exist, and payers of both lanes who demand what they paid for."""

from tests.contracts.deliveries.world import Bundled, Owed, Traced, bundle_of, record_of
from tests.contracts.jobs_world import Job
from tests.contracts.stateful.life import attempt
from tests.contracts.stateful.replicated_play import ReplicatedPlay
from tests.contracts.stateful.tensor_play import TensorPlay
from worker.protocol.deliveries import Delivery
from worker.protocol.record import FAILED
from worker.protocol.settled import Result
from worker.protocol.words import positions

CONTENT = bundle_of(1_500)
RECORD = record_of(CONTENT)


class BundlePlay(ReplicatedPlay):
    """Every honest run leaves the same bundle."""

    def results(self, job: Job, batch: int, kind: str) -> list[bytes]:
        if kind in ("truth", "failed"):
            truth = [RECORD.digest()] * len(job.terms.tasks_in(batch))
            return truth if kind == "truth" else [FAILED, *truth[1:]]
        return [*super().results(job, batch, kind)[:1], *self.results(job, batch, "truth")[1:]]


class DeliveryPlay:
    """What was paid for, and which pieces of it were demanded."""

    def __init__(self, replicated: BundlePlay, provable: TensorPlay) -> None:
        self.replicated, self.provable = replicated, provable
        self.world = provable.world
        self.demanded: list[tuple[Owed, Delivery]] = []

    def demand(self, pick: int, stranger: bool) -> None:
        """Demand a piece of something that was settled, mostly as its payer."""
        settled = [*self.replicated.settled, *self.provable.settled]
        if not settled:
            return
        job, batch, result = settled[pick % len(settled)]
        position = positions(result.mask)[pick % result.mask.bit_count()]
        task = job.terms.tasks_in(batch)[position]
        if not result.servers:
            return
        owed = self._owed(job, result, task)
        places = owed.positions()
        sender = self.provable.prover if stranger else job.payer
        place = places[pick % len(places)]
        server = result.servers[pick % len(result.servers)]
        call = {"batch": batch, "operator": server, "sender": sender}
        if attempt(lambda: owed.demand(place, **call)):
            log = self.world.logged("OutputDemanded")
            self.demanded.append((owed, Delivery.of(log.delivery)))
            assert not stranger

    def _owed(self, job: Job, result: Result, task: int) -> Owed:
        if job in self.provable.jobs:
            return Traced(self.world, self.world, job, result, task, job.case.about)
        return Bundled(self.world, self.world.side, job, result, task, RECORD, CONTENT)

    def answer(self, pick: int, honest: bool) -> None:
        """Answer a demand with the piece, or with something else."""
        if not self.demanded:
            return
        owed, delivery = self.demanded[pick % len(self.demanded)]
        data, path = owed.piece(delivery.debt.position)
        if not honest:
            data = bytes([data[0] ^ 1]) + data[1:]
        sender = self.world.requesters[0]
        assert not attempt(lambda: owed.answer(delivery, data, path, sender)) or honest

    def close(self, pick: int) -> None:
        """Close a demand that nobody answered."""
        if self.demanded:
            owed, delivery = self.demanded[pick % len(self.demanded)]
            attempt(lambda: owed.close(delivery))

    def due(self, pick: int) -> int:
        """Return when the answer to some demand is due; 0 where there is none."""
        return self.demanded[pick % len(self.demanded)][1].bond.due if self.demanded else 0

    def crank_everything(self) -> None:
        """Close every demand that is open."""
        for owed, delivery in self.demanded:
            if self.world.demands.delivery_of(delivery.id) == delivery.record:
                self.world.go_to(max(self.world.now, delivery.bond.due))
                owed.close(delivery)
