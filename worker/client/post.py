"""Posts a job exactly once: recorded before it is signed, resumed rather than repeated."""

import secrets
import time
from collections.abc import Sequence

from worker.chain.contracts import Event
from worker.client.build import Build
from worker.client.grants import make_grant
from worker.client.jobfile import JobFile
from worker.client.journal import Journal, Record
from worker.client.lane import Lane, reserve_of
from worker.client.network import Network
from worker.client.terms import fetch_terms, make_origin
from worker.client.wallet import NO_PERMIT, Wallet
from worker.errors import ProofmeshError, RevertedError, RpcError, UsageError
from worker.protocol.outbox import OutboxEntry
from worker.protocol.words import Origin, Terms
from worker.storage.locators import encode_locators
from worker.types import Address, Digest

_NONCE_BITS = 128
_MAX_LOCATOR_BYTES = 2048


class Poster:
    """Posts from one wallet to one network and keeps the journal."""

    def __init__(self, network: Network, journal: Journal, wallet: Wallet) -> None:
        self._network = network
        self._journal = journal
        self._wallet = wallet

    def unfinished(self, job: JobFile, built: Build) -> Record | None:
        """Return the record of an earlier attempt whose transaction may still be mined.

        An attempt that never came so far is closed: posting anew cannot be posting twice.
        """
        pending = self._journal.pending(job.fingerprint(built), self._wallet.address)
        if pending is None or self._wallet.is_live(_purpose(pending)):
            return pending
        self._journal.save(pending.model_copy(update={"error": "never sent"}))
        return None

    async def prepare(self, job: JobFile, built: Build, locators: tuple[str, ...]) -> Record:
        """Return a new record for the job; nothing is signed, sent or written yet.

        Raises SpecError where the network's rules forbid the job, UsageError for a bad locator.
        """
        payer = self._wallet.address
        nonce = secrets.randbits(_NONCE_BITS)
        origin = make_origin(built, nonce)
        terms = await fetch_terms(self._network, built, payer, origin)
        _check_locators(locators)
        return Record(
            id=f"{nonce:032x}",
            name=job.spec.name,
            fingerprint=job.fingerprint(built),
            chain_id=self._network.chain_id,
            service=self._network.contracts.address(Lane.of(terms)),
            payer=payer,
            created_at=int(time.time()),
            source=job.source,
            folder=job.folder,
            only=job.only,
            locators=locators,
            operators=job.spec.operators,
            a=terms.a,
            b=terms.b,
            named=terms.named.hex(),
            nonce=nonce,
            program=origin.program.hex(),
            inputs=origin.inputs.hex(),
            manifest=origin.manifest.hex(),
        )

    async def post(self, record: Record, blobs: Sequence[Digest], within: float) -> Record:
        """Post the job of `record` and return the record with its key.

        Raises InsufficientFundsError and RevertedError, after which the record is closed and a new
        attempt is a new posting; RetryableError and WaitTimeoutError, after which it is not known
        what became of it and the next attempt goes on with this one.
        """
        record = record.model_copy(update={"blobs": tuple(digest.hex() for digest in blobs)})
        self._journal.save(record)
        try:
            entry = await self._send(record, within)
        except RevertedError as error:
            self._close(record, error)
            raise
        except ProofmeshError as error:
            # Without a transaction in the outbox nothing was signed that could still be mined.
            if not self._wallet.is_live(_purpose(record)):
                self._close(record, error)
            raise
        posted = _posting(await self._wallet.events_of(entry))
        done = record.model_copy(
            update={
                "key": posted.args["job"].hex(),
                "b": posted.args["b"],
                "block": posted.block_number,
            }
        )
        self._journal.save(done)
        return done

    async def estimate(self, record: Record) -> int:
        """Return the gas that the posting would use.

        Raises InsufficientFundsError, or RevertedError with the contract's reason.
        """
        grant = await make_grant(
            self._wallet, await self._token(record), "Escrow", reserve_of(record.terms)
        )
        if grant.needs_approval:
            raise RevertedError("the token knows no permits: an approval comes first")
        return await self._wallet.estimate(
            Lane.of(record.terms), "post_job",
            *_arguments(record.terms, record.origin, record.locators), grant.permit,
        )  # fmt: skip

    async def _send(self, record: Record, within: float) -> OutboxEntry:
        arguments = _arguments(record.terms, record.origin, record.locators)
        purpose = _purpose(record)
        if self._wallet.outbox.get(purpose) is not None:  # asked for before a crash
            return await self._wallet.sender.wait(purpose, within)
        token = await self._token(record)
        grant = await make_grant(self._wallet, token, "Escrow", reserve_of(record.terms))
        await grant.approve(self._wallet, record.id)
        permit = NO_PERMIT if grant.needs_approval else grant.permit
        try:
            return await self._wallet.send(
                Lane.of(record.terms), "post_job", *arguments, permit,
                purpose=purpose, within=within,
            )  # fmt: skip
        except RevertedError:
            await grant.take_back(self._wallet, record.id)
            raise

    async def _token(self, record: Record) -> Address:
        return await self._network.token_at(record.terms.token)

    def _close(self, record: Record, error: ProofmeshError) -> None:
        self._journal.save(record.model_copy(update={"error": str(error) or "failed"}))


def _purpose(record: Record) -> str:
    return f"post:{record.id}"


def _arguments(
    terms: Terms, origin: Origin, locators: tuple[str, ...]
) -> tuple[int, int, bytes, tuple[int, bytes, bytes, bytes], bytes]:
    members = (origin.nonce, origin.program, origin.inputs, origin.manifest)
    return terms.a, terms.b, terms.named, members, encode_locators(locators)


def _check_locators(locators: tuple[str, ...]) -> None:
    if len(encode_locators(locators)) > _MAX_LOCATOR_BYTES:
        raise UsageError(f"the locators are longer than {_MAX_LOCATOR_BYTES} bytes together")


def _posting(events: list[Event]) -> Event:
    for event in events:
        if event.name == "JobPosted":
            return event
    raise RpcError("the posting was mined but its event is missing")
