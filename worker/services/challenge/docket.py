"""What the chain says about an accused seat, and what is said to the contracts about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_utils.address import to_checksum_address

from worker.chain.contracts import Contracts
from worker.chain.endpoints import RpcPool
from worker.chain.wire import parse_quantity
from worker.protocol.demands import Place, Seat, demand_id
from worker.protocol.provable_words import (
    Fate,
    ProvableBatch,
    announcement,
    seat_key,
)
from worker.protocol.words import GWEI, Terms
from worker.services.provable.lane import DEMANDS
from worker.services.provable.lane import SERVICE as JOBS
from worker.services.terms import terms_of
from worker.storage.challenges import Case, CaseKey
from worker.storage.jobs import JobStore, PostedJob
from worker.types import Address, TaskIndex, Wei

_WAITS = 10  # how many times as long as an announcement ripens does a bounty wait


@dataclass(frozen=True)
class Bounty:
    """A bounty that waits: whose it is unless somebody announced in time, how much, since when."""

    prover: Address
    amount: Wei
    convicted_at: int


class Docket:
    """Reads and words everything about cases. `prover` is the account that accuses here.

    What is async raises RpcError.
    """

    def __init__(
        self, contracts: Contracts, pool: RpcPool, jobs: JobStore, prover: Address
    ) -> None:
        self.contracts = contracts
        self.prover = prover
        self._pool = pool
        self._jobs = jobs
        self._priority: int | None = None

    def job(self, key: CaseKey) -> PostedJob:
        """Return the job of a stored case."""
        job = self._jobs.get(key.job)
        if job is None:
            raise LookupError(f"case {key.name} has no job")  # the foreign key forbids it
        return job

    def terms(self, key: CaseKey) -> Terms:
        """Return the terms of the case's job."""
        return terms_of(self.job(key))

    def values(self, key: CaseKey) -> list[bytes]:
        """Return what the accused opened; nothing while a reorganisation has taken it back."""
        for log in self._jobs.logs(key.job, key.batch, "ResultRevealed"):
            if (log.round, log.operator) == (key.round, key.operator):
                return list(log.args["values"])
        return []

    def root(self, key: CaseKey, task: TaskIndex) -> bytes:
        """Return the trace root that the accused opened for a task."""
        return self.values(key)[task - self.terms(key).tasks_in(key.batch).start]

    def bond(self, key: CaseKey) -> Wei:
        """Return the bond of the accused seat."""
        terms = self.terms(key)
        return Wei(terms.bond * len(terms.tasks_in(key.batch)) * GWEI)

    def bounty(self, key: CaseKey) -> Wei:
        """Return what the prover of the case is paid."""
        return Wei(self.bond(key) // GWEI * 2 // 5 * GWEI)

    async def batch(self, key: CaseKey, block: int | str = "latest") -> ProvableBatch:
        """Return the batch in a block."""
        word = await self.contracts.call(JOBS, "batch_of", key.job, key.batch, block=block)
        return ProvableBatch.unpack(word)

    async def priority(self) -> int:
        """Return how many seconds an announcement ripens."""
        if self._priority is None:
            self._priority = int(await self.contracts.call(JOBS, "PRIORITY"))
        return self._priority

    async def announced_at(self, proof: bytes) -> int:
        """Return when this prover announced a proof, 0 if it did not."""
        hash_ = announcement(proof, self.prover)
        return int(await self.contracts.call(JOBS, "announced_at", hash_))

    async def waiting_bounty(self, key: CaseKey) -> Bounty | None:
        """Return the bounty that waits for the case's seat."""
        word = await self.contracts.call(JOBS, "bounty_of", slot(key))
        if not word:
            return None
        prover = Address(to_checksum_address(f"0x{word & (1 << 160) - 1:040x}"))
        return Bounty(prover, Wei((word >> 160 & (1 << 64) - 1) * GWEI), word >> 224)

    async def releases_at(self, bounty: Bounty) -> int:
        """Return from when on a waiting bounty is paid to the one who convicted."""
        return bounty.convicted_at + _WAITS * await self.priority()

    async def estimate(self, data: bytes) -> int:
        """Return the gas of a call to ProvableJobs now. Raises RevertedError with the reason."""
        call = {"from": self.prover, "to": self.service, "data": "0x" + data.hex()}
        return await self._pool.call("eth_estimateGas", [call], parse_quantity)

    @property
    def service(self) -> Address:
        """Where calls about seats go."""
        return self.contracts.address(JOBS)

    def announce_data(self, proof: bytes) -> bytes:
        """Return the call that announces a proof."""
        return self.contracts.encode(JOBS, "announce", announcement(proof, self.prover))

    def convict_data(self, case: Case) -> bytes:
        """Return the call that convicts by the case's proof."""
        key = case.key
        charge = (key.batch, key.round, key.operator, case.task, case.segment)
        return self.contracts.encode(
            JOBS,
            "convict",
            self.terms(key).members(),
            self._source(key),
            charge,
            self.values(key),
            case.proof,
        )

    def release_data(self, key: CaseKey) -> bytes:
        """Return the call that pays a bounty which waited long enough."""
        return self.contracts.encode(JOBS, "release_bounty", slot(key))

    def demand_id(self, key: CaseKey, task: TaskIndex, place: Place) -> bytes:
        """Return the id of the one demand there can be for a place."""
        return demand_id(key.job, Seat(key.batch, key.round, key.operator, task), place)

    def demand_data(
        self, key: CaseKey, task: TaskIndex, place: Place, fee_bps: int, evidence: bytes
    ) -> bytes:
        """Return the call that demands a place; the bond is drawn from an allowance."""
        no_permit = (0, 0, bytes(32), bytes(32))
        return self.contracts.encode(
            DEMANDS,
            "demand",
            self.terms(key).members(),
            self._source(key),
            (key.batch, key.round, key.operator, task),
            tuple(place),
            fee_bps,
            no_permit,
            evidence,
            self.values(key),
        )

    def _source(self, key: CaseKey) -> tuple[str, Sequence[Any]]:
        job = self.job(key)
        return job.payer, (job.nonce, job.program, job.inputs, job.manifest)


def slot(key: CaseKey) -> bytes:
    """Return by which name the service knows the accused seat."""
    return seat_key(key.job, key.batch, key.round, key.operator)


def is_in_play(batch: ProvableBatch, key: CaseKey) -> bool:
    """Whether what the seat opened can still be shown wrong."""
    if batch.is_final or batch.round != key.round:
        return False
    kind = batch.seat_of(key.operator)
    return kind is not None and batch.fates[kind] is Fate.OPENED
