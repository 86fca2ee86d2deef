"""Twins of ReplicatedJobs' packed words and of its clock (docs/protocol.md §1, §4)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from math import ceil

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from worker.types import Address, Gwei, JobKey, OperatorId, Seconds, Timestamp, Wei

MAX_SEATS = 7
NO_CHOICE = 7  # in settle's `choice`: this seat did not open
GWEI = 10**9
BPS = 10_000
NETWORK_TOKEN = 0  # its index in Escrow
FINAL = 1 << 255
"""The bit of a final batch's word; the others are its result's."""
NOT_POSTED = Timestamp(0)
NO_WINDOW = Seconds(0)


class OnDissent(IntEnum):
    """What one dissent in a base round does."""

    ESCALATE = 0
    SETTLE = 1


class Stage(StrEnum):
    """Where a batch's result stands: in its word, or, what stood before it grew, beside it."""

    FINAL = "final"
    BASE = "base"


_A = (88, 64, 20, 3, 3, 3, 1, 16, 14, 16, 14)
_B = (40, 24, 24, 24, 24, 40)


@dataclass(frozen=True)
class Origin:
    """What a job is made of; only its hash, with the payer, stands in the terms."""

    nonce: int
    program: bytes
    inputs: bytes
    manifest: bytes

    def digest(self, payer: Address) -> bytes:
        """Return the `origin` member of the terms."""
        types = ["address", "uint256", "bytes32", "bytes32", "bytes32"]
        return keccak(encode(types, [payer, self.nonce, self.program, self.inputs, self.manifest]))


@dataclass(frozen=True)
class Terms:
    """A job's terms. Price in wei per task and seat, bond in gwei per task, windows in seconds."""

    price: Wei
    bond: Gwei
    tasks: int
    seats: int
    max_seats: int
    batch_log2: int
    on_dissent: OnDissent
    token: int
    fee_bps: int
    claim: Seconds
    run: Seconds
    reveal: Seconds
    expiry: Timestamp
    posted_at: Timestamp = NOT_POSTED
    named: bytes = bytes(32)
    origin: bytes = bytes(32)
    court: int = 0
    challenge: Seconds = NO_WINDOW
    audit_bps: int = 0

    @property
    def a(self) -> int:
        """The first packed word."""
        fields = (self.price, self.bond, self.tasks - 1, self.seats, self.max_seats)
        rest = (self.batch_log2, int(self.on_dissent), self.token, self.fee_bps)
        return _pack(_A, (*fields, *rest, self.court, self.audit_bps))

    @property
    def b(self) -> int:
        """The second packed word."""
        windows = (self.claim, self.run, self.reveal, self.challenge)
        return _pack(_B, (self.posted_at, *windows, self.expiry))

    @classmethod
    def unpack(cls, a: int, b: int, named: bytes, origin: bytes) -> "Terms":
        """Read the four members of the contract's Terms."""
        price, bond, last, seats, most, log2, dissent, token, fee, court, audit = unpack_fields(
            _A, a
        )
        posted_at, claim, run, reveal, challenge, expiry = unpack_fields(_B, b)
        return cls(
            price=Wei(price),
            bond=Gwei(bond),
            tasks=last + 1,
            seats=seats,
            max_seats=most,
            batch_log2=log2,
            on_dissent=OnDissent(dissent),
            token=token,
            fee_bps=fee,
            claim=Seconds(claim),
            run=Seconds(run),
            reveal=Seconds(reveal),
            expiry=Timestamp(expiry),
            posted_at=Timestamp(posted_at),
            named=named,
            origin=origin,
            court=court,
            challenge=Seconds(challenge),
            audit_bps=audit,
        )

    def members(self) -> tuple[int, int, bytes, bytes]:
        """Return the contract's Terms, for a call."""
        return self.a, self.b, self.named, self.origin

    def posted(self, at: int) -> "Terms":
        """Return the terms as posted at `at`."""
        return replace(self, posted_at=Timestamp(at))

    def key(self, chain_id: int, service: Address) -> JobKey:
        """Return the job key of posted terms."""
        types = ["uint256", "address", "uint256", "uint256", "bytes32", "bytes32"]
        return JobKey(keccak(encode(types, [chain_id, service, *self.members()])))

    @property
    def batch_size(self) -> int:
        """Tasks in a whole batch."""
        return 1 << self.batch_log2

    @property
    def batches(self) -> int:
        """How many batches the job has."""
        return ceil(self.tasks / self.batch_size)

    def tasks_in(self, batch: int) -> range:
        """Return the task indexes of a batch; the last batch may be short."""
        first = batch * self.batch_size
        return range(first, min(first + self.batch_size, self.tasks))

    def full_mask(self, batch: int) -> int:
        """Return the mask with a bit for each task of a batch."""
        return (1 << len(self.tasks_in(batch))) - 1

    @property
    def is_named(self) -> bool:
        """Whether only named operators may claim."""
        return self.named != bytes(32)

    @property
    def grown_seats(self) -> int:
        """Seats of a batch once growth is filled."""
        return min(2 * self.seats + 1, self.max_seats)

    @property
    def can_grow(self) -> bool:
        """Whether one dissent makes a batch grow."""
        return self.on_dissent == OnDissent.ESCALATE and self.seats > 1

    @property
    def escrow(self) -> Wei:
        """What posting moves into Escrow."""
        return Wei(self.tasks * self.max_seats * self.price)

    def clock(self, opened_at: int) -> "Clock":
        """Return the deadlines of a round opened at `opened_at` (0: with the job)."""
        start = opened_at or self.posted_at
        claim_until = start + self.claim
        run_until = claim_until + self.run
        return Clock(start, claim_until, run_until, run_until + self.reveal)


