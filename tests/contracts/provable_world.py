"""A network with ProvableJobs on titanoboa, driven as its people would drive it."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import boa
from boa.contracts.vyper.vyper_contract import VyperContract
from eth_abi.abi import encode
from eth_utils.crypto import keccak

from tests.contracts.jobs_world import (
    HOUR,
    MIN_WINDOW,
    Job,
    Operator,
    World,
    salt_of,
)
from tests.contracts.stateful import network as net
from tests.contracts.stateful.network import TOKEN
from worker.protocol.provable_words import (
    Fate,
    Phase,
    ProvableBatch,
    SeatKind,
    announcement,
    is_audited,
    seat_key,
)
from worker.protocol.sortition import is_eligible, ticket
from worker.protocol.words import GWEI, JobWord, OnDissent, Origin, Terms
from worker.types import Address, Gwei, Seconds, Timestamp, Wei

PROGRAM, INPUTS, MANIFEST = (keccak(text=part) for part in ("program", "inputs", "manifest"))
LEAST_AUDIT, CAPTURE, GAS_PRICE = 500, 2_000, 10**9
COURT_GAS = 2_000_000
PRIORITY = 120
PRICE = TOKEN // 100  # per task
BOND = TOKEN // GWEI  # per task, gwei
PROOF = b"this result is wrong"
DAY = 86_400


def truth(task: int) -> bytes:
    """Return the trace root of an honest run."""
    return keccak(encode(["bytes32", "bytes32", "uint256"], [PROGRAM, INPUTS, task]))


def lie(name: str, task: int) -> bytes:
    """Return a wrong trace root that only `name` gives."""
    return keccak(text=f"{name}/{task}")


def seed_of(block: bytes) -> int:
    """Return the part of a block's hash that tickets are drawn by."""
    return int.from_bytes(block) & ((1 << 192) - 1)


def terms_of(**changes) -> Terms:
    """Return terms of one batch of two tasks, a tenth of which is audited."""
    now = boa.env.evm.patch.timestamp
    usual = Terms(
        price=Wei(PRICE),
        bond=Gwei(BOND),
        tasks=2,
        seats=1,
        max_seats=1,
        batch_log2=1,
        on_dissent=OnDissent.ESCALATE,
        token=0,
        fee_bps=net.FEE_BPS,
        claim=Seconds(HOUR),
        run=Seconds(HOUR),
        reveal=Seconds(HOUR),
        expiry=Timestamp(now + 20 * DAY),
        challenge=Seconds(2 * HOUR),
        audit_bps=1_000,
    )
    return replace(usual, **changes)


class ProvableJob(Job):
    """A posted job; its seats open trace roots."""

    @property
    def source(self) -> tuple[str, tuple[int, bytes, bytes, bytes]]:
        return self.payer, self.origin_members

    def truths(self, batch: int = 0) -> list[bytes]:
        return [truth(task) for task in self.terms.tasks_in(batch)]

    def lies(self, name: str, batch: int = 0) -> list[bytes]:
        """Return results of which the first alone is wrong."""
        first, *rest = self.terms.tasks_in(batch)
        return [lie(name, first), *map(truth, rest)]


