"""A lie in a provable job, and the auditor that finds it; with the chain's time in our hands."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any

from tests.e2e.network import events
from tests.faults.crash.mortal import Cast
from tests.faults.crash.scene import DIGITS, TENSOR_JOB, settle_in, submit
from worker.chain.keys import LOCAL_CHAIN_ID, dev_signer
from worker.cli.devnet.books import open_books
from worker.cli.devnet.network import FIRST_WORKER, Network, Operator
from worker.config import load_config
from worker.protocol.outbox import Intent, TxState
from worker.protocol.provable_words import Phase, ProvableBatch
from worker.protocol.words import GWEI, Terms
from worker.services.challenge.docket import Docket
from worker.storage.challenges import Case, CaseState, CaseStore
from worker.storage.database import Database
from worker.types import Address, JobKey

TOKEN = 10**18
BOND = 2 * 3 * TOKEN
"""Of the batch of two tasks, in wei."""

CLAIM, CHALLENGE = 12, 90


class Trial:
    """One job of one batch: the liar alone may claim it, the auditor alone is there to audit."""

    def __init__(
        self, network: Network, auditor: int = 1, liars: Any = None, auditors: Any = None
    ) -> None:
        """`liars` and `auditors` are settings for the worker of each."""
        self.network = network
        self.liar, self.auditor = network.operators[0], network.operators[auditor]
        self.prover: Address = dev_signer(FIRST_WORKER + auditor, LOCAL_CHAIN_ID).address
        settle_in(network, self.liar, **liars or {})
        settle_in(network, self.auditor, **auditors or {})
        self.job = JobKey(bytes(32))

    async def post(self, cast: Cast) -> None:
        """Post the job as soon as its workers are ready."""
        await cast.ready()
        windows = f"{{claim: {CLAIM}s, run: 30s, reveal: 60s, challenge: {CHALLENGE}s}}"
        fields = {"operators": [self.liar.id], "tasks": "images/[01].npy", "batch": 2}
        self.job = await submit(self.network, TENSOR_JOB, DIGITS, windows=windows, **fields)

    async def events(self, name: str) -> list[Any]:
        """Return the job's events of that name."""
        return await events(self.network, name, job=self.job)

    async def holds(self) -> int:
        """Return the prover's tokens, in wei."""
        held: int = await self.network.requester.call("Token", "balanceOf", self.prover)
        return held

    async def phase(self) -> Phase:
        """Return how far the batch is on the chain."""
        return (await self.batch()).phase

    async def batch(self) -> ProvableBatch:
        """Return the batch on the chain."""
        word = await self.network.requester.call("ProvableJobs", "batch_of", self.job, 0)
        return ProvableBatch.unpack(word)

    async def ends_at(self) -> int:
        """Return when the running phase ends, in chain time."""
        (posted,) = await self.events("JobPosted")
        terms = Terms.unpack(posted["a"], posted["b"], posted["named"], bytes(32))
        until = (await self.batch()).until(terms)
        assert until is not None
        return until

    # What the auditor's database says

    def case(self) -> Case | None:
        """Return the case about the lie."""
        with Database.snapshot(_file(self.auditor)) as database:
            cases = CaseStore(database).in_states(*CaseState)
        return next((one for one in cases if one.key.job == self.job), None)

    def state(self) -> CaseState | None:
        """Return where the case stands, None while there is none."""
        case = self.case()
        return None if case is None else case.state

    def sends(self, verb: str) -> bool:
        """Whether the auditor has signed a transaction of that kind."""
        with self._books() as books:
            signed = books.desks[0].outbox.entries(TxState.PENDING, TxState.MINED, TxState.FINAL)
        return any(one.intent.purpose.startswith(f"{verb}:") for one in signed)

    def damage_proof(self) -> None:
        """Turn a bit of the stored proof over, as a bad disk would."""
        case = self.case()
        assert case is not None and case.proof is not None
        middle = len(case.proof) // 2
        wrong = bytes([case.proof[middle] ^ 1])
        with sqlite3.connect(_file(self.auditor)) as database:
            damaged = case.proof[:middle] + wrong + case.proof[middle + 1 :]
            database.execute("UPDATE challenges SET proof = ?", (damaged,))

    async def convict_as_another(self) -> None:
        """Have the requester convict by a copy of the auditor's proof."""
        case, wallet = self.case(), self.network.requester
        assert case is not None
        with self._books() as books:
            docket = Docket(wallet.contracts, wallet.pool, books.jobs, wallet.address)
            data = docket.convict_data(case)
        purpose = f"copied:{self.job.hex()}"
        wallet.outbox.enqueue(Intent(purpose, docket.service, data))
        await wallet.sender.wait(purpose, 120)

    def _books(self) -> Any:
        return open_books(load_config(self.auditor.settings), self.network.requester.contracts)

    # How it ends

    async def ends_as(self, cast: Cast, state: CaseState) -> Case:
        """Wait for all deaths and the case's last state; return the case."""
        await cast.all_died()

        async def has_ended() -> bool:
            return self.state() is state

        await cast.until(has_ended, f"the case {state}", 120)
        case = self.case()
        assert case is not None
        return case

    async def convicted(self) -> dict[str, Any]:
        """Return the one conviction; it took the whole bond."""
        (event,) = await self.events("OperatorConvicted")
        assert (event["operator"], event["bond"] * GWEI) == (self.liar.id, BOND)
        return dict(event)


async def reached(condition: Callable[[], Awaitable[bool]], within: float = 120.0) -> None:
    """Wait for something that happens while a worker lies dead."""
    async with asyncio.timeout(within):
        while not await condition():  # noqa: ASYNC110 - the chain tells nobody
            await asyncio.sleep(0.2)


def _file(operator: Operator) -> Any:
    return load_config(operator.settings).data / "worker.sqlite"