@dataclass(frozen=True)
class Clock:
    """A round's moments; each phase is allowed before its `_until`."""

    opened_at: int
    claim_until: int
    run_until: int
    reveal_until: int


@dataclass(frozen=True)
class JobWord:
    """A job's stored word: the seed's height, and the seed once a claim captured it."""

    seed_height: int
    seed: int

    @classmethod
    def unpack(cls, word: int) -> "JobWord":
        """Read the stored word."""
        return cls(*unpack_fields((64, 192), word))


@dataclass(frozen=True)
class BatchWord:
    """A batch's stored word. Once it is final only `result` is left, what stood as the batch ended:
    the low 255 bits of its hash, or 0."""

    operators: tuple[OperatorId, ...]
    sealed: int
    round: int
    base: int
    is_final: bool
    silent: int
    opened_at: int
    result: int = 0

    @classmethod
    def unpack(cls, word: int) -> "BatchWord":
        """Read the stored word; an untouched batch is in round 0."""
        if word >= FINAL:
            return cls((), 0, 0, 0, True, 0, 0, result=word - FINAL)
        *ids, count, sealed, number, base, silent, _, opened_at = unpack_fields(
            (24,) * MAX_SEATS + (3, 7, 3, 3, 7, 1, 40), word
        )
        operators = tuple(OperatorId(i) for i in ids[:count])
        return cls(operators, sealed, number, base, False, silent, opened_at)

    @property
    def count(self) -> int:
        """Seats granted."""
        return len(self.operators)

    @property
    def is_growing(self) -> bool:
        """Whether the running round is the growth round."""
        return self.base > 0

    @property
    def first_seat(self) -> int:
        """The index of the running round's first seat."""
        return self.base

    def wanted(self, terms: Terms) -> int:
        """Return how many seats fill the running round, base seats included."""
        return terms.grown_seats if self.is_growing else terms.seats

    def is_filled(self, terms: Terms) -> bool:
        """Whether every seat of the running round is granted."""
        return self.count == self.wanted(terms)

    def all_sealed(self, terms: Terms) -> bool:
        """Whether every seat of the running round is granted and sealed."""
        return self.is_filled(terms) and all(self.is_sealed(seat) for seat in self.running_seats())

    def is_sealed(self, seat: int) -> bool:
        """Whether a seat has sealed."""
        return bool(self.sealed >> seat & 1)

    def running_seats(self) -> Iterator[int]:
        """Yield the indexes of the running round's granted seats."""
        return iter(range(self.first_seat, self.count))

    def seat_of(self, operator: int) -> int | None:
        """Return an operator's seat, None if it has none."""
        return self.operators.index(OperatorId(operator)) if operator in self.operators else None

    def round_of(self, seat: int) -> int:
        """Return the round in which a seat was granted."""
        return self.round - 1 if self.is_growing and seat < self.base else self.round


@dataclass(frozen=True)
class RoundWord:
    """What rounds after the first keep: price, mask and seed of their own."""

    price: Wei
    mask: int
    seed_height: int
    seed: int

    @classmethod
    def unpack(cls, word: int) -> "RoundWord":
        """Read the stored word."""
        price, mask, height, seed = unpack_fields((88, 32, 40, 96), word)
        return cls(Wei(price), mask, height, seed)


@dataclass(frozen=True)
class SeatOutcome:
    """What a settlement did to one seat: wei paid before the fee, gwei burnt and released."""

    operator: OperatorId
    paid: Wei
    burnt: Gwei
    released: Gwei

    @classmethod
    def unpack(cls, word: int) -> "SeatOutcome":
        """Read an element of BatchSettled's `seats`."""
        operator, paid, burnt, released = unpack_fields((24, 96, 64, 64), word)
        return cls(OperatorId(operator), Wei(paid), Gwei(burnt), Gwei(released))


def positions(mask: int) -> list[int]:
    """Return the indexes of the set bits, ascending."""
    return [index for index in range(mask.bit_length()) if mask >> index & 1]


def final_word(result: bytes) -> int:
    """Return the word of a batch that ended with this result; zeros for one without."""
    return FINAL | int.from_bytes(result, "big")


def _pack(widths: tuple[int, ...], values: tuple[int, ...]) -> int:
    word = offset = 0
    for width, value in zip(widths, values, strict=True):
        if not 0 <= value < 1 << width:
            raise ValueError(f"{value} does not fit {width} bits")
        word |= value << offset
        offset += width
    return word


def unpack_fields(widths: tuple[int, ...], word: int) -> list[int]:
    fields = []
    for width in widths:
        fields.append(word & ((1 << width) - 1))
        word >>= width
    return fields
