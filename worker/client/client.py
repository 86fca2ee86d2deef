"""The SDK: the command line's verbs, typed. `AsyncClient` does the work, `Client` waits for it."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from worker.chain.wire import parse_amount
from worker.client import actions, cranks
from worker.client import delivery as delivering
from worker.client.build import Build
from worker.client.delivery import COPIES, Delivery
from worker.client.demanded import demand_tensors, demand_wasm, settled_claims
from worker.client.demands import MOST, Ask, Demander
from worker.client.eligibility import fetch_candidates
from worker.client.follow import Step, Until, follow
from worker.client.jobfile import JobFile
from worker.client.journal import Record
from worker.client.lane import Lane
from worker.client.market import Market
from worker.client.market_feed import fetch_markets
from worker.client.output import Output, available
from worker.client.outputs import Progress
from worker.client.post import Poster
from worker.client.proving import fetch_receipts
from worker.client.quote import Quote, make_quote
from worker.client.receipts import Receipt
from worker.client.session import Session
from worker.client.source import open_tensor_job
from worker.client.status import JobStatus
from worker.client.tensor_verify import TensorVerifier
from worker.client.terms import fetch_terms, make_origin
from worker.client.verify import Verdict, verify_wasm
from worker.client.view import JobView, unfinished
from worker.client.wallet import SEND_SECONDS, Wallet
from worker.client.wallet import Progress as SendProgress
from worker.errors import (
    InsufficientFundsError,
    NotFoundError,
    RevertedError,
    UsageError,
    WaitTimeoutError,
)
from worker.executors.wasm import open_executor
from worker.protocol.words import Terms
from worker.types import Address, BatchIndex, Digest, OperatorId, Seconds, Timestamp, Wei

_NOBODY = Address("0x" + "00" * 20)


class AsyncClient(Session):
    """One person on one network. Use it in an `async with` block.

    Verbs that name a job take its key or the beginning of it, or the name in its job file. All
    raise RetryableError when the endpoints fail, WrongChainError when they are on another chain,
    and NotFoundError for an unknown job; those that sign raise ConfigError without a wallet and
    KeyInUseError while another process signs with it.
    """

    # Posting

    async def quote(self, job: JobFile) -> Quote:
        """Return what the job costs and who can run it. Signs at most a permit, sends nothing.

        Raises SpecError.
        """
        built = await asyncio.to_thread(job.build)
        if self._config.wallet is None:
            return await self._quote_for_nobody(job, built)
        gas, problem = None, None
        async with self._wallet() as wallet:
            poster = Poster(self._network, self._journal, wallet)
            record = await poster.prepare(job, built, job.spec.locators)
            try:
                gas = await poster.estimate(record)
            except (InsufficientFundsError, RevertedError) as error:
                problem = str(error)
        return await self._quote(job, built, record.terms, gas, problem)

    async def submit(
        self,
        job: JobFile,
        delivery: Delivery | None = None,
        *,
        within: float = SEND_SECONDS,
        progress: delivering.Progress = lambda *_: None,
    ) -> Record:
        """Post the job with its escrow by one transaction, once, and return its record.

        Should this be cut off anywhere, submitting the same job again finishes the first posting.
        Raises SpecError, FetchError when no worker takes the blobs and InsufficientFundsError
        before anything is sent; RevertedError, WaitTimeoutError after `within` seconds.
        """
        built = await asyncio.to_thread(job.build)
        async with self._wallet() as wallet:
            poster = Poster(self._network, self._journal, wallet)
            if record := poster.unfinished(job, built):
                blobs = tuple(Digest(bytes.fromhex(blob)) for blob in record.blobs)
                return await poster.post(record, blobs, within)
            given = delivery or Delivery()
            locators = (*job.spec.locators, *given.all_locators)
            record = await poster.prepare(job, built, locators)
            until = Timestamp(record.terms.expiry)
            blobs = await asyncio.to_thread(delivering.stash, self._store, built, until)
            if not locators:
                found = await self._deliver(wallet, record, blobs, given.copies, progress)
                record = record.model_copy(update={"locators": found})
            return await poster.post(record, blobs, within)

    async def unfinished(self, job: str) -> JobFile:
        """Return what to submit to have those tasks done that ended without a result.

        Raises UsageError when there is none, or the job was not posted from this machine.
        """
        status = await self.show(job)
        record, view = status.record, status.view
        if record is None or view is None:
            raise UsageError("only a job posted from this machine can be posted again")
        numbers = [record.only[index] if record.only else index for index in unfinished(view)]
        if not numbers:
            raise UsageError("no task ended without a result")
        return JobFile.parse(record.source.encode(), record.folder, tuple(numbers))

    async def retry(self, job: str, delivery: Delivery | None = None) -> Record:
        """Submit the `unfinished` tasks of a job; return the new job's record."""
        return await self.submit(await self.unfinished(job), delivery)

    # Watching

    async def list_jobs(self) -> list[JobStatus]:
        """Return the jobs posted from this machine, the newest first."""
        return [await self._status(record, record.id) for record in self._journal.records()]

    async def show(self, job: str) -> JobStatus:
        """Return a job as it is now."""
        return await self._status(self._journal.find(job), job)

    async def follow(self, job: str, until: Until = Until.FINAL) -> AsyncIterator[Step]:
        """Yield every step of a job, from the posting on, until it is as far as `until`."""
        chain = self._config.chain
        history = self._history(self._journal.find(job), job)
        async for step in follow(
            self._network, history, until, chain.confirmations, chain.poll_seconds
        ):
            yield step

    async def wait(
        self, job: str, until: Until = Until.RESULT, within: float | None = None
    ) -> JobStatus:
        """Wait until the job is as far as `until`. Raises WaitTimeoutError after `within` s."""
        try:
            async with asyncio.timeout(within):
                async for _ in self.follow(job, until):
                    pass
        except TimeoutError:
            raise WaitTimeoutError(f"the job is not {until} after {within:g} s") from None
        return await self.show(job)

    async def market(self, last: Seconds, program: bytes | None = None) -> list[Market]:
        """Return what the jobs posted in the `last` seconds, of one program where its digest is
        given, paid, waited and came to: by lane, token and the operators' capabilities."""
        return await fetch_markets(self._network, last, program)

    # Results

    async def fetch(
        self,
        job: str,
        folder: Path,
        tasks: Sequence[int] | None = None,
        progress: Progress = lambda *_: None,
    ) -> list[Path]:
        """Write the outputs of `tasks`, by default of all that have a result, to
        `folder`/task-<number>; return the files.

        Every byte is checked against what the contract settled or, while a provable result can
        still be proved wrong, what was shown: `Output.claim` tells which. Raises FetchError when
        no worker has an output, VerificationError when all that they offer is false.
        """
        files: list[Path] = []
        async for output in self.outputs(job, tasks, progress):
            files += await asyncio.to_thread(output.extract, folder)
        return sorted(files)

    async def outputs(
        self,
        job: str,
        tasks: Sequence[int] | None = None,
        progress: Progress = lambda *_: None,
    ) -> AsyncIterator[Output]:
        """Yield the checked outputs of tasks as they come; errors as in `fetch`."""
        view = await self.view(job)
        async for output in self._outputs.fetch(view, _wanted(view, tasks), progress):
            yield output

    async def logs(self, job: str, task: int, stream: str = "stderr") -> bytes:
        """Return what a task wrote to stderr or stdout; errors as in `fetch`. Tensor programs
        write to neither."""
        async for output in self.outputs(job, [task]):
            return await asyncio.to_thread(output.read, stream)
        raise NotFoundError(f"task {task} has no result")

    async def verify(self, job: str, tasks: Sequence[int] | None = None) -> AsyncIterator[Verdict]:
        """Run tasks again on this machine and yield what came out of each; by default all that
        have a result. Raises NotFoundError when there is none."""
        view = await self.view(job)
        wanted = _wanted(view, tasks)
        if view.lane is Lane.PROVABLE:
            async with open_tensor_job(view, self._fetcher) as opened:
                verifier = TensorVerifier(view, opened, self._outputs, self._peers)
                async for verdict in verifier.verify(wanted):
                    yield verdict
            return
        executor = await open_executor(self._config.data / "modules")
        try:
            with tempfile.TemporaryDirectory(prefix="proofmesh-") as scratch:
                async for wasm in verify_wasm(
                    view, wanted, executor, self._fetcher, self._store, Path(scratch)
                ):
                    yield wasm
        finally:
            await executor.close()

    async def receipts(self, job: str, batch: int) -> list[Receipt]:
        """Return proofs of a settled batch's results, which `check_receipt` checks offline."""
        view = await self.view(job)
        depth = self._config.chain.confirmations
        return await fetch_receipts(self._network, view, view.batch(batch), depth)

    # The payer's other verbs

    async def demand(
        self,
        job: str,
        tasks: Sequence[int] | None = None,
        *,
        operator: int | None = None,
        most: int = MOST,
        ask: Ask = lambda _: None,
        tell: SendProgress = lambda _: None,
    ) -> list[Output]:
        """Return settled outputs that nobody serves, demanded on the chain piece by piece.

        `operator` is one that was paid for the tasks, by default the first that did not fall
        silent; `ask` hears the cost before anything is sent, at most `most` pieces each time: of a
        replicated job the records, then the bundles' chunks. Pieces that were demanded before are
        not paid for again. The wallet is held while answers are waited for. Raises UsageError
        unless the wallet paid for the job, NotFoundError for a task without a settled result, and
        as `Demander.obtain`.
        """
        view = await self.view(job)
        async with self._wallet() as wallet:
            actions.check_payer(view, wallet)
            claims = settled_claims(view, tasks)
            server = None if operator is None else OperatorId(operator)
            poll = self._config.chain.poll_seconds
            demander = Demander(self._network, wallet, view, poll, server, most, ask, tell)
            if view.lane is Lane.REPLICATED:
                return await demand_wasm(demander, claims, self._store)
            return await demand_tensors(demander, claims, self._store, self._fetcher)

    async def publish(
        self,
        job: str,
        copies: int = COPIES,
        progress: delivering.Progress = lambda *_: None,
    ) -> int:
        """Leave the blobs of a job posted from here with workers again; return with how many."""
        record = self._journal.find(job)
        if record is None:
            raise NotFoundError(f"no job {job} was posted from this machine")
        blobs = [Digest(bytes.fromhex(blob)) for blob in record.blobs]
        async with self._wallet() as wallet:
            return len(await self._upload(wallet, record, blobs, copies, progress))

    @asynccontextmanager
    async def serving(self, host: str, port: int) -> AsyncIterator[int]:
        """Serve the blobs of this machine's jobs while the block runs; gives the port."""
        async with delivering.serving(self._store, host, port) as bound:
            yield bound

    async def cancel(self, job: str, batches: Sequence[int] | None = None) -> Sequence[int]:
        """End batches, by default all that nobody works on; their escrow is credited back.

        Returns the batches; raises UsageError when there is none.
        """
        view = await self.view(job)
        async with self._wallet() as wallet:
            actions.check_payer(view, wallet)
            chosen = actions.cancellable(view) if batches is None else batches
            await actions.cancel(wallet, view, chosen)
            return chosen

    async def accept(self, job: str, batches: Sequence[int] | None = None) -> Sequence[int]:
        """Pay for the results that batches showed, by default of all whose payer decides now: a
        single operator's, or those of a provable job before its challenge is over.

        Returns the batches; raises UsageError when there is none.
        """
        view = await self.view(job)
        async with self._wallet() as wallet:
            actions.check_payer(view, wallet)
            chosen = actions.acceptable(view) if batches is None else batches
            await actions.accept(wallet, view, chosen)
            return chosen

    async def raise_price(self, job: str, price: Wei, batches: Sequence[int] | None = None) -> Wei:
        """Offer `price` wei per task and seat for batches that found no operators, by default for
        all of them; return what that adds to the escrow."""
        view = await self.view(job)
        token = await self._network.token_at(view.terms.token)
        async with self._wallet() as wallet:
            actions.check_payer(view, wallet)
            chosen = actions.unfilled(view) if batches is None else batches
            return await actions.raise_price(wallet, view, chosen, price, token)

    async def settle(
        self, job: str, batches: Sequence[int] | None = None
    ) -> Mapping[BatchIndex, str | None]:
        """Move on batches whose operators are late or gone, by default all that are not over:
        anybody may, and gets nothing for it.

        Returns by batch why the contract refuses that now, None where it was done. Raises
        UsageError where all is over, NotFoundError for a batch that is not there.
        """
        view = await self.view(job)
        chosen = view.batches if batches is None else [view.batch(index) for index in batches]
        waiting = [batch for batch in chosen if not batch.is_final]
        if not waiting:
            raise UsageError("every batch is over")
        async with self._wallet() as wallet:
            return await cranks.crank(wallet, self._network, view, waiting)

    async def credit(self, token: int = 0) -> Wei:
        """Return what Escrow owes the wallet, refunds most of all."""
        async with self._wallet() as wallet:
            return Wei(await wallet.call("Escrow", "credit_of", wallet.address, token))

    async def withdraw(self, token: int = 0) -> Wei:
        """Take the credit out; return how much it was. Raises RevertedError for nothing."""
        async with self._wallet() as wallet:
            amount = Wei(await wallet.call("Escrow", "credit_of", wallet.address, token))
            await wallet.send("Escrow", "withdraw", token)
            return amount

    async def _quote_for_nobody(self, job: JobFile, built: Build) -> Quote:
        terms = await fetch_terms(self._network, built, _NOBODY, make_origin(built, 0))
        return await self._quote(job, built, terms, None, "no wallet is configured")

    async def _quote(
        self, job: JobFile, built: Build, terms: Terms, gas: int | None, problem: str | None
    ) -> Quote:
        candidates = await fetch_candidates(self._network, terms, job.spec.operators)
        price = await self._network.pool.call("eth_gasPrice", [], parse_amount)
        return make_quote(built, terms, candidates, gas, price, problem)

    async def _deliver(
        self,
        wallet: Wallet,
        record: Record,
        blobs: Sequence[Digest],
        copies: int,
        progress: delivering.Progress,
    ) -> tuple[str, ...]:
        """Bring the blobs where operators find them; return the locators to post."""
        if local := delivering.local_locators(self._deployment.chain_id, self._store):
            return local
        return await self._upload(wallet, record, blobs, copies, progress)

    async def _upload(
        self,
        wallet: Wallet,
        record: Record,
        blobs: Sequence[Digest],
        copies: int,
        progress: delivering.Progress,
    ) -> tuple[str, ...]:
        candidates = await fetch_candidates(self._network, record.terms, record.operators)
        able = [one for one in candidates if one.is_eligible and one.endpoint]
        uploader = delivering.Uploader(self._network, wallet.signer, self._store, self._peers)
        until = Timestamp(record.terms.expiry)
        return await uploader.upload(blobs, able, until, copies, progress)


def _wanted(view: JobView, tasks: Sequence[int] | None) -> Sequence[int]:
    """Return the asked tasks, else all with a result. Raises NotFoundError when none has one."""
    wanted = available(view) if tasks is None else tasks
    if not wanted:
        raise NotFoundError("no task has a result yet")
    return wanted
