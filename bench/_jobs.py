"""Plays jobs on a bench chain, step by step, as requesters and operators would."""

from dataclasses import dataclass, replace
from typing import Any

from _chain import FEE_BPS, HOUR, TOKEN, Chain
from eth_utils.crypto import keccak

from worker.protocol.openings import Opening
from worker.protocol.record import FAILED, blind
from worker.protocol.seals import DIGEST_MASK, seal_digest
from worker.protocol.words import BatchWord, OnDissent, Origin, RoundWord, Terms, positions
from worker.types import Address, Gwei, OperatorId, Seconds, Timestamp, Wei

NO_PROOF = (0, [])
PLAIN = {"max_seats": 3, "on_dissent": OnDissent.SETTLE}
"""Terms of a job whose batches never grow: the reserve is what three seats earn."""


def results(name: str, tasks: int) -> list[bytes]:
    """Return the results of `tasks` tasks that only `name` gives."""
    return [keccak(text=f"{name}/{task}") for task in range(tasks)]


def failures(tasks: int) -> list[bytes]:
    """Return what a host that fails opens."""
    return [FAILED] * tasks


def salt_of(operator: int) -> bytes:
    """Return the salt that an operator seals with."""
    return keccak(text=f"salt/{operator}")


def terms_now(chain: Chain, tasks: int, **changes: Any) -> Terms:
    """Return the terms of one batch: three seats that grow to five."""
    usual = Terms(
        price=Wei(TOKEN // 100),
        bond=Gwei(TOKEN // 50 // 10**9),
        tasks=tasks,
        seats=3,
        max_seats=5,
        batch_log2=min(tasks - 1, 31).bit_length(),
        on_dissent=OnDissent.ESCALATE,
        token=0,
        fee_bps=FEE_BPS,
        claim=Seconds(HOUR),
        run=Seconds(HOUR),
        reveal=Seconds(HOUR),
        expiry=Timestamp(chain.now + 48 * HOUR),
    )
    return replace(usual, **changes)


@dataclass
class Bench:
    """One job on its way; every method sends one kind of transaction."""

    chain: Chain
    terms: Terms
    origin: tuple[int, bytes, bytes, bytes]
    key: bytes

    @classmethod
    def post(cls, chain: Chain, tasks: int = 1, locators: bytes = b"", **changes: Any) -> "Bench":
        """Post a job with a permit, and let the block of its seed pass."""
        jobs, escrow = chain.contracts["ReplicatedJobs"], chain.contracts["Escrow"]
        origin = Origin(chain.web3.eth.block_number, *(keccak(text=part) for part in "pim"))
        terms = terms_now(chain, tasks, **changes)
        terms = replace(terms, origin=origin.digest(Address(chain.payer.address)))
        permit = chain.permit(chain.payer, escrow, terms.escrow)
        parts = (origin.nonce, origin.program, origin.inputs, origin.manifest)
        call = jobs.functions.post_job(terms.a, terms.b, terms.named, parts, locators, permit)
        receipt = chain.send(call, chain.payer.address)
        terms = terms.posted(chain.now)
        chain.go_to(chain.now + 1)
        return cls(chain, terms, parts, bytes(receipt["logs"][-1]["topics"][1]))

    @property
    def _calls(self) -> Any:
        return self.chain.contracts["ReplicatedJobs"].functions

    def word(self, batch: int = 0) -> BatchWord:
        """Return the batch's state."""
        return BatchWord.unpack(self._calls.batch_of(self.key, batch).call())

    def clock(self, batch: int = 0) -> Any:
        """Return the running round's deadlines."""
        return self.terms.clock(self.word(batch).opened_at)

    def last_third(self) -> None:
        """Go to where every operator's ticket is released."""
        clock = self.clock()
        self.chain.go_to(clock.opened_at + 2 * self.terms.claim // 3 + 1)

    def _values(self, found: list[bytes], batch: int) -> list[bytes]:
        word = self.word(batch)
        if not word.base:
            return [blind(s) for s in found]
        mask = RoundWord.unpack(self._calls.round_of(self.key, batch).call()).mask
        return [found[task] for task in positions(mask)]

    def _digest(self, operator: int, found: list[bytes], batch: int) -> bytes:
        values = self._values(found, batch)
        number = self.word(batch).round
        return seal_digest(self.key, batch, number, operator, values, salt_of(operator))

    def opening(self, operator: int, found: list[bytes], batch: int = 0) -> Opening:
        """Return what the operator's worker tells of its seat."""
        values = tuple(self._values(found, batch))
        number = self.word(batch).round
        return Opening(OperatorId(operator), number, values, salt_of(operator))

    def is_sealed_by(self, opening: Opening, batch: int = 0) -> bool:
        """Whether this is what the operator's seal on chain holds."""
        where = (self.key, batch, opening.round, opening.operator)
        digest = seal_digest(*where, opening.values, opening.salt)
        kept = self._calls.seal_of(*where).call()
        return int(kept) == int.from_bytes(digest, "big") & DIGEST_MASK

    def claim(self, operator: int, batch: int = 0) -> None:
        """Take a seat."""
        call = self._calls.claim(self.terms.members(), batch, NO_PROOF)
        self.chain.send(call, self.chain.operators[operator])

    def seal(self, operator: int, found: list[bytes], batch: int = 0) -> None:
        """Seal results s of the whole batch."""
        digest = self._digest(operator, found, batch)
        call = self._calls.seal(self.terms.members(), batch, digest)
        self.chain.send(call, self.chain.operators[operator])

    def claim_sealed(self, operator: int, found: list[bytes], batch: int = 0) -> None:
        """Take a seat and seal at once."""
        digest = self._digest(operator, found, batch)
        call = self._calls.claim_sealed(self.terms.members(), batch, NO_PROOF, digest)
        self.chain.send(call, self.chain.operators[operator])

    def reveal(self, operator: int, found: list[bytes], batch: int = 0) -> None:
        """Open a seat."""
        values = self._values(found, batch)
        call = self._calls.reveal(self.terms.members(), batch, operator, values, salt_of(operator))
        self.chain.send(call, self.chain.operators[operator])

    def conclude(self, openings: list[Opening], batch: int = 0) -> None:
        """Open all seats at once and pay; `openings` are all seats', in their order."""
        salts = [opening.salt for opening in openings]
        call = self._calls.conclude(self.terms.members(), batch, openings[0].values, salts)
        self.chain.send(call, self.chain.operators[1])

    def settle(self, found: dict[int, list[bytes]], batch: int = 0) -> None:
        """Settle; `found` has the results of every operator that opened."""
        word = self.word(batch)
        answers: list[list[bytes]] = []
        choice = 0
        for seat, operator in enumerate(word.operators):
            values = [blind(s) for s in found[operator]]
            if word.base and seat >= word.base:
                values = [blind(s) for s in self._values(found[operator], batch)]
            if values not in answers:
                answers.append(values)
            choice |= answers.index(values) << (3 * seat)
        call = self._calls.settle(self.terms.members(), batch, answers, choice)
        self.chain.send(call, self.chain.operators[1])

    def play(self, found: dict[int, list[bytes]]) -> None:
        """Claim, seal and reveal one after the other."""
        self.last_third()
        for operator in found:
            self.claim(operator)
        for operator, values in found.items():
            self.seal(operator, values)
        for operator, values in found.items():
            self.reveal(operator, values)

    def raise_price(self, batches: list[int]) -> None:
        """Go to the end of the claim window and double the price, with a permit."""
        self.chain.go_to(self.clock().claim_until)
        added = len(batches) * self.terms.batch_size * self.terms.max_seats * self.terms.price
        permit = self.chain.permit(self.chain.payer, self.chain.contracts["Escrow"], added)
        members, price = self.terms.members(), 2 * self.terms.price
        call = self._calls.raise_price(members, self.origin, batches, price, permit)
        self.chain.send(call, self.chain.payer.address)
        self.chain.go_to(self.chain.now + 1)

    def expire(self, batches: list[int]) -> None:
        """Go to where anyone may end unfilled batches, and do it."""
        clock = self.clock()
        self.chain.go_to(clock.claim_until + self.terms.claim)
        call = self._calls.expire(self.terms.members(), batches)
        self.chain.send(call, self.chain.operators[1])
