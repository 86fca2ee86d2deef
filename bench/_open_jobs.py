"""Jobs of both lanes that a crowd posts and plays, a step of many jobs at once."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from _crowd import Call, Crowd, Mined
from _jobs import NO_PROOF, PLAIN, salt_of, terms_now
from _provable import provable_terms
from eth_utils.crypto import keccak

from worker.protocol.provable_words import is_audited
from worker.protocol.record import blind
from worker.protocol.seals import seal_digest
from worker.protocol.sortition import is_eligible, ticket
from worker.protocol.words import Origin, Terms
from worker.types import Address, JobKey, OperatorId, Seconds

SEED_MASK = (1 << 192) - 1
LANES = ("ReplicatedJobs", "ProvableJobs")
AUDIT_BPS = 500  # the least that bench chains admit
CHALLENGE = Seconds(60)
Gas = dict[str, list[int]]


@dataclass(frozen=True)
class Content:
    """What jobs of a lane are about; by default nothing that anybody could fetch."""

    program: bytes = keccak(text="p")
    inputs: bytes = keccak(text="i")
    manifest: bytes = keccak(text="m")
    locators: bytes = b""
    tasks: int = 1


@dataclass
class OpenJob:
    """A posted job of one batch. `seats` are those that have claimed, in the seats' order."""

    lane: str
    key: JobKey
    terms: Terms
    payer: Address
    block: int
    seats: list[OperatorId] = field(default_factory=list)
    is_settled: bool = False

    def values(self) -> list[bytes]:
        """Return what every seat of the job opens."""
        found = [keccak(self.key + bytes([task])) for task in range(self.terms.tasks)]
        return [blind(one) for one in found] if self.lane == LANES[0] else found


