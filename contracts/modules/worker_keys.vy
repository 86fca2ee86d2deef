# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title worker_keys
@license AGPL-3.0-only
@notice The hot key that each operator works with: named by the owner, with the key's own consent.
@dev A key belongs to one operator for ever, so that nobody can be blamed for another's seals.
"""

from snekmate.utils import ecdsa
from snekmate.utils import eip712_domain_separator

from . import stake_words

initializes: eip712_domain_separator
exports: eip712_domain_separator.eip712Domain


event WorkerSet:
    id: indexed(uint256)
    worker: indexed(address)  # zero when the operator has no key from now on
    ceiling: uint256  # gwei
    previous: address


SET_WORKER: constant(bytes32) = keccak256(
    "SetWorker(uint256 operator,address owner,uint256 deadline)"
)

worker_of: public(HashMap[uint256, address])
key_word: HashMap[address, uint256]


@deploy
def __init__():
    eip712_domain_separator.__init__("Proofmesh Staking", "1")


@external
@view
def operator_of(worker: address) -> uint256:
    """@return The operator that `worker` may act for now, 0 if none."""
    key: stake_words.WorkerKey = self._key(worker)
    return 0 if key.retired else key.operator


@external
@view
def worker_key(worker: address) -> stake_words.WorkerKey:
    """@return Whose key `worker` is or was, and the most that may be locked when it locks, gwei."""
    return self._key(worker)


@internal
@view
def _key(worker: address) -> stake_words.WorkerKey:
    return stake_words._worker_key(self.key_word[worker])


@internal
@view
def _active(worker: address) -> (uint256, uint256):
    """@return Whose key `worker` is now, and the most that may be locked when it locks, gwei."""
    word: uint256 = self.key_word[worker]
    if word == 0 or word >> 88 != 0:
        self._unknown()
    return word & stake_words.U24, word >> 24


@internal
def _set(
    id: uint256,
    owner: address,
    worker: address,
    ceiling: uint256,
    deadline: uint256,
    signature: Bytes[65],
):
    """
    @notice Make `worker` the key of operator `id`, and retire the one before.
    @dev The same key again only moves its ceiling; the zero address leaves the operator without.
    """
    previous: address = self.worker_of[id]
    if worker != previous:
        if previous != empty(address):
            self.key_word[previous] |= 1 << 88
        if worker != empty(address):
            self._check_consent(id, owner, worker, deadline, signature)
        self.worker_of[id] = worker
    if worker != empty(address):
        self.key_word[worker] = stake_words._worker_key_word(
            stake_words.WorkerKey(operator=id, ceiling=ceiling, retired=False)
        )
    log WorkerSet(id=id, worker=worker, ceiling=ceiling, previous=previous)


@internal
@view
def _check_consent(
    id: uint256, owner: address, worker: address, deadline: uint256, signature: Bytes[65]
):
    if self._key(worker).operator != 0:
        self._used()
    if block.timestamp >= deadline:
        self._consent_expired()
    digest: bytes32 = eip712_domain_separator._hash_typed_data_v4(
        keccak256(abi_encode(SET_WORKER, id, owner, deadline))
    )
    if ecdsa._recover_sig(digest, signature) != worker:
        self._no_consent()


@internal
@pure
def _unknown():
    raise "staking: not a worker key"


@internal
@pure
def _used():
    raise "staking: key was used before"


@internal
@pure
def _consent_expired():
    raise "staking: consent expired"


@internal
@pure
def _no_consent():
    raise "staking: key does not consent"
