"""The packed words of jobs: what `contracts/modules/job_words.vy` packs and unpacks."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from eth_abi.abi import encode
from eth_utils.address import to_canonical_address
from eth_utils.crypto import keccak

from worker.types import Address, BatchIndex, Gwei, JobKey, OperatorId, Seconds, Timestamp, Wei

ZERO = bytes(32)

_A = (
    ("price", 88),
    ("bond", 64),
    ("_last_task", 20),
    ("seats", 3),
    ("max_seats", 3),
    ("log_batch", 3),
    ("_settles", 1),
    ("token", 16),
    ("fee_bps", 14),
    ("court", 16),
)
_B = (
    ("posted_at", 40),
    ("claim_window", 24),
    ("run_window", 24),
    ("reveal_window", 24),
    ("challenge_window", 24),
    ("expiry", 40),
)
_BATCH = (
    ("_ids", 168),
    ("granted", 3),
    ("sealed", 7),
    ("round", 3),
    ("base", 3),
    ("_final", 1),
    ("silent", 7),
    ("opened_at", 40),
)


def pack(fields: tuple[tuple[str, int], ...], values: dict[str, int]) -> int:
    """Return a word with `fields`, name and bits, from the least significant bit up.

    Raises ValueError when a value does not fit its bits.
    """
    word, shift = 0, 0
    for name, bits in fields:
        value = values[name]
        if not 0 <= value < 1 << bits:
            raise ValueError(f"{name.lstrip('_')}: {value} does not fit {bits} bits")
        word |= value << shift
        shift += bits
    return word


def unpack(fields: tuple[tuple[str, int], ...], word: int) -> dict[str, int]:
    """Return the values of a word's `fields`; bits above them are ignored."""
    values = {}
    for name, bits in fields:
        values[name] = word & ((1 << bits) - 1)
        word >>= bits
    return values


def origin_hash(
    payer: Address, nonce: int, program: bytes, inputs: bytes, manifest: bytes
) -> bytes:
    """Return the hash that binds a job to its payer, program and inputs."""
    return keccak(
        encode(
            ["address", "uint256", "bytes32", "bytes32", "bytes32"],
            [to_canonical_address(payer), nonce, program, inputs, manifest],
        )
    )


