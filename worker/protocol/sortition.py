"""Seats by lot: who may claim, and from when (docs/protocol.md §4, "Ticket")."""

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from worker.protocol.words import Clock

TICKET_BITS = 128


def ticket(seed: int, key: bytes, batch: int, operator: int) -> int:
    """Return an operator's ticket for a batch, 128 bits."""
    types = ["uint256", "bytes32", "uint256", "uint256"]
    return int.from_bytes(keccak(encode(types, [seed, key, batch, operator]))) >> TICKET_BITS


def is_eligible(drawn: int, factor: int, seats: int, weight: int, total: int) -> bool:
    """Whether a ticket wins while tickets are released up to `factor` times the seats."""
    return drawn * total < (factor * seats * weight) << TICKET_BITS


def release_factor(clock: Clock, now: int) -> int:
    """Return 1, 2 or 4: how many tickets per seat are released at `now`."""
    elapsed = 3 * (now - clock.opened_at)
    window = clock.claim_until - clock.opened_at
    if elapsed < window:
        return 1
    return 2 if elapsed < 2 * window else 4


def eligible_from(drawn: int, clock: Clock, seats: int, weight: int, total: int) -> int | None:
    """Return the first second at which a ticket may claim, None if it never may."""
    window = clock.claim_until - clock.opened_at
    for third, factor in enumerate((1, 2, 4)):
        if is_eligible(drawn, factor, seats, weight, total):
            return clock.opened_at + -(-third * window // 3)
    return None