class OpenJobs:
    """Posts jobs and moves them on, step by step."""

    def __init__(self, crowd: Crowd) -> None:
        self.crowd = crowd
        self.contents = dict.fromkeys(LANES, Content())
        self._posted = 0
        self._held: Counter[OperatorId] = Counter()

    def post(self, lane: str, count: int) -> tuple[list[OpenJob], list[int]]:
        """Post jobs, each payer in turn; return them and the gas of each."""
        plans = self.plan(lane, count)
        mined = self.crowd.play([call for call, _ in plans])
        self.crowd.ask(("evm_mine", []))  # by whose hash the last seats are drawn
        return self.posted(lane, plans, mined), [one.gas for one in mined]

    def play(self, jobs: Sequence[OpenJob]) -> Gas:
        """Claim, seal, reveal and settle jobs that were drawn; return the gas of every call.

        Of provable jobs those that are audited stay behind after their seal.
        """
        gas: Gas = {}
        for name in ("claim", "seal"):
            mined = self.crowd.play(self.calls(name, jobs))
            gas[name] = [one.gas for one in mined]
        self.crowd.ask(("evm_mine", []))
        if jobs[0].lane == LANES[1]:
            jobs = self._unaudited(jobs, mined)
            if not jobs:
                return gas
        gas["reveal"] = [one.gas for one in self.crowd.play(self.calls("reveal", jobs))]
        if jobs[0].lane == LANES[1]:
            self.crowd.chain.go_to(self.crowd.chain.now + jobs[0].terms.challenge)
        gas["settle"] = [one.gas for one in self.crowd.play(self.calls("settle", jobs))]
        for job in jobs:
            job.is_settled = True
        return gas

    def draw(self, jobs: Sequence[OpenJob]) -> list[OpenJob]:
        """Return those of the jobs that the crowd alone can fill in the first third, with their
        seats: of those who may have one, they who had the fewest so far."""
        numbers = sorted({job.block + 1 for job in jobs})
        blocks = self.crowd.ask(*(("eth_getBlockByNumber", [hex(n), False]) for n in numbers))
        seeds = {
            n: int(one["hash"], 16) & SEED_MASK for n, one in zip(numbers, blocks, strict=True)
        }
        free = [job for job in jobs if not self._is_contested(job, seeds[job.block + 1])]
        for job in free:
            winners = self._winners(job, seeds[job.block + 1])
            job.seats = sorted(winners, key=self._held.__getitem__)[: job.terms.seats]
            self._held.update(job.seats)
        return [job for job in free if len(job.seats) == job.terms.seats]

    def calls(self, step: str, jobs: Sequence[OpenJob]) -> list[Call]:
        """Return one step's calls: of every seat, or one a job to settle it."""
        make: dict[str, Callable[[OpenJob], list[Call]]] = {
            "claim": self._claims,
            "seal": self._seals,
            "reveal": self._reveals,
            "settle": self._settlement,
        }
        return [call for job in jobs for call in make[step](job)]

    def _winners(self, job: OpenJob, seed: int) -> list[OperatorId]:
        return [one for one in self.crowd.operators if self._wins(one, job, seed, 1)]

    def _is_contested(self, job: OpenJob, seed: int) -> bool:
        """Whether an operator that is not of the crowd may ever claim."""
        return any(self._wins(OperatorId(one), job, seed, 4) for one in self.crowd.chain.operators)

    def _wins(self, operator: OperatorId, job: OpenJob, seed: int, factor: int) -> bool:
        total = len(self.crowd.operators) + len(self.crowd.chain.operators)  # equal stakes
        drawn = ticket(seed, job.key, 0, operator)
        return is_eligible(drawn, factor, job.terms.seats, 1, total)

    def _unaudited(self, jobs: Sequence[OpenJob], seals: Sequence[Mined]) -> list[OpenJob]:
        """Return the jobs that the block after their seal did not draw for an audit."""
        heights = [one.block + 1 for one in seals]
        blocks = self.crowd.ask(*(("eth_getBlockByNumber", [hex(n), False]) for n in heights))
        return [
            job
            for job, block in zip(jobs, blocks, strict=True)
            if not is_audited(bytes.fromhex(block["hash"][2:]), job.key, 0, AUDIT_BPS)
        ]

    def _claims(self, job: OpenJob) -> list[Call]:
        return [self._by(one, job, "claim", 0, NO_PROOF) for one in job.seats]

    def _seals(self, job: OpenJob) -> list[Call]:
        digests = {
            one: seal_digest(job.key, 0, 0, one, job.values(), salt_of(one)) for one in job.seats
        }
        return [self._by(one, job, "seal", 0, digest) for one, digest in digests.items()]

    def _reveals(self, job: OpenJob) -> list[Call]:
        return [
            self._by(one, job, "reveal", 0, one, job.values(), salt_of(one)) for one in job.seats
        ]

    def _settlement(self, job: OpenJob) -> list[Call]:
        is_replicated = job.lane == LANES[0]
        brought = ([job.values()], 0) if is_replicated else (job.values(),)
        return [self._by(job.seats[0], job, "settle", 0, *brought)]

    def _by(self, operator: OperatorId, job: OpenJob, function: str, *args: Any) -> Call:
        sender = self.crowd.operators[operator]
        return Call(sender, job.lane, function, (job.terms.members(), *args))

    def posted(
        self, lane: str, plans: Sequence[tuple[Call, Terms]], mined: Sequence[Mined]
    ) -> list[OpenJob]:
        """Return the jobs that calls of `plan` posted."""
        service = self.crowd.contracts.address(lane)
        numbers = sorted({one.block for one in mined})
        blocks = self.crowd.ask(*(("eth_getBlockByNumber", [hex(n), False]) for n in numbers))
        times = {n: int(one["timestamp"], 16) for n, one in zip(numbers, blocks, strict=True)}
        jobs = []
        for (call, terms), one in zip(plans, mined, strict=True):
            full = terms.posted(times[one.block])
            key = full.key(self.crowd.deployment.chain_id, service)
            jobs.append(OpenJob(lane, key, full, call.sender.address, one.block))
        return jobs

    def plan(self, lane: str, count: int) -> list[tuple[Call, Terms]]:
        """Return the calls that post jobs, with their terms."""
        usual = self._terms(lane)
        return [self._plan(lane, usual) for _ in range(count)]

    def _terms(self, lane: str) -> Terms:
        """Return what all jobs of a lane have in common that are posted now."""
        chain, tasks = self.crowd.chain, self.contents[lane].tasks
        if lane == LANES[0]:
            return terms_now(chain, tasks, **PLAIN)
        return provable_terms(chain, tasks, audit_bps=AUDIT_BPS, challenge=CHALLENGE)

    def _plan(self, lane: str, usual: Terms) -> tuple[Call, Terms]:
        self._posted += 1
        content = self.contents[lane]
        payer = self.crowd.payers[self._posted % len(self.crowd.payers)]
        origin = Origin(self._posted, content.program, content.inputs, content.manifest)
        terms = replace(usual, origin=origin.digest(payer.address))
        parts = (origin.nonce, origin.program, origin.inputs, origin.manifest)
        permit = (0, 0, bytes(32), bytes(32))
        args = (terms.a, terms.b, terms.named, parts, content.locators, permit)
        return Call(payer, lane, "post_job", args), terms
