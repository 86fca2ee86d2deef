"""Provable jobs of real tensor programs, judged by the real court, and demands for their traces."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.contracts.demands.programs import places
from tests.contracts.jobs_world import Operator
from tests.contracts.provable_world import Fate, Phase, ProvableJob, SeatKind
from tests.contracts.stateful.life import attempt
from tests.contracts.stateful.provable_play import ProvablePlay
from tests.contracts.stateful.tensor_cases import TensorJob, cases
from tests.contracts.tensor_world import answer_to, shown_for
from worker.protocol.demands import Demand, Kind, Place
from worker.tensor.dispute import Lie, Statement


@dataclass
class Asked:
    """A demand that was made, of whom, and what the seat had said."""

    job: TensorJob
    operator: Operator
    said: Statement
    demand: Demand


class TensorPlay(ProvablePlay):
    """People who run programs, lie in them, look, accuse, ask, answer, or fall silent."""

    jobs: list[TensorJob]

    def __init__(self, world, tokens: int) -> None:
        super().__init__(world, tokens)
        self.asked: list[Asked] = []

    def post(self, shape: dict, requester: int, slack: int) -> bool:
        """Post a job of a case's program."""
        case = cases()[slack % len(cases())]
        claim = case.about.exhibits().claim
        self.world.program, self.world.inputs = claim.program, claim.inputs
        is_new = super().post({**shape, "tasks": claim.tasks}, requester, slack)
        if is_new:
            self.jobs[-1].case = case
        return is_new

    def proof(
        self, job: TensorJob, batch: int, operator: Operator, task: int, values: list[bytes]
    ) -> tuple[bytes, int]:
        """Return the proof of what was said; against the honest, the proof of another's lie."""
        lie = self._lie(job, task, values, batch) or job.case.lies["lie"]
        return lie.proof, lie.claim.segment

    def _lie(self, job: TensorJob, task: int, values: list[bytes], batch: int) -> Lie | None:
        """Return how a seat lied about a task, None if it did not."""
        position = task - job.terms.tasks_in(batch)[0]
        kind = job.case.kind_of(values[position]) if values else None
        return job.case.lies.get(kind) if kind else None

    def accuse(
        self, job: TensorJob, batch: int, operator: Operator, announced: bool, task: int
    ) -> bool:
        """Accuse; a liar whose segment is known is convicted, whatever else goes on."""
        word = self.word(job, batch)
        kind = word.seat_of(operator.id)
        values = job.opened.get((batch, word.round, operator.id), [])
        lie = self._lie(job, task, values, batch)
        convicted = super().accuse(job, batch, operator, announced, task)
        if lie is not None and kind is not None and word.fates[kind] == Fate.OPENED:
            where = self.world.seat(job, operator, word.round, batch), task, lie.claim.segment
            known = self.world.demands.inner_of(*where)
            is_shown = lie.claim.inner in (bytes(32), known)
            assert convicted == is_shown
        return convicted

    def convict(self, pick: int, auditor: bool, announced: bool, task: int) -> None:
        """Accuse mostly of the task that lies are told about."""
        job, batch, _ = self.batch_in(pick, Phase.REVEAL, Phase.CHALLENGE)
        tasks, ours = job.terms.tasks_in(batch), job.case.about.job.task
        if task and ours in tasks:
            task = ours - tasks[0]
        super().convict(pick, auditor, announced, task)

    def look(self, pick: int, auditor: bool) -> None:
        """Look for a lie, let the seat show the segment that it hides in, and accuse."""
        job, batch, word = self.batch_in(pick, Phase.REVEAL, Phase.CHALLENGE)
        operator = None if word.is_final else self.operator(word.seat(SeatKind(int(auditor))))
        task = job.case.about.job.task
        if operator is None or task not in job.terms.tasks_in(batch):
            return
        values = job.opened.get((batch, word.round, operator.id), [])
        lie = self._lie(job, task, values, batch)
        if lie is None:
            return
        if lie.claim.inner != bytes(32):
            place = Place(Kind.SEGMENT, lie.claim.segment, 0, 0)
            if self._ask(job, batch, operator, place, self.world.requesters[pick % 3]):
                self.answer(len(self.asked) - 1, "honest")
        self.accuse(job, batch, operator, pick % 2 == 0, task)

    # Demands for traces

    def ask(self, pick: int, auditor: bool, requester: int) -> None:
        """Demand a place of a seat's trace."""
        job, batch, word = self.batch_in(pick, Phase.REVEAL, Phase.CHALLENGE)
        task = job.case.about.job.task
        kind = SeatKind(int(auditor))
        if word.is_final or task not in job.terms.tasks_in(batch):
            return
        operator = self.operator(word.seat(kind))
        every = places(job.case.about.program)
        if operator is not None and (batch, word.round, operator.id) in job.opened:
            demander = self.world.requesters[requester]
            self._ask(job, batch, operator, every[pick % len(every)], demander)

    def _ask(
        self, job: TensorJob, batch: int, operator: Operator, place: Place, demander: str
    ) -> bool:
        """Demand a place of what a seat opened, with the evidence for it."""
        task = job.case.about.job.task
        values = job.opened[batch, self.word(job, batch).round, operator.id]
        said = job.case.said[job.case.kind_of(values[task - job.terms.tasks_in(batch)[0]])]
        shown = shown_for(job.case.about.program, said, place)
        seat = self.world.seat_of(job, operator, task)._replace(
            batch=batch, round=self.word(job, batch).round
        )
        fee = self.world.escrow.fee_bps()
        done = attempt(lambda: self.world.ask(job, seat, place, shown, demander, fee_bps=fee))
        if done:
            demand = Demand.of(self.world.logged("TraceDemanded").demand)
            self.asked.append(Asked(job, operator, said, demand))
        return done

    def answer(self, pick: int, way: str) -> None:
        """Answer a demand: the operator or a stranger, with what it is or with something else."""
        if not self.asked:
            return
        asked = self.asked[pick % len(self.asked)]
        data = answer_to(asked.said, asked.demand.place)
        if way == "wrong":
            data = bytes([data[0] ^ 1]) + data[1:]
        stranger = self.world.requesters[0]
        by = stranger if way == "stranger" else self.world.worker_of(asked.operator.id)
        done = attempt(lambda: self.world.answer(asked.job, asked.demand, data, by))
        is_free = asked.demand.is_segments_top  # whatever its operator says of a segment binds it
        assert not (done and way == "wrong" and not is_free)

    def close(self, pick: int) -> None:
        """Close a demand, and see whether that ends the seat."""
        if self.asked:
            self._close(self.asked[pick % len(self.asked)])

    def _close(self, asked: Asked) -> bool:
        done = attempt(lambda: self.world.close(asked.job, asked.demand))
        if done and self.world.logged("DemandClosed").silent:
            seat = asked.demand.seat
            self.lose((asked.job.key, seat.batch, seat.round, seat.operator), "unserved")
        return done

    def due(self, pick: int) -> int:
        """Return when the answer to some demand is due; 0 where there is none."""
        return self.asked[pick % len(self.asked)].demand.bond.due if self.asked else 0

    def end_demands(self, job: ProvableJob, batch: int) -> None:
        self._end_all(lambda asked: asked.job is job and asked.demand.seat.batch == batch)

    def crank_everything(self) -> None:
        super().crank_everything()
        self._end_all(lambda asked: True)

    def _end_all(self, which: Callable[[Asked], bool]) -> None:
        over = (1).to_bytes(32, "big")
        for asked in filter(which, self.asked):
            number = self.world.id_of(asked.job, asked.demand)
            if self.world.demands.record_of(number) != over:
                self.world.go_to(max(self.world.now, asked.demand.bond.due))
                assert self._close(asked)
