"""One run: a cast on a stage, customers' jobs, faults meanwhile, until every batch is over."""

import asyncio
import random
import time
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.adversaries.chronicle import Chronicle
from tests.adversaries.cranks import crank, find_dues, idle_until
from tests.adversaries.customers import FIRST_ACCOUNT as FIRST_CUSTOMER
from tests.adversaries.customers import Customer, Kind, choose_kinds, open_customers
from tests.adversaries.holdings import Holdings, read_holdings
from tests.adversaries.ledger import BatchKey, Ledger
from tests.adversaries.mischief import Mischief, meanwhile, proxied
from worker.chain.keys import LOCAL_CHAIN_ID, dev_signer
from worker.cli.devnet.audit import Audit
from worker.cli.devnet.cast.roles import Cast
from worker.cli.devnet.network import FIRST_OWNER, FIRST_WORKER, WATCHER, Operator
from worker.cli.devnet.saved import deploy_or_load
from worker.cli.devnet.stage import FIRST_FLOODER, Stage, open_stage
from worker.client.network import Network
from worker.client.wallet import Progress
from worker.errors import RetryableError
from worker.protocol.words import MAX_SEATS
from worker.types import Address, Gwei

ROOT = Path(__file__).parents[2]
_POLL_SECONDS = 0.5
_QUIET_SECONDS = 30.0
_SAID = 12  # lines of a worker's log
_U24 = (1 << 24) - 1
_HIDING = ("withholder",)
_LATE_BLOCKS = 2  # by then whatever was posted is mined
_STARTING = 3
_PROXIED = 2  # honest operators with an endpoint that may hang


@dataclass(frozen=True)
class Plan:
    """What is played: how many jobs, posted within how many seconds, and by how many customers.
    `within` is the time in which all must be over, counted from the first job. The first
    `immortals` operators are never killed."""

    cast: Cast
    jobs: int
    customers: int
    seed: int
    post_seconds: float
    within: float
    immortals: int = 0


@dataclass
class Show:
    """A run while it lasts, and what is known of it behind its end."""

    plan: Plan
    stage: Stage
    customers: Sequence[Customer]
    chronicle: Chronicle
    mischief: Mischief
    before: Holdings
    first_block: int
    say: Progress
    after: Holdings | None = None
    seconds: float = 0.0
    audit: Audit | None = None
    insisted: dict[int, bool | None] = field(default_factory=dict)
    """Operators of whom outputs were demanded, and whether they showed them."""

    stances: list[str] = field(default_factory=list)
    """Of each honest worker what keeps it from work in the end, why it refused some before, and
    what it said first."""

    @property
    def operators(self) -> list[int]:
        """The numbers of all operators."""
        return [one.id for one in self.stage.network.operators]

    @property
    def honest(self) -> list[int]:
        """The numbers of the honest ones."""
        return [one.id for one in self.stage.honest]

    @property
    def blocks(self) -> tuple[int, int]:
        """The block before the first that the run is about, and the last one."""
        return self.first_block, self.chronicle.read_up_to

    @property
    def jobs(self) -> dict[str, Kind]:
        """The customers' jobs by key."""
        return {key: kind for customer in self.customers for key, kind in customer.jobs.items()}

    async def run(self) -> None:
        """Post all jobs among faults, then wait until every batch of every job is over."""
        started = time.monotonic()
        try:
            async with asyncio.timeout(self.plan.within):
                await self._play()
        except TimeoutError:
            batches = ", ".join(f"{key.hex()}:{number}" for key, number in self._open_batches)
            raise TimeoutError(f"not over after {self.plan.within:g} s: {batches}") from None
        self.seconds = time.monotonic() - started
        self.say(f"every batch is over after {self.seconds:.0f} s")
        await self._close_books()

    @property
    def _open_batches(self) -> list[BatchKey]:
        return self.chronicle.ledger.open_batches

    async def _play(self) -> None:
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(self._watch(group))
            async with meanwhile(self.mischief):
                await self._post_all()
                self.say(f"{len(self.jobs)} jobs are posted in {time.monotonic() - began:.0f} s")
                await self._stop_flooders()
                await self._until_over()
            watching.cancel()

    async def _post_all(self) -> None:
        """Post at an even pace, several at a time."""
        chance = random.Random(self.plan.seed)
        kinds = deque(enumerate(choose_kinds(self.plan.jobs, chance)))
        each, began = self.plan.post_seconds / self.plan.jobs, time.monotonic()

        async def serve(customer: Customer) -> None:
            while kinds:
                number, kind = kinds.popleft()
                await asyncio.sleep(max(0.0, began + number * each - time.monotonic()))
                await customer.post(kind)

        await asyncio.gather(*map(serve, self.customers))

    async def _watch(self, group: asyncio.TaskGroup) -> None:
        """Keep up with the chain; crank what nobody else does; insist on outputs."""
        wallet, ledger = self.stage.network.requester, self.chronicle.ledger
        while True:
            with suppress(RetryableError):  # a busy machine's chain is late now and then
                head = await self.chronicle.read()
                dues = await find_dues(ledger, wallet, self.honest, head.timestamp)
                await crank(dues, ledger, wallet, head.timestamp)
                self._insist(group)
            await asyncio.sleep(_POLL_SECONDS)

    def _insist(self, group: asyncio.TaskGroup) -> None:
        """Demand an output of each operator that was paid and shows nothing to anybody."""
        hiding = {one.id for one in self.stage.network.operators if self.stage.role(one) in _HIDING}
        for event in self.chronicle.events:
            if event.name != "BatchSettled" or event.contract != "ReplicatedJobs":
                continue
            job, servers = event.args["job"].hex(), event.args["servers"]
            for operator in hiding - set(self.insisted):
                customer = next((one for one in self.customers if job in one.jobs), None)
                if customer is not None and _serves(operator, servers):
                    self.insisted[operator] = None
                    group.create_task(self._insist_on(customer, job, operator))

    async def _insist_on(self, customer: Customer, job: str, operator: int) -> None:
        self.insisted[operator] = await customer.insist(job, operator)

    async def _stop_flooders(self) -> None:
        processes = self.stage.network.processes
        for number in range(1, self.plan.cast.flooders + 1):
            await processes.stop(f"flooder-{number}")

    async def _until_over(self) -> None:
        """Wait for the end of every batch; pass over times in which nothing can happen."""
        network, ledger = self.stage.network, self.chronicle.ledger
        last = (await network.requester.pool.head()).number + _LATE_BLOCKS
        while self._open_batches or self.chronicle.read_up_to < last:
            with suppress(RetryableError):
                head = await network.requester.pool.head()
                dues = await find_dues(ledger, network.requester, self.honest, head.timestamp)
                until = idle_until(dues)
                if until is not None and until > head.timestamp + 1:
                    await network.anvil.skip(until - head.timestamp)
            await asyncio.sleep(_POLL_SECONDS)

    async def _close_books(self) -> None:
        """Read what all have in the end, once the honest workers' databases have seen it too."""
        network, ends_at = self.stage.network, time.monotonic() + _QUIET_SECONDS
        self.audit = await network.audit(*self.stage.honest)
        while not self.audit.holds and time.monotonic() < ends_at:
            await asyncio.sleep(_POLL_SECONDS)
            self.audit = await network.audit(*self.stage.honest)
        for operator in self.stage.honest:
            self.stances.append(await self._stance(operator))
        head = await self.chronicle.read()
        self.after = await read_holdings(
            network.requester.contracts, head.number, self.operators, accounts_of(self.plan)
        )

    async def _stance(self, operator: Operator) -> str:
        status = await self.stage.network.status(operator) or {}
        lines = self.stage.network.processes.log(operator.name).read_text().splitlines()
        said = [line for line in lines if '"event": "request"' not in line][:_SAID]
        told = f"{operator.name}: {status.get('reasons')} {status.get('refusals')}"
        return "\n  ".join([told, *said])


