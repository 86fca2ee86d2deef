"""Who may take a seat, and when. The twin of `modules/sortition.vy`."""

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from worker.types import BatchIndex, JobKey, OperatorId, Seconds

REACH = 256
"""How far back a block's hash can be read."""
LAPSES = 2


def ticket(seed: int, key: JobKey, batch: BatchIndex, operator: OperatorId) -> int:
    """Return an operator's draw for a batch, 128 bits; lower is better."""
    types = ["uint256", "bytes32", "uint256", "uint256"]
    return int.from_bytes(keccak(encode(types, [seed, key, batch, operator])), "big") >> 128


def is_eligible(
    draw: int, seats: int, weight: int, total: int, elapsed: Seconds, window: Seconds
) -> bool:
    """Tell whether a ticket is released `elapsed` seconds into a claim window of `window`.

    `seats` are those of the round alone; weight and total as the round's epoch began.
    """
    if not 0 <= elapsed < window:
        return False
    released = seats << (elapsed * 3 // window)
    return draw * total < (released * weight) << 128


def eligible_after(
    draw: int, seats: int, weight: int, total: int, window: Seconds
) -> Seconds | None:
    """Return the seconds after the round's start when a ticket is released, None for never."""
    for third in range(3):
        elapsed = Seconds(-(-third * window // 3))
        if is_eligible(draw, seats, weight, total, elapsed, window):
            return elapsed
    return None


def seed_height(height: int, current: int) -> int | None:
    """Return where a seed drawn at `height` is read now, None when it is too late for ever.

    A result of at least `current` means that the block is still to come.
    """
    lapses = max(0, -(-(current - height) // REACH) - 1)
    return height + lapses * REACH if lapses <= LAPSES else None


def seed_from(block_hash: bytes, bits: int) -> int:
    """Return the seed in a block's hash: 192 bits in a job's first round, 96 in later ones."""
    return int.from_bytes(block_hash, "big") & ((1 << bits) - 1)
