# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Bounties
@author Proofmesh
@license AGPL-3.0-only
@notice Who is paid for a conviction: the one who knew a proof first, not the one who copied it.
@dev A prover announces the hash of its proof and its name, shows the proof when the announcement is
     ripe, and is paid at once. Whoever convicts without a ripe announcement has to wait for somebody
     that has one, so a copy out of the mempool earns nothing. A ripe announcement of any proof that
     convicts the seat counts: another proof of the same lie is no way around it.
"""

from . import job_vaults as vaults
from . import provable_events as events
from . import reverts

uses: vaults

# How many times as long as an announcement ripens does a bounty wait.
WAITS: constant(uint256) = 10
# A batch waits as long behind an answered demand: within the day that `max_lock` has to spare.
MAX_PRIORITY: constant(uint256) = 86_400 // WAITS

# How long an announcement ripens, in seconds: time to be included before a copier's is ripe.
PRIORITY: public(immutable(uint256))

# keccak256(abi.encode(keccak256(proof), prover)) -> when it was announced
announced_at: public(HashMap[bytes32, uint256])
# seat -> the bounty that waits for it: prover 160 | gwei 64 | convicted at 32
bounty_of: public(HashMap[bytes32, uint256])


@deploy
def __init__(priority: uint256):
    if priority > MAX_PRIORITY:
        reverts._fail("provable: priority too long")
    PRIORITY = priority


@internal
def _announce(announcement: bytes32):
    if self.announced_at[announcement] != 0:
        reverts._fail("provable: announced before")
    self.announced_at[announcement] = block.timestamp
    log events.ProofAnnounced(announcement=announcement)


@internal
@view
def _is_ripe(proof: bytes32, prover: address, at: uint256) -> bool:
    """
    @param proof The proof's keccak256.
    @return Whether `prover` had announced the proof long enough before `at`.
    """
    announced: uint256 = self.announced_at[keccak256(abi_encode(proof, prover))]
    return announced != 0 and announced + PRIORITY <= at


@internal
def _wait(seat: bytes32, prover: address, amount: uint256):
    """@notice Keep a bounty, gwei, for a prover with a ripe announcement, else for `prover`."""
    self.bounty_of[seat] = convert(prover, uint256) | amount << 160 | block.timestamp << 224


@internal
@view
def _claimed(seat: bytes32, proof: bytes32) -> uint256:
    """@return The bounty that waits for a seat; reverts unless the caller announced in time."""
    word: uint256 = self.bounty_of[seat]
    if word == 0:
        self._none()
    if not self._is_ripe(proof, msg.sender, word >> 224):
        reverts._fail("provable: not announced in time")
    return word


@internal
def _release(seat: bytes32):
    """@notice Pay the prover that convicted, when nobody has shown a better claim for so long."""
    word: uint256 = self.bounty_of[seat]
    if word == 0:
        self._none()
    if block.timestamp < (word >> 224) + WAITS * PRIORITY:
        reverts._fail("provable: bounty still waits")
    self._award(seat, word, convert(word & (2**160 - 1), address))


@internal
def _award(seat: bytes32, word: uint256, prover: address):
    self.bounty_of[seat] = 0
    amount: uint256 = (word >> 160) & (2**64 - 1)
    vaults._award(prover, amount)
    log events.BountyAwarded(seat=seat, prover=prover, amount=amount)


@internal
@pure
def _none():
    reverts._fail("provable: no bounty")
