"""Looks for the lie in a wrong opening: in what is served, then in what is demanded."""

import asyncio
import time
from dataclasses import dataclass, field

import structlog

from worker.errors import FetchError, InvalidBlobError
from worker.protocol.demands import Kind
from worker.services.challenge.docket import Docket
from worker.services.challenge.runs import Runs
from worker.services.peers import Peers
from worker.storage.challenges import Case, CaseKey
from worker.storage.demands import DemandStore
from worker.tensor.dispute import Job, Lie, Missing, find_lie
from worker.tensor.openings import Whole
from worker.tensor.program import Program
from worker.tensor.trace import Trace
from worker.types import TaskIndex
from worker.work.dispute import read_tensor, read_trace, told_on_chain, with_served
from worker.work.peers import PeerClient

log = structlog.get_logger(__name__)

_SERVE_SECONDS = 20.0
_PATIENCE_SECONDS = 6.0
"""A worker shows what it opened once that lies at its own depth, which may be later than here."""


@dataclass
class _Served:
    """What a worker served about one case, whether it is asked any more, and since when."""

    trace: Trace | None = None
    tensors: dict[int, Whole] = field(default_factory=dict)
    is_asked: bool = True
    asked_at: float = field(default_factory=time.monotonic)


class Evidence:
    """Keeps what was served in memory: after a restart it is asked for again."""

    def __init__(
        self, docket: Docket, runs: Runs, demands: DemandStore, peers: Peers, client: PeerClient
    ) -> None:
        self._docket = docket
        self._runs = runs
        self._demands = demands
        self._peers = peers
        self._client = client
        self._witnesses: dict[CaseKey, tuple[Job, Trace]] = {}
        self._served: dict[CaseKey, _Served] = {}

    def forget(self, key: CaseKey) -> None:
        """The case is over."""
        self._witnesses.pop(key, None)
        self._served.pop(key, None)

    def program(self, case: Case) -> Program:
        """Return the program that the case is about, once it was searched."""
        job, _ = self._witnesses[case.key]
        return job.runner.program

    async def search(self, case: Case) -> Lie | Missing | None:
        """Return the lie, or what its worker must be made to show; None: there is no lie."""
        task = _task(case)
        job, mine = await self._witness(case, task)
        served = self._served.setdefault(case.key, _Served())
        while True:
            key = case.key
            told = self._demands.of_task(key.job, key.batch, key.round, key.operator, task)
            said = with_served(told_on_chain(told), served.trace, served.tensors)
            found = await asyncio.to_thread(find_lie, job, mine, said)
            if not isinstance(found, Missing) or not await self._fetch(case, served, found):
                return found

    async def _witness(self, case: Case, task: TaskIndex) -> tuple[Job, Trace]:
        if case.key not in self._witnesses:
            job = self._docket.job(case.key)
            witness = await self._runs.witness(job, case.key.batch, task)
            self._witnesses[case.key] = witness
        return self._witnesses[case.key]

    async def _fetch(self, case: Case, served: _Served, missing: Missing) -> bool:
        """Ask the worker for the whole of what is missing; whether it served it.

        Raises FetchError while it may be served a moment later.
        """
        kind = missing.place.kind
        # A segment's trace binds nobody until it is demanded; a line that could not be had whole
        # will not be served piece by piece.
        is_served_whole = kind in (Kind.TRACE, Kind.TENSOR) and missing.place.level == 0
        if not served.is_asked or not is_served_whole:
            return False
        try:
            async with asyncio.timeout(_SERVE_SECONDS):
                await self._take(case, served, missing)
        except (FetchError, InvalidBlobError, TimeoutError) as error:
            if time.monotonic() - served.asked_at < _PATIENCE_SECONDS:
                raise FetchError(f"not served yet: {error}") from error
            log.warning("not served", case=case.key.name, what=kind.name, error=str(error))
            served.is_asked = False
            return False
        return True

    async def _take(self, case: Case, served: _Served, missing: Missing) -> None:
        key, task, program = case.key, _task(case), self.program(case)
        endpoint = await self._peers.endpoint(key.operator)
        if not endpoint:
            raise FetchError("its operator announced no endpoint")
        if missing.place.kind is Kind.TRACE:
            count = len(program.ops)
            leaves = await self._client.fetch_trace(endpoint, key.job, task, count)
            served.trace = read_trace(leaves, self._docket.root(key, task))
            return
        operator = missing.place.number
        size = program.ops[operator].output.type.nbytes
        data = await self._client.fetch_tensor(endpoint, key.job, task, operator, size)
        read = await asyncio.to_thread(read_tensor, program, operator, data, missing.digest)
        served.tensors[operator] = read


def _task(case: Case) -> TaskIndex:
    if case.task is None:
        raise LookupError(f"case {case.key.name} names no task")  # a suspect has one
    return case.task