@dataclass(frozen=True)
class Terms:
    """What a job is about, fixed at posting. Prices are wei of its token, bonds gwei of stake."""

    price: Wei
    bond: Gwei
    tasks: int
    seats: int
    max_seats: int
    log_batch: int
    settles_dissent: bool
    claim_window: Seconds
    run_window: Seconds
    reveal_window: Seconds
    expiry: Timestamp
    origin: bytes
    token: int = 0
    fee_bps: int = 0
    named: bytes = ZERO
    posted_at: Timestamp = Timestamp(0)  # noqa: RUF009 - a plain int
    court: int = 0
    challenge_window: Seconds = Seconds(0)  # noqa: RUF009 - a plain int

    @property
    def a(self) -> int:
        """The first word of the terms. Raises ValueError when a field does not fit."""
        values = {**vars(self), "_last_task": self.tasks - 1, "_settles": self.settles_dissent}
        return pack(_A, values)

    @property
    def b(self) -> int:
        """The second word; `posted_at` is 0 until the service fills it in."""
        return pack(_B, vars(self))

    @classmethod
    def unpack(cls, a: int, b: int, named: bytes, origin: bytes) -> "Terms":
        """Read the words that a posting event logs."""
        fields: dict[str, int] = {**unpack(_A, a), **unpack(_B, b)}
        tasks = fields.pop("_last_task") + 1
        settles = bool(fields.pop("_settles"))
        known = {name: value for name, value in fields.items() if not name.startswith("_")}
        return cls(
            **known,  # type: ignore[arg-type]
            tasks=tasks,
            settles_dissent=settles,
            named=named,
            origin=origin,
        )

    def posted(self, at: Timestamp) -> "Terms":
        """Return the terms as they stand after a posting at `at`."""
        return replace(self, posted_at=at)

    def as_tuple(self) -> tuple[int, int, bytes, bytes]:
        """Return what the service's calls take as `terms`."""
        return self.a, self.b, self.named, self.origin

    def key(self, chain_id: int, service: Address) -> JobKey:
        """Return the job's key at a service."""
        types = ["uint256", "address", "uint256", "uint256", "bytes32", "bytes32"]
        where = [chain_id, to_canonical_address(service)]
        return JobKey(keccak(encode(types, [*where, self.a, self.b, self.named, self.origin])))

    @property
    def batch_size(self) -> int:
        """Tasks in a whole batch."""
        return 1 << self.log_batch

    @property
    def batches(self) -> int:
        """The number of batches; the last may be smaller."""
        return -(-self.tasks // self.batch_size)

    def tasks_in(self, batch: BatchIndex) -> range:
        """Return the indexes of a batch's tasks, empty past the last batch."""
        start = batch * self.batch_size
        return range(start, max(start, min(start + self.batch_size, self.tasks)))

    @property
    def reserve(self) -> Wei:
        """What posting moves into Escrow."""
        return Wei(self.tasks * self.max_seats * self.price)

    @property
    def round_length(self) -> Seconds:
        """Seconds from a round's start to the end of its reveal window."""
        return Seconds(self.claim_window + self.run_window + self.reveal_window)

    @property
    def grows(self) -> bool:
        """Whether a dissent in the base round makes the batch grow."""
        return self.seats != 1 and not self.settles_dissent

    @property
    def worst_case(self) -> Seconds:
        """The longest from the start of the last base round to the end, cranked at once."""
        return Seconds(self.round_length * (2 if self.grows else 1))

    @property
    def grown_seats(self) -> int:
        """Seats of a batch that grew, base and growth together."""
        return min(2 * self.seats + 1, self.max_seats)

    def claim_until(self, opened_at: Timestamp) -> Timestamp:
        """Return when claims of a round that started at `opened_at` end (exclusive)."""
        return Timestamp(opened_at + self.claim_window)

    def seal_until(self, opened_at: Timestamp) -> Timestamp:
        """Return when seals of such a round end."""
        return Timestamp(self.claim_until(opened_at) + self.run_window)

    def reveal_until(self, opened_at: Timestamp) -> Timestamp:
        """Return when openings of such a round end."""
        return Timestamp(self.seal_until(opened_at) + self.reveal_window)

    def raise_until(self, opened_at: Timestamp) -> Timestamp:
        """Return when the payer's time to raise the price of an unfilled round ends."""
        return Timestamp(opened_at + 2 * self.claim_window)


@dataclass(frozen=True)
class JobWord:
    """Where a job's seed is drawn, and the seed once the first claim captured it, else 0."""

    height: int
    seed: int

    @classmethod
    def decode(cls, word: int) -> "JobWord":
        """Read the service's `job_of`."""
        return cls(word & ((1 << 64) - 1), word >> 64)


@dataclass(frozen=True)
class BatchWord:
    """A batch's state; masks have a bit per seat. `opened_at` is 0 in the first round."""

    ids: tuple[OperatorId, ...]
    sealed: int
    round: int
    base: int
    is_final: bool
    silent: int
    opened_at: Timestamp

    @classmethod
    def decode(cls, word: int) -> "BatchWord":
        """Read the service's `batch_of`."""
        fields = unpack(_BATCH, word)
        ids = fields["_ids"]
        return cls(
            ids=tuple(
                OperatorId(ids >> (24 * seat) & 0xFFFFFF) for seat in range(fields["granted"])
            ),
            sealed=fields["sealed"],
            round=fields["round"],
            base=fields["base"],
            is_final=bool(fields["_final"]),
            silent=fields["silent"],
            opened_at=Timestamp(fields["opened_at"]),
        )

    def seat_of(self, operator: OperatorId) -> int | None:
        """Return the seat that an operator holds, or None."""
        return self.ids.index(operator) if operator in self.ids else None


@dataclass(frozen=True)
class RoundWord:
    """A round after the first: its price, tasks, and where its seed is drawn (0: not captured)."""

    price: Wei
    mask: int
    height: int
    seed: int

    @classmethod
    def decode(cls, word: int) -> "RoundWord":
        """Read the service's `round_of`, or the fields of a RoundOpened event packed alike."""
        fields = unpack((("price", 88), ("mask", 32), ("height", 40), ("seed", 96)), word)
        return cls(Wei(fields["price"]), fields["mask"], fields["height"], fields["seed"])


@dataclass(frozen=True)
class SealRecord:
    """A seat's seal, or, once opened, the low 255 bits of the hash of its values."""

    digest: int
    is_opened: bool

    @classmethod
    def decode(cls, word: int) -> "SealRecord":
        """Read the service's `seal_of`."""
        return cls(word & ((1 << 255) - 1), bool(word >> 255))


@dataclass(frozen=True)
class SettledSeat:
    """One seat in a BatchSettled event: paid in wei of the token, the rest in gwei of stake."""

    operator: OperatorId
    paid: Wei
    burnt: Gwei
    released: Gwei

    @classmethod
    def decode(cls, word: int) -> "SettledSeat":
        """Read one of the event's `seats`."""
        fields = (("operator", 24), ("paid", 96), ("burnt", 64), ("released", 64))
        values = unpack(fields, word)
        return cls(
            OperatorId(values["operator"]),
            Wei(values["paid"]),
            Gwei(values["burnt"]),
            Gwei(values["released"]),
        )


def tasks_of(mask: int) -> Iterator[int]:
    """Yield the tasks in a mask, ascending, counted from the batch's first."""
    task = 0
    while mask:
        if mask & 1:
            yield task
        mask >>= 1
        task += 1
