"""A network of vaults and ReplicatedJobs on titanoboa, driven as its people would drive it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import boa
from boa.contracts.vyper.vyper_contract import VyperContract
from eth_account import Account
from eth_utils.crypto import keccak

from tests.contracts.stateful import network as net
from tests.contracts.stateful.network import NO_PERMIT, TOKEN
from worker.protocol.record import FAILED, blind
from worker.protocol.seals import OPENED, seal_digest
from worker.protocol.words import (
    GWEI,
    BatchWord,
    OnDissent,
    Origin,
    RoundWord,
    Terms,
    positions,
)
from worker.types import Address, Gwei, Seconds, Timestamp, Wei

HOUR = 3_600
MIN_WINDOW = 60
STANDING = 10**9  # gwei
NO_LIMIT = 2**64 - 1
NO_PROOF = (0, [])
SILENT = "sealed, never opened"
IDLE = "claimed, never sealed"


def digests(name: str, count: int = 2) -> list[bytes]:
    """Return results s of `count` tasks that only `name` gives."""
    return [keccak(text=f"{name}/{task}") for task in range(count)]


def salt_of(operator: int, number: int) -> bytes:
    return keccak(text=f"salt/{operator}/{number}")


def named_tree(ids: Sequence[int]) -> list[list[bytes]]:
    """Return the levels of the named operators' tree, leaves first."""
    level = [keccak(b"\x00" + operator.to_bytes(32, "big")) for operator in ids]
    levels = [level]
    while len(level) > 1:
        level = [*level, bytes(32)] if len(level) % 2 else level
        levels[-1] = level
        level = [
            keccak(b"\x01" + left + right)
            for left, right in zip(level[::2], level[1::2], strict=True)
        ]
        levels.append(level)
    return levels


