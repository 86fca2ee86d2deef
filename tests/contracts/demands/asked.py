"""A seat that is asked for what it committed to."""

from dataclasses import dataclass

from tests.contracts.court.disputes import Dispute
from tests.contracts.jobs_world import Operator
from tests.contracts.provable_world import ProvableJob
from tests.contracts.tensor_world import DemandsWorld, answer_to, shown_for
from worker.protocol.demands import Demand, Kind, Place, Seat
from worker.tensor.dispute import Statement


@dataclass
class Asked:
    """A seat that opened what it committed to, and whoever asks it."""

    world: DemandsWorld
    about: Dispute
    said: Statement
    job: ProvableJob
    operator: Operator
    seat: Seat

    @classmethod
    def opened(cls, world: DemandsWorld, about: Dispute, said: Statement | None = None) -> "Asked":
        """Return the operator of a new job; it is honest if nothing is said."""
        said = said or about.statement
        return cls.of(world, about, said, *world.opened_with(about, said.trace.root))

    @classmethod
    def of(
        cls,
        world: DemandsWorld,
        about: Dispute,
        said: Statement,
        job: ProvableJob,
        operator: Operator,
    ) -> "Asked":
        """Return a seat of a job that is there."""
        seat = world.seat_of(job, operator, about.job.task)
        return cls(world, about, said, job, operator, seat)

    def show(self, place: Place) -> bytes:
        return shown_for(self.about.program, self.said, place)

    def ask(self, place: Place, shown: bytes | None = None, **changes) -> Demand:
        shown = self.show(place) if shown is None else shown
        return self.world.ask(self.job, self.seat, place, shown, **changes)

    def answer(self, demand: Demand, data: bytes | None = None, sender: str | None = None) -> None:
        data = answer_to(self.said, demand.place) if data is None else data
        self.world.answer(self.job, demand, data, sender or self.operator.worker)

    def close(self, demand: Demand) -> None:
        self.world.close(self.job, demand)

    def open_segments(self) -> None:
        """Let the seat answer what its segments' traces are."""
        for segment in range(self.about.program.segments):
            self.answer(self.ask(Place(Kind.SEGMENT, segment, 0, 0)))