class ProvableWorld(World):
    """The vaults, a court that knows the truth unless another is named, and ProvableJobs."""

    jobs: VyperContract
    court_name = "mocks/MockCourt"
    program, inputs = PROGRAM, INPUTS

    def deploy_service(self) -> VyperContract:
        with boa.env.prank(self.net.owner):
            self.courts = net.contract("Courts").deploy(
                self.staking, LEAST_AUDIT, CAPTURE, GAS_PRICE
            )
            self.court = net.contract(self.court_name).deploy()
            self.courts.admit_genesis(self.court, COURT_GAS)
        jobs = self.new_service()
        # Reading through another handle leaves the logs of the last call where they are.
        self.views = net.contract("services/ProvableJobs").at(jobs.address)
        self.demands = self.deploy_demands(jobs)
        jobs.bind_demands(self.demands, sender=self.deployer)
        return jobs

    def deploy_demands(self, jobs: VyperContract) -> VyperContract:
        """Deploy demands that do to the service what they are told."""
        demands = net.contract("mocks/MockDemands").deploy()
        demands.bind(jobs)
        return demands

    def new_service(self, priority: int = PRIORITY) -> VyperContract:
        windows = (MIN_WINDOW,) * 4
        return net.contract("services/ProvableJobs").deploy(
            self.staking,
            self.escrow,
            self.seeds,
            self.courts,
            windows,
            priority,
            sender=self.deployer,
        )

    def wait(self, seconds: int, blocks: int = 2) -> None:
        """Let time and blocks pass; each block keeps its hash."""
        patch = boa.env.evm.patch
        super().wait(seconds, blocks)
        first = patch.block_number - 1
        new = [keccak(text=f"block/{first - depth}") for depth in range(min(blocks, 256))]
        patch.prev_hashes = (new + list(patch.prev_hashes))[:256]

    # A requester

    job_type, terms_of = ProvableJob, staticmethod(terms_of)

    def origin(self) -> Origin:
        return Origin(self.nonce, self.program, self.inputs, MANIFEST)

    # Seats

    def word(self, job: ProvableJob, batch: int = 0) -> ProvableBatch:
        return ProvableBatch.unpack(self.views.batch_of(job.key, batch))

    def until(self, job: ProvableJob, batch: int = 0) -> int:
        until = self.word(job, batch).until(job.terms)
        assert until is not None
        return until

    def last_third(self, job: ProvableJob, batch: int = 0) -> None:
        """Go to where four times the open seat's tickets are released."""
        since = self.word(job, batch).since or job.terms.posted_at
        self.go_to(max(self.now + 1, since + 2 * job.terms.claim // 3 + 1))

    def number(self, job: ProvableJob, batch: int = 0) -> int:
        return self.word(job, batch).round

    def values(self, job: ProvableJob, results: Sequence[bytes], batch: int = 0) -> list[bytes]:
        """Return the trace roots as they are: nothing is blinded here."""
        return list(results)

    def reveal(
        self, job: ProvableJob, operator: Operator, values: Sequence[bytes], batch: int = 0
    ) -> None:
        number = self.number(job, batch)
        salt = salt_of(operator.id, number)
        self.jobs.reveal(job.members, batch, operator.id, list(values), salt)
        job.opened[batch, number, operator.id] = list(values)

    def advance(self, job: ProvableJob, batch: int = 0) -> ProvableBatch:
        self.jobs.advance(job.members, batch)
        return self.word(job, batch)

    def end_window(self, job: ProvableJob, batch: int = 0) -> ProvableBatch:
        """Let the phase's window pass and move the batch on."""
        self.go_to(self.until(job, batch))
        return self.advance(job, batch)

    def take(self, job: ProvableJob, values: Sequence[bytes], batch: int = 0) -> Operator:
        """Let the first operator that may take the open seat, and seal it."""
        self.last_third(job, batch)
        operator = self.drawn(job, batch)
        self.claim_sealed(job, operator, values, batch)
        self.wait(1)
        return operator

    def drawn(self, job: ProvableJob, batch: int = 0) -> Operator:
        """Return an operator that may take the open seat in the last third, all being equal."""
        word = self.word(job, batch)
        height = word.height or JobWord.unpack(self.views.job_of(job.key)).seed_height
        others = [operator for operator in self.operators if not word.had_seat(operator.id)]

        def winners(seed: int) -> list[Operator]:
            return [operator for operator in others if self.wins(seed, job, operator, batch)]

        captured = JobWord.unpack(
            self.views.draw_of(job.key, batch) if word.height else self.views.job_of(job.key)
        )
        if captured.seed_height != height or not captured.seed:
            block = self.choose_hash(height, lambda block: bool(winners(seed_of(block))))
            captured = JobWord(height, seed_of(block))
        return winners(captured.seed)[0]

    # The draw

    def draw(self, job: ProvableJob, audited: bool, batch: int = 0) -> None:
        """Make the block after the seal one that does, or does not, draw the batch."""
        height = self.word(job, batch).height
        self.choose_hash(
            height,
            lambda block: is_audited(block, job.key, batch, job.terms.audit_bps) == audited,
        )

    def wins(
        self, seed: int, job: ProvableJob, operator: Operator, batch: int = 0, factor: int = 4
    ) -> bool:
        """Whether a seed gives the open seat to one of equal operators, by default in the end."""
        drawn = ticket(seed, job.key, batch, operator.id)
        return is_eligible(drawn, factor, 1, 1, len(self.operators))

    def favour(self, job: ProvableJob, operator: Operator, batch: int = 0) -> None:
        """Make the draw to come one that an operator wins from the start."""
        height = self.word(job, batch).height
        self.choose_hash(height, lambda block: self.wins(seed_of(block), job, operator, batch, 1))

    def choose_hash(self, height: int, fits: Callable[[bytes], bool]) -> bytes:
        """Give the block at `height` a hash that fits, and return it."""
        patch = boa.env.evm.patch
        if patch.block_number <= height:
            self.wait(1, height + 1 - patch.block_number)
        hashes = list(patch.prev_hashes)
        tries = (keccak(text=f"try {number}") for number in range(10**6))
        chosen = next(block for block in tries if fits(block))
        hashes[patch.block_number - height - 1] = chosen
        patch.prev_hashes = hashes
        return chosen

    # Whole ways

    def sealed(self, values: Callable[[ProvableJob], list[bytes]] = ProvableJob.truths, **changes):
        """Return a job whose operator has sealed, and the operator."""
        job = self.post(**changes)
        return job, self.take(job, values(job))

    def opened(self, values: Callable[[ProvableJob], list[bytes]] = ProvableJob.truths, **changes):
        """Return a job in its challenge without an audit, and its operator."""
        job, operator = self.sealed(values, **changes)
        self.draw(job, audited=False)
        self.reveal(job, operator, values(job))
        return job, operator

    def audited(self, first: Callable, second: Callable, **changes):
        """Return a job in its challenge whose two seats opened, its operator and its auditor."""
        job, operator, auditor = self.both_sealed(first, second, **changes)
        self.reveal(job, operator, first(job))
        self.reveal(job, auditor, second(job))
        return job, operator, auditor

    def both_sealed(self, first: Callable, second: Callable, **changes):
        """Return a job whose two seats have sealed, its operator and its auditor."""
        job, operator = self.sealed(first, **changes)
        self.draw(job, audited=True)
        self.advance(job)
        self.wait(1)
        return job, operator, self.take(job, second(job))

    def settle(self, job: ProvableJob, values: Sequence[bytes], batch: int = 0):
        self.jobs.settle(job.members, batch, list(values))
        return self.last("BatchSettled")

    def last(self, name: str):
        """Return the last event of a name that the last call to the service logged."""
        return [log for log in self.jobs.get_logs() if type(log).__name__ == name][-1]

    # Convictions

    def charge(self, job: ProvableJob, operator: Operator, batch: int = 0, **changes):
        number = changes.get("round", self.word(job, batch).round)
        task = changes.get("task", job.terms.tasks_in(batch)[0])
        return batch, number, operator.id, task, changes.get("segment", 0)

    def announce(self, prover: str, proof: bytes = PROOF) -> None:
        self.jobs.announce(announcement(proof, Address(str(prover))), sender=prover)

    def convict(
        self, job: ProvableJob, operator: Operator, prover: str, proof: bytes = PROOF, **changes
    ) -> None:
        """Convict the first task of what an operator opened."""
        charge = self.charge(job, operator, **changes)
        values = job.opened[charge[0], charge[1], operator.id]
        self.jobs.convict(job.members, job.source, charge, values, proof, sender=prover)

    def seat(self, job: ProvableJob, operator: Operator, number: int = 0, batch: int = 0) -> bytes:
        return seat_key(job.key, batch, number, operator.id)


__all__ = ["Fate", "Phase", "ProvableJob", "ProvableWorld", "SeatKind", "lie", "truth"]