def terms_of(**changes) -> Terms:
    """Return terms of one batch of two tasks, three seats that grow to five."""
    now = boa.env.evm.patch.timestamp
    usual = Terms(
        price=Wei(TOKEN // 10),
        bond=Gwei(TOKEN // 5 // GWEI),
        tasks=2,
        seats=3,
        max_seats=5,
        batch_log2=1,
        on_dissent=OnDissent.ESCALATE,
        token=0,
        fee_bps=net.FEE_BPS,
        claim=Seconds(HOUR),
        run=Seconds(HOUR),
        reveal=Seconds(HOUR),
        expiry=Timestamp(now + 40 * HOUR),
    )
    return replace(usual, **changes)


@dataclass
class Operator:
    id: int
    owner: str
    worker: str


@dataclass
class Job:
    """A posted job, and what its seats opened as (batch, round, operator) -> values v."""

    terms: Terms
    origin: Origin
    payer: str
    key: bytes
    named: Sequence[int] = ()
    opened: dict[tuple[int, int, int], list[bytes]] = field(default_factory=dict)
    rounds: dict[int, int] = field(default_factory=dict)

    @property
    def members(self) -> tuple[int, int, bytes, bytes]:
        return self.terms.members()

    @property
    def origin_members(self) -> tuple[int, bytes, bytes, bytes]:
        return self.origin.nonce, self.origin.program, self.origin.inputs, self.origin.manifest

    def proof(self, operator: int) -> tuple[int, list[bytes]]:
        if operator not in self.named:
            return NO_PROOF
        index = list(self.named).index(operator)
        levels = named_tree(self.named)[:-1]
        return index, [level[(index >> depth) ^ 1] for depth, level in enumerate(levels)]


class World:
    """Everything deployed, `operators` staked and opted in, `requesters` with tokens."""

    def __init__(self, operators: int = 7, requesters: int = 2, stake: int = 5_000) -> None:
        boa.env.evm.patch.prev_hashes = [keccak(text=f"block/{depth}") for depth in range(256)]
        boa.env.evm.patch.block_number = 1_000
        self.net = net.deploy()
        self.token, self.staking, self.escrow = self.net.token, self.net.staking, self.net.escrow
        self.seeds = net.contract("seeds/BlockSeed").deploy()
        self.deployer = boa.env.generate_address("deployer")
        self.jobs = self.deploy_service()
        net.admit(self.net, *self.services(), standing=STANDING)
        self.operators = [self.join(f"owner {number}", stake) for number in range(operators)]
        self.requesters = [boa.env.generate_address(f"requester {n}") for n in range(requesters)]
        for requester in self.requesters:
            net.fund(self.net, requester, 10**6 * TOKEN)
        self.nonce = 0
        self.wait(2 * net.EPOCH)

    def deploy_service(self) -> VyperContract:
        """Deploy the service under test, bound to an account that may do what demands may."""
        self.demands = boa.env.generate_address("demands")
        jobs = self.new_service()
        jobs.bind_demands(self.demands, sender=self.deployer)
        return jobs

    def new_service(self) -> VyperContract:
        """Deploy another service of the kind, which no demands are bound to."""
        windows = (MIN_WINDOW,) * 3
        return net.contract("services/ReplicatedJobs").deploy(
            self.staking, self.escrow, self.seeds, *windows, sender=self.deployer
        )

    def services(self) -> list[VyperContract]:
        """Return what is admitted."""
        return [self.jobs]

    def join(self, name: str, stake: int) -> Operator:
        """Stake whole tokens for a new operator and opt in."""
        return self.join_again(boa.env.generate_address(name), stake)

    def join_again(self, owner: str, stake: int) -> Operator:
        """Stake whole tokens for one more operator of an owner, and opt in."""
        net.fund(self.net, owner, stake * TOKEN)
        worker = net.new_operator(self.net, owner, stake * TOKEN)
        operator = self.staking.operator_of(worker.address)
        self.staking.opt_in(operator, self.jobs, NO_LIMIT, sender=owner)
        return Operator(operator, owner, worker.address)

    def replace_key(self, operator: Operator) -> str:
        """Give an operator another key."""
        key = Account.from_key(keccak(text=f"new key of {operator.id}"))
        consent = net.consent(self.staking, key, operator.id, operator.owner)
        self.staking.set_worker(
            operator.id, key.address, NO_LIMIT, 2**63, consent, sender=operator.owner
        )
        return key.address

    # Time

    @property
    def now(self) -> int:
        return boa.env.evm.patch.timestamp

    def wait(self, seconds: int, blocks: int = 2) -> None:
        boa.env.evm.patch.timestamp += seconds
        boa.env.evm.patch.block_number += blocks

    def go_to(self, moment: int) -> None:
        self.wait(moment - self.now)

    # A requester

    job_type, terms_of = Job, staticmethod(terms_of)
    """What is posted, and its usual terms."""

    def origin(self) -> Origin:
        return Origin(self.nonce, *(keccak(text=part) for part in ("program", "in", "manifest")))

    def post(self, requester: int = 0, named: Sequence[int] = (), **changes):
        """Post a job and let the block of its seed pass."""
        self.nonce += 1
        payer = self.requesters[requester]
        origin = self.origin()
        terms = self.terms_of(
            **changes,
            named=named_tree(named)[-1][0] if named else bytes(32),
            origin=origin.digest(Address(str(payer))),
        )
        job = self.job_type(terms, origin, payer, b"", named)
        job.key = self.jobs.post_job(
            terms.a, terms.b, terms.named, job.origin_members, b"", NO_PERMIT, sender=payer
        )
        job.terms = terms.posted(self.now)
        self.wait(1)
        return job

    # Operators

    def batch(self, job: Job, batch: int = 0) -> BatchWord:
        return BatchWord.unpack(self.jobs.batch_of(job.key, batch))

    def opened_at(self, job: Job, batch: int = 0) -> int:
        return self.batch(job, batch).opened_at or job.terms.posted_at

    def clock(self, job: Job, batch: int = 0):
        return job.terms.clock(self.batch(job, batch).opened_at)

    def last_third(self, job: Job, batch: int = 0) -> None:
        """Go to where every ticket of up to eight equal operators is released."""
        self.go_to(max(self.now + 1, self.opened_at(job, batch) + 2 * job.terms.claim // 3 + 1))

    def claim(self, job: Job, operator: Operator, batch: int = 0) -> None:
        self.jobs.claim(job.members, batch, job.proof(operator.id), sender=operator.worker)

    def mask(self, job: Job, batch: int = 0) -> int:
        if not self.batch(job, batch).base:
            return job.terms.full_mask(batch)
        return RoundWord.unpack(self.jobs.round_of(job.key, batch)).mask

    def values(self, job: Job, results: Sequence[bytes], batch: int = 0) -> list[bytes]:
        """Return what a seat opens in the running round for results s of the whole batch."""
        if not self.batch(job, batch).base:
            return [blind(s) for s in results]
        return [results[task] for task in positions(self.mask(job, batch))]

    def number(self, job: Job, batch: int = 0) -> int:
        """Return the running round's number."""
        return self.batch(job, batch).round

    def digest(
        self, job: Job, operator: Operator, results: Sequence[bytes], batch: int = 0
    ) -> bytes:
        number = self.number(job, batch)
        return seal_digest(
            job.key,
            batch,
            number,
            operator.id,
            self.values(job, results, batch),
            salt_of(operator.id, number),
        )

    def seal(self, job: Job, operator: Operator, results: Sequence[bytes], batch: int = 0) -> None:
        digest = self.digest(job, operator, results, batch)
        self.jobs.seal(job.members, batch, digest, sender=operator.worker)

    def claim_sealed(
        self, job: Job, operator: Operator, results: Sequence[bytes], batch: int = 0
    ) -> None:
        digest = self.digest(job, operator, results, batch)
        proof = job.proof(operator.id)
        self.jobs.claim_sealed(job.members, batch, proof, digest, sender=operator.worker)

    def reveal(
        self, job: Job, operator: Operator, results: Sequence[bytes], batch: int = 0
    ) -> None:
        word = self.batch(job, batch)
        values = self.values(job, results, batch)
        salt = salt_of(operator.id, word.round)
        self.jobs.reveal(job.members, batch, operator.id, values, salt)
        kept = [blind(s) for s in values] if word.base else values
        job.opened[batch, word.round, operator.id] = kept

    def answers(self, job: Job, batch: int = 0) -> tuple[list[list[bytes]], int]:
        """Return the arguments of `settle` for what has been opened."""
        word = self.batch(job, batch)
        answers: list[list[bytes]] = []
        choice = 0
        for seat, operator in enumerate(word.operators):
            values = job.opened.get((batch, word.round_of(seat), operator))
            if values is not None and values not in answers:
                answers.append(values)
            number = 7 if values is None else answers.index(values)
            choice |= number << (3 * seat)
        return answers, choice

    def settle(self, job: Job, batch: int = 0):
        answers, choice = self.answers(job, batch)
        self.jobs.settle(job.members, batch, answers, choice)
        return self.settled(job)

    def settled(self, job: Job):
        """Return the last BatchSettled event."""
        logs = [log for log in self.jobs.get_logs() if type(log).__name__ == "BatchSettled"]
        return logs[-1]

    def play(self, job: Job, plan: dict[int, object], batch: int = 0) -> None:
        """Run a round up to its settlement: operator's index -> results, SILENT or IDLE."""
        self.last_third(job, batch)
        for index, results in plan.items():
            self.claim(job, self.operators[index], batch)
            if results is SILENT:
                self.seal(job, self.operators[index], [FAILED] * 32, batch)
            elif results is not IDLE:
                self.seal(job, self.operators[index], results, batch)
        clock = self.clock(job, batch)
        if IDLE in plan.values():
            self.go_to(clock.run_until)
        for index, results in plan.items():
            if results not in (SILENT, IDLE):
                self.reveal(job, self.operators[index], results, batch)
        if SILENT in plan.values():
            self.go_to(clock.reveal_until)

    # Books

    def locked(self, operator: Operator) -> int:
        """Return what a job holds of an operator's stake, gwei."""
        return self.staking.lane(operator.id, self.jobs) - STANDING

    def credit(self, operator: Operator) -> int:
        return self.escrow.operator_credit(operator.id, 0)

    def left(self, job: Job) -> int:
        terms = job.terms
        return self.escrow.agreement(self.jobs, terms.token, job.key, terms.expiry, terms.fee_bps)[
            1
        ]

    def is_opened(self, job: Job, operator: Operator, batch: int = 0) -> bool:
        number = self.batch(job, batch).round
        return bool(self.jobs.seal_of(job.key, batch, number, operator.id) & OPENED)


def in_seats(world: World, job: Job, count: int = 3) -> list[Operator]:
    """Let the first `count` operators claim; return them."""
    world.last_third(job)
    for operator in world.operators[:count]:
        world.claim(job, operator)
    return world.operators[:count]


def event(world: World, name: str):
    """Return the last event of this name that the last call logged."""
    return [log for log in world.jobs.get_logs() if type(log).__name__ == name][-1]
