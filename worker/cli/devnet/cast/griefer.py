"""One that gains nothing and costs others time: seats that it does not use, demands for nothing."""

import asyncio
from typing import Any

import structlog

from worker.app import Ground
from worker.cli.devnet.cast.role import Adversary, with_desks
from worker.config import Config
from worker.errors import JobError, RetryableError
from worker.health import Health
from worker.protocol.demands import Kind, Place
from worker.protocol.outbox import Intent
from worker.services.challenge.docket import Docket, is_in_play
from worker.services.desk import Desk, Verb
from worker.services.peers import Peers
from worker.services.policy import PolicyConfig
from worker.services.preparer import PrepareService
from worker.services.provable.lane import DEMANDS, SERVICE, Turn
from worker.storage.challenges import CaseKey, CaseStore
from worker.storage.fetch import Fetcher
from worker.storage.jobs import JobLog
from worker.storage.seats import Seat
from worker.tensor.evidence import evidence
from worker.tensor.program import Program
from worker.types import OperatorId, TaskIndex, Timestamp
from worker.work.prepare_tensor import TensorPreparer

log = structlog.get_logger(__name__)

_TOP = Place(Kind.TRACE, 0, 0, 0)
_PERIOD_SECONDS = 1.0
_ALLOWANCE = 10**18  # wei of tokens that Escrow may draw as bonds


class IdleDesk(Desk[Any]):
    """Claims, and then never seals; where the claim carries a seal, never opens."""

    def consider(self, verb: Verb, seat: Seat, data: bytes) -> bytes | None:
        """Do nothing but claim."""
        claims = Verb.SEAL if seat.claims_late else Verb.CLAIM
        return data if verb is claims else None


class Griefer(Adversary):
    """Takes seats for nothing, and demands of every provable opening what is served anyway."""

    def __init__(self, config: Config) -> None:
        super().__init__(config)
        self.hide()
        self.claim_early()

    def take(self, ground: Ground) -> Ground:
        """Idle in both lanes."""
        return with_desks(ground, IdleDesk)

    async def scheme(self, ground: Ground) -> None:
        """Demand the top of each trace that others open."""
        if ground.provable is None or ground.tensors is None:
            return
        pest = _Pest(ground, ground.provable)
        while True:
            await pest.look()
            await asyncio.sleep(_PERIOD_SECONDS)


class _Pest:
    """Makes one demand of each opening."""

    def __init__(self, ground: Ground, desk: Desk[Turn]) -> None:
        assert ground.tensors is not None  # noqa: S101 - there is a provable lane
        self._desk = desk
        self._cases = CaseStore(ground.database)
        self._docket = Docket(desk.chain.contracts, ground.pool, desk.jobs, desk.identity.worker)
        fetcher = Fetcher(ground.blobs, ground.http, ground.config.fetch)
        made = TensorPreparer(fetcher, ground.tensors, ground.node.limits)
        # Only asked for batches: its own loop judges jobs to work on, and does not run.
        locators = Peers(desk).locators
        self._preparer = PrepareService(desk, made, PolicyConfig(), Health(), locators, 0)
        self._asked: set[CaseKey] = set()

    async def look(self) -> None:
        """Demand what is new."""
        chain = self._desk.chain
        for opening in self._cases.unchecked(SERVICE, chain.confirmed, Timestamp(0)):
            key = _key(opening)
            if key in self._asked or key.operator == self._desk.identity.operator:
                continue
            try:
                await self._demand(key)
            except (JobError, RetryableError) as error:
                log.warning("cannot demand", case=key.name, error=str(error))

    async def _demand(self, key: CaseKey) -> None:
        docket, contracts = self._docket, self._desk.chain.contracts
        self._asked.add(key)
        if not is_in_play(await docket.batch(key), key):
            return
        prepared = await self._preparer.obtain_job(docket.job(key))
        program = Program.decode(await asyncio.to_thread(prepared.program.read_bytes))
        task = TaskIndex(docket.terms(key).tasks_in(key.batch).start)
        fee_bps = await contracts.call("Escrow", "fee_bps")
        shown = evidence(program, _TOP)
        approve = contracts.encode("Token", "approve", contracts.address("Escrow"), _ALLOWANCE)
        data = docket.demand_data(key, task, _TOP, fee_bps, shown)
        token, demands = contracts.address("Token"), contracts.address(DEMANDS)
        self._desk.outbox.enqueue(Intent(purpose="pester:approve", to=token, data=approve))
        self._desk.outbox.enqueue(Intent(purpose=f"pester:{key.name}", to=demands, data=data))
        self._desk.on_intent()
        log.info("demanding for nothing", case=key.name)


def _key(opening: JobLog) -> CaseKey:
    args = opening.args
    return CaseKey(opening.job, args["batch"], args["round"], OperatorId(args["operator"]))
