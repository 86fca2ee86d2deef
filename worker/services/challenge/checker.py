"""Runs again what others opened in provable jobs, and says which of it is wrong."""

from collections.abc import Callable
from dataclasses import replace

import structlog

from worker import metrics
from worker.services.base import Service, StepHook, no_hook
from worker.services.chain_view import ChainView
from worker.services.challenge.crew import Crew
from worker.services.challenge.docket import Docket, is_in_play
from worker.services.challenge.runs import Runs
from worker.services.provable.lane import SERVICE
from worker.services.terms import terms_of
from worker.storage.challenges import Case, CaseKey, CaseState, CaseStore
from worker.storage.jobs import JobLog, PostedJob
from worker.types import OperatorId, TaskIndex, Timestamp

log = structlog.get_logger(__name__)

_AT_ONCE = 8
_RETRY_SECONDS = 15
_LONGEST = 14 * 86_400  # seconds: no bond is locked longer, see `max_lock` of ProvableJobs

Tell = Callable[[str], None]
"""Told what a person who watches wants to read, a line each."""


def tell_nobody(_line: str) -> None:
    """For workers, whose log says it."""


Wanted = Callable[[PostedJob, JobLog], bool]
"""Whether an opening is to be checked here."""


class Checker(Service):
    """Checks openings in the order in which they came. It is news when one is wrong."""

    name = "checker"

    def __init__(
        self,
        chain: ChainView,
        docket: Docket,
        cases: CaseStore,
        runs: Runs,
        wanted: Wanted,
        tell: Tell = tell_nobody,
        on_step: StepHook = no_hook,
    ) -> None:
        super().__init__(on_step)
        self.idle_at = -1
        """The block up to which the last look found nothing to check now; -1 if it found some."""
        self._chain = chain
        self._docket = docket
        self._cases = cases
        self._runs = runs
        self._wanted = wanted
        self._tell = tell
        self._crew = Crew(self.name, _AT_ONCE)
        self._retry_at: dict[CaseKey, int] = {}

    async def tick(self) -> bool:
        """Begin to check what was opened and is still in play."""
        self._crew.reap()
        self.idle_at = self._chain.confirmed
        since = Timestamp(self._chain.now - _LONGEST)
        for opening in self._cases.unchecked(SERVICE, self._chain.confirmed, since):
            key = CaseKey(
                opening.job,
                opening.args["batch"],
                opening.args["round"],
                OperatorId(opening.args["operator"]),
            )
            job = self._docket.job(key)
            is_early = self._retry_at.get(key, 0) > self._chain.now
            if not is_early and self._wanted(job, opening):
                self.idle_at = -1
                self._crew.begin(key, self._check(job, key, opening.args["values"]))
        return False

    async def close(self) -> None:
        """Stop checking: what has no case yet is checked after the next start."""
        await self._crew.close()

    async def _check(self, job: PostedJob, key: CaseKey, values: list[bytes]) -> None:
        """Compare all that a seat opened with own runs, and keep what comes of it."""
        if not is_in_play(await self._docket.batch(key), key):
            self._cases.add(Case(key, CaseState.ENDED))
            return
        self._retry_at[key] = self._chain.now + _RETRY_SECONDS
        wrong = await self._first_wrong(job, key, values)
        case = Case(key, CaseState.RIGHT)
        if wrong is not None:
            case = replace(case, state=await self._second_opinion(job, key, wrong), task=wrong)
        del self._retry_at[key]
        self._cases.add(case)
        self.step("checked")
        metrics.openings_checked_total.labels(case.state).inc()
        self._note(case)
        self.news()

    async def _first_wrong(
        self, job: PostedJob, key: CaseKey, values: list[bytes]
    ) -> TaskIndex | None:
        for task, value in zip(terms_of(job).tasks_in(key.batch), values, strict=True):
            if await self._runs.root(job, key.batch, TaskIndex(task)) != value:
                return TaskIndex(task)
        return None

    async def _second_opinion(self, job: PostedJob, key: CaseKey, task: TaskIndex) -> CaseState:
        """Accuse nobody unless a fresh run on the reference's own backend agrees with the first."""
        _, trace = await self._runs.witness(job, key.batch, task)
        if trace.root == await self._runs.root(job, key.batch, task):
            return CaseState.SUSPECT
        return CaseState.DOUBTFUL

    def _note(self, case: Case) -> None:
        name = case.key.name
        if case.state is CaseState.RIGHT:
            log.info("opening is right", case=name)
            self._tell(f"{title(case.key)}: right")
        elif case.state is CaseState.SUSPECT:
            log.error("opening is wrong", case=name, task=case.task)
            self._tell(f"{title(case.key)}: WRONG in task {case.task}, looking for where")
        else:
            log.error("two runs here differ: this machine computes wrongly", case=name)
            self._tell(f"{title(case.key)}: two runs here differ, nobody is accused")


def title(key: CaseKey) -> str:
    """Return how a case begins in what people read."""
    return f"{key.job.hex()[:10]} batch {key.batch} operator {key.operator}"
