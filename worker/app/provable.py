"""The services of the provable lane, wired."""

from worker.api.places import Places
from worker.api.traces import TraceRoutes
from worker.app.challenge import Bench, ChallengeServices
from worker.app.ground import Ground
from worker.executors.tensor import TensorExecutor
from worker.services.base import Service, StepHook
from worker.services.challenge.answerer import Answerer
from worker.services.challenge.checker import tell_nobody
from worker.services.challenge.runs import Runs
from worker.services.claimer import Claimer
from worker.services.deliverer import Cutter, cut_traced
from worker.services.desk import Desk
from worker.services.load import Load
from worker.services.peers import Peers
from worker.services.preparer import PrepareService
from worker.services.provable.lane import Turn
from worker.services.provable.mover import Mover
from worker.services.provable.self_test import SelfTest
from worker.services.provable.traces import Traces
from worker.services.provable.work import TensorWork
from worker.services.runner import Runner
from worker.services.sealer import Sealer
from worker.storage.demands import DemandStore
from worker.storage.fetch import Fetcher
from worker.storage.http import Speed
from worker.storage.jobs import JobLog, PostedJob
from worker.types import JobKey, Seconds, TaskIndex
from worker.work.prepare_tensor import TensorPreparer

_COMPUTED, _COMPUTED_PER_PEER = 4, 1
"""Requests at once for what must be computed again: one is computed, the others wait."""


class ProvableServices:
    """Everything that works on tensor programs: seats, audits, and what openings commit to."""

    def __init__(
        self,
        ground: Ground,
        desk: Desk[Turn],
        tensors: TensorExecutor,
        peers: Peers,
        fetcher: Fetcher,
        on_step: StepHook,
    ) -> None:
        node, health = ground.node, ground.health
        work = TensorWork(tensors, ground.blobs)
        made = TensorPreparer(fetcher, tensors, node.limits)
        serve = node.run.serve_seconds
        preparer = PrepareService(desk, made, node.policy, health, peers.locators, serve, on_step)
        load = Load(desk, node.policy, work.parallel)
        claimer = Claimer(desk, preparer, node.policy, load, health, on_step)
        runner = Runner(desk, preparer, work, serve, on_step)
        sealer = Sealer(desk, node.policy, on_step)
        mover = Mover(desk, Seconds(node.patience), on_step)
        self_test = SelfTest(tensors, health, on_step)
        self_test.tell(preparer)
        preparer.tell(claimer, runner)
        claimer.tell(runner)
        runner.tell(sealer)
        runs = Runs(preparer.obtain, self._known, tensors)
        self._desk = desk
        bench = Bench(desk, ground.pool, ground.http, ground.database, runs, node.challenge)
        challenge = ChallengeServices(bench, self._is_ours, tell_nobody, on_step)
        answerer = Answerer(desk, DemandStore(ground.database), runs, on_step)
        self.acting: list[Service] = [claimer, runner, sealer, mover, *challenge.all, answerer]
        """Those that wait for what the chain says and for their transactions."""
        self.all: list[Service] = [self_test, preparer, *self.acting]
        self._traces = Traces(desk, preparer, tensors, ground.blobs)
        self.cutter: Cutter = cut_traced(preparer)
        """Cuts what payers demand out of outputs."""

    def _known(self, job: JobKey, task: TaskIndex) -> bytes | None:
        """Return the trace root that a seat of this worker sealed for a task."""
        records = self._desk.seats.records(job, [task])
        return records[0].digest if records else None

    def _is_ours(self, job: PostedJob, opening: JobLog) -> bool:
        """Whether the other seat of a batch in which this worker has one opened."""
        batch = opening.batch
        if batch is None or opening.operator == self._desk.identity.operator:
            return False
        return bool(self._desk.seats.of_batch(job.job, batch))

    def routes(self, places: Places) -> TraceRoutes:
        """Return the routes that tell what openings commit to."""
        computed = Places(_COMPUTED, _COMPUTED_PER_PEER)
        return TraceRoutes(self._traces, places, computed, Speed())