def _serves(operator: int, servers: int) -> bool:
    """Whether a result names the operator among those that were paid for all of it."""
    return any(servers >> 24 * seat & _U24 == operator for seat in range(MAX_SEATS))


def accounts_of(plan: Plan) -> list[Address]:
    """Return every account that takes part: operators', customers', watcher's, flooders'."""
    count = len(plan.cast.operators)
    numbers = [
        *range(FIRST_OWNER, FIRST_OWNER + count),
        *range(FIRST_WORKER, FIRST_WORKER + count),
        *range(FIRST_CUSTOMER, FIRST_CUSTOMER + plan.customers),
        *range(FIRST_FLOODER, FIRST_FLOODER + plan.cast.flooders),
        WATCHER,
    ]
    return [dev_signer(number, LOCAL_CHAIN_ID).address for number in numbers]


@asynccontextmanager
async def open_show(plan: Plan, folder: Path, say: Progress) -> AsyncIterator[Show]:
    """Open a stage for the plan, with every worker ready and nothing posted yet."""
    customers = range(FIRST_CUSTOMER, FIRST_CUSTOMER + plan.customers)
    async with AsyncExitStack() as stack:
        stage = await stack.enter_async_context(
            open_stage(ROOT, folder, plan.cast, say, customers, deploy_or_load)
        )
        proxies = await stack.enter_async_context(proxied(stage, stage.honest[:_PROXIED]))
        network = stage.network
        await _start_all(stage)
        await network.start_watcher()
        say(f"{len(network.operators)} workers are ready")
        wallet = network.requester
        head = await wallet.pool.head()
        operators = [one.id for one in network.operators]
        before = await read_holdings(wallet.contracts, head.number, operators, accounts_of(plan))
        ledger = Ledger(await _standing_bond(stage))
        chronicle = Chronicle(Network(wallet.pool, wallet.contracts), ledger, head.number)
        await stage.start_flooders()
        opened = await stack.enter_async_context(
            open_customers(network, ROOT / "examples", plan.customers)
        )
        mortals = network.operators[plan.immortals :]
        mischief = Mischief(stage, mortals, proxies, random.Random(plan.seed))
        yield Show(plan, stage, opened, chronicle, mischief, before, head.number, say)


async def _start_all(stage: Stage) -> None:
    """Start every worker, a few at a time: a dozen that start at once keep each other waiting."""
    places = asyncio.Semaphore(_STARTING)

    async def start(operator: Operator) -> None:
        async with places:
            await stage.start(operator)
            await stage.network.until_ready(operator)

    await asyncio.gather(*map(start, stage.network.operators))


async def _standing_bond(stage: Stage) -> Gwei:
    wallet, operator = stage.network.requester, stage.network.operators[0].id
    service = wallet.contracts.address("ReplicatedJobs")
    _, standing, *_ = await wallet.call("Staking", "opt_in_of", operator, service)
    return Gwei(standing)
