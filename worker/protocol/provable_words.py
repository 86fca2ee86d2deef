"""Twins of ProvableJobs' batch word, of its phases and of its draws (docs/protocol.md §5)."""

from dataclasses import dataclass
from enum import IntEnum

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from worker.protocol.words import BPS, GWEI, Terms, unpack_fields
from worker.types import Address, Gwei, OperatorId, Wei

DEMAND_SECONDS = 2 * 86_400  # the most that demands add to a challenge
RESULT_MASK = (1 << 254) - 1
SEED_MASK = (1 << 192) - 1


class Phase(IntEnum):
    """Where a batch stands; FINAL is not a stored phase but the word's highest bit."""

    OPEN = 0
    RUNNING = 1
    SEALED = 2
    AUDIT_OPEN = 3
    AUDIT_RUNNING = 4
    REVEAL = 5
    CHALLENGE = 6
    FINAL = 7


class SeatKind(IntEnum):
    """The two seats of a round."""

    OPERATOR = 0
    AUDITOR = 1


class Fate(IntEnum):
    """What became of a seat; GONE is silence, or that nobody took the seat."""

    IN_PLAY = 0
    OPENED = 1
    GONE = 2
    CONVICTED = 3


@dataclass(frozen=True)
class ProvableBatch:
    """A batch's stored word. `seats` are (operator, auditor) by round, 0 for none; `held` are the
    open demands by seat; `result` and `accepted` belong to a final batch alone."""

    seats: tuple[tuple[OperatorId, OperatorId], ...]
    phase: Phase
    round: int
    redrawn: bool
    unaudited: bool
    fates: tuple[Fate, Fate]
    held: tuple[int, int]
    since: int
    height: int
    accepted: bool = False
    result: int = 0

    @classmethod
    def unpack(cls, word: int) -> "ProvableBatch":
        """Read the stored word; an untouched batch is open in round 0."""
        if word >> 255:
            return cls(
                (), Phase.FINAL, 0, False, False, (Fate.GONE, Fate.GONE), (0, 0), 0, 0,
                bool(word >> 254 & 1), word & RESULT_MASK,
            )  # fmt: skip
        *ids, phase, number, redrawn, unaudited, first, second, held, audits, _, since, height = (
            unpack_fields((24,) * 6 + (3, 2, 1, 1, 2, 2, 5, 5, 3, 40, 40), word)
        )
        pairs = zip(ids[::2], ids[1::2], strict=True)
        return cls(
            seats=tuple((OperatorId(seat), OperatorId(auditor)) for seat, auditor in pairs),
            phase=Phase(phase),
            round=number,
            redrawn=bool(redrawn),
            unaudited=bool(unaudited),
            fates=(Fate(first), Fate(second)),
            held=(held, audits),
            since=since,
            height=height,
        )

    @property
    def is_final(self) -> bool:
        """Whether the batch is over."""
        return self.phase == Phase.FINAL

    def seat(self, kind: SeatKind) -> OperatorId:
        """Return who holds a seat of the running round, 0 for nobody."""
        return self.seats[self.round][kind]

    def seat_of(self, operator: int) -> SeatKind | None:
        """Return the seat that an operator holds in the running round."""
        held = self.seats[self.round] if operator else ()
        return SeatKind(held.index(OperatorId(operator))) if operator in held else None

    def had_seat(self, operator: int) -> bool:
        """Whether an operator has, or had, a seat of the batch in any round."""
        return any(operator in pair for pair in self.seats)

    def until(self, terms: Terms) -> int | None:
        """Return when the phase's window ends; None where no window runs."""
        windows = {
            Phase.OPEN: terms.claim,
            Phase.RUNNING: terms.run,
            Phase.AUDIT_OPEN: terms.claim,
            Phase.AUDIT_RUNNING: terms.run,
            Phase.REVEAL: terms.reveal,
            Phase.CHALLENGE: terms.challenge * (2 if self.unaudited else 1),
        }
        if self.phase not in windows:
            return None
        return (self.since or terms.posted_at) + windows[self.phase]


def reserve(terms: Terms, tasks: int) -> Wei:
    """Return what Escrow holds for so many tasks: the price, and once more for an audit."""
    return Wei(2 * terms.price * tasks)


def worst_case(terms: Terms) -> int:
    """Return the longest a batch can take from its operator's claim on, cranked at once."""
    audit = 2 * (terms.claim + terms.run)
    return terms.run + audit + terms.reveal + 2 * terms.challenge + DEMAND_SECONDS


def is_audited(block_hash: bytes, key: bytes, batch: int, audit_bps: int) -> bool:
    """Whether the hash of the block after its seal draws a batch for an audit."""
    seed = int.from_bytes(block_hash) & SEED_MASK
    drawn = keccak(encode(["uint256", "bytes32", "uint256"], [seed, key, batch]))
    return int.from_bytes(drawn) % BPS < audit_bps


def seat_key(key: bytes, batch: int, number: int, operator: int) -> bytes:
    """Return where the service keeps a seat's seal, and by which it knows its bounty."""
    types = ["bytes32", "uint256", "uint256", "uint256"]
    return keccak(encode(types, [key, batch, number, operator]))


def announcement(proof: bytes, prover: Address) -> bytes:
    """Return what `announce` takes, so that a proof is not shown before it is first."""
    return keccak(encode(["bytes32", "address"], [keccak(proof), prover]))


def final_word(result: bytes, accepted: bool) -> int:
    """Return the word of a batch that ended with this result; zeros for one without."""
    return 1 << 255 | int(accepted) << 254 | int.from_bytes(result) & RESULT_MASK


def is_bond_enough(terms: Terms, capture_bps: int, least_bond: int, rate: int = 10**18) -> bool:
    """Whether a lie loses more than it can win, and pays for its proof; see `bond_needed`."""
    return terms.bond >= bond_needed(terms, capture_bps, least_bond, rate)


def bond_needed(terms: Terms, capture_bps: int, least_bond: int, rate: int = 10**18) -> Gwei:
    """Return the least bond a task with which rule P3 lets a job be posted; that of the terms
    is not read.

    `least_bond` is gwei a batch; `rate` is wei of the network token for 10^18 units of the job's
    token. The audit share is at least 1 %, the capture share at most 90 %.
    """
    chance = terms.audit_bps * (BPS - capture_bps)
    price = terms.price if terms.token == 0 else -(-terms.price * rate // 10**18)
    deterring = -(-2 * price * (BPS * BPS - chance) // (GWEI * chance))
    smallest = len(terms.tasks_in(terms.batches - 1))
    return Gwei(max(deterring, -(-least_bond // smallest)))
