"""Plays provable jobs on a bench chain, step by step, as those that have a part in one would."""

from dataclasses import dataclass, replace
from typing import Any

from _chain import FEE_BPS, HOUR, TOKEN, Chain
from _jobs import NO_PROOF, results, salt_of
from eth_utils.crypto import keccak

from worker.protocol.provable_words import (
    BPS,
    SEED_MASK,
    Phase,
    ProvableBatch,
    SeatKind,
    announcement,
    is_audited,
    reserve,
)
from worker.protocol.seals import seal_digest
from worker.protocol.sortition import is_eligible, ticket
from worker.protocol.words import JobWord, OnDissent, Origin, Terms
from worker.types import Address, Gwei, Seconds, Timestamp, Wei

PRIORITY = 60  # seconds
WARM = range(1, 6)  # operators that the warm-up paid
DAY = 24 * HOUR


def provable_terms(chain: Chain, tasks: int, **changes: Any) -> Terms:
    """Return the terms of one batch, a tenth of which is audited."""
    usual = Terms(
        price=Wei(TOKEN // 1_000),
        bond=Gwei(TOKEN // 10 // 10**9),
        tasks=tasks,
        seats=1,
        max_seats=1,
        batch_log2=min(tasks - 1, 31).bit_length(),
        on_dissent=OnDissent.ESCALATE,
        token=0,
        fee_bps=FEE_BPS,
        claim=Seconds(HOUR),
        run=Seconds(HOUR),
        reveal=Seconds(HOUR),
        challenge=Seconds(HOUR),
        expiry=Timestamp(chain.now + 20 * DAY),
        audit_bps=1_000,
    )
    return replace(usual, **changes)


@dataclass
class ProvableBench:
    """One job of one batch on its way; every method sends one kind of transaction."""

    chain: Chain
    terms: Terms
    origin: tuple[int, bytes, bytes, bytes]
    key: bytes

    @classmethod
    def post(cls, chain: Chain, tasks: int = 1, **changes: Any) -> "ProvableBench":
        """Post a job with a permit, and let the block of its seed pass."""
        jobs, escrow = chain.contracts["ProvableJobs"], chain.contracts["Escrow"]
        origin = Origin(chain.web3.eth.block_number, *(keccak(text=part) for part in "pim"))
        terms = provable_terms(chain, tasks, **changes)
        terms = replace(terms, origin=origin.digest(Address(chain.payer.address)))
        permit = chain.permit(chain.payer, escrow, reserve(terms, tasks))
        parts = (origin.nonce, origin.program, origin.inputs, origin.manifest)
        call = jobs.functions.post_job(terms.a, terms.b, terms.named, parts, b"", permit)
        receipt = chain.send(call, chain.payer.address)
        terms = terms.posted(chain.now)
        chain.go_to(chain.now + 1)
        return cls(chain, terms, parts, bytes(receipt["logs"][-1]["topics"][1]))

    @classmethod
    def sealed(cls, chain: Chain, tasks: int = 1) -> "ProvableBench":
        """Post jobs and seal them until one is not audited; only that one is counted."""
        while True:
            chain.spent = []
            job = cls.post(chain, tasks)
            if job.claim_sealed("a") is None:
                continue
            block = chain.web3.eth.get_block(job.word.height)["hash"]
            if not is_audited(bytes(block), job.key, 0, job.terms.audit_bps):
                return job

    @classmethod
    def both_sealed(cls, chain: Chain, tasks: int = 1) -> "ProvableBench":
        """Post jobs that are audited, until both seats of one are sealed."""
        while True:
            chain.spent = []
            job = cls.post(chain, tasks, audit_bps=BPS)
            if job.claim_sealed("a") is None:
                continue
            job.advance()
            if job.claim_sealed("a") is not None:
                return job

    @property
    def _calls(self) -> Any:
        return self.chain.contracts["ProvableJobs"].functions

    @property
    def word(self) -> ProvableBatch:
        """The batch's state."""
        return ProvableBatch.unpack(self._calls.batch_of(self.key, 0).call())

    def values(self, name: str) -> list[bytes]:
        """Return the results that only `name` gives."""
        return results(name, self.terms.tasks)

    def claim_sealed(self, name: str) -> int | None:
        """Take the open seat with a result; return by which operator, None if none is drawn."""
        word = self.word
        since = word.since or self.terms.posted_at
        self.chain.go_to(since + 2 * self.terms.claim // 3 + 1)
        operator = self._drawn(word)
        if operator is None:
            return None
        digest = seal_digest(self.key, 0, 0, operator, self.values(name), salt_of(operator))
        call = self._calls.claim_sealed(self.terms.members(), 0, NO_PROOF, digest)
        self.chain.send(call, self.chain.operators[operator])
        self.chain.go_to(self.chain.now + 12)
        return operator

    def _drawn(self, word: ProvableBatch) -> int | None:
        stored = JobWord.unpack(self._calls.job_of(self.key).call())
        block = self.chain.web3.eth.get_block(word.height or stored.seed_height)["hash"]
        seed = int.from_bytes(block) & SEED_MASK
        count = len(self.chain.operators)
        for operator in WARM:
            drawn = ticket(seed, self.key, 0, operator)
            if not word.had_seat(operator) and is_eligible(drawn, 4, 1, 1, count):
                return operator
        return None

    def advance(self) -> None:
        """Make the draw, or end a window."""
        call = self._calls.advance(self.terms.members(), 0)
        self.chain.send(call, self.chain.operators[1])
        self.chain.go_to(self.chain.now + 12)

    def reveal(self, name: str, seat: SeatKind = SeatKind.OPERATOR) -> None:
        """Open a seat."""
        operator = self.word.seat(seat)
        call = self._calls.reveal(
            self.terms.members(), 0, operator, self.values(name), salt_of(operator)
        )
        self.chain.send(call, self.chain.operators[operator])

    def settle(self, name: str) -> None:
        """Wait for the challenge to end, and settle."""
        until = self.word.until(self.terms)
        assert self.word.phase == Phase.CHALLENGE and until is not None
        self.chain.go_to(until)
        call = self._calls.settle(self.terms.members(), 0, self.values(name))
        self.chain.send(call, self.chain.operators[1])

    def accept(self, name: str) -> None:
        """Pay before the challenge is over."""
        call = self._calls.accept(self.terms.members(), self.origin, 0, self.values(name))
        self.chain.send(call, self.chain.payer.address)

    def convict(self, name: str, size: int) -> None:
        """Announce a proof of so many bytes, let it ripen, convict the operator.

        The court is also asked in a transaction of its own, to tell its part of the gas.
        """
        proof = self.key.ljust(size, b"\1")
        prover = self.chain.admin.address
        call = self._calls.announce(announcement(proof, Address(prover)))
        self.chain.send(call, prover)
        self.chain.go_to(self.chain.now + PRIORITY)
        source = (self.chain.payer.address, self.origin)
        operator, values = self.word.seat(SeatKind.OPERATOR), self.values(name)
        charge = (0, 0, operator, 0, 0)
        call = self._calls.convict(self.terms.members(), source, charge, values, proof)
        self.chain.send(call, prover)
        _, program, inputs, _ = self.origin
        claim = (program, inputs, self.terms.tasks, 0, values[0], 0, bytes(32))
        self.chain.send(self.chain.contracts["MockCourt"].functions.judge(claim, proof), prover)
