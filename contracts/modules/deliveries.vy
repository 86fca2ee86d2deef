# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Deliveries
@author Proofmesh
@license AGPL-3.0-only
@notice Demands for outputs that were paid for, of either lane: who owes them, and which are open.
@dev A demand is stored as the hash of its parts. Each piece can be demanded once of each operator,
     ever. What an operator answers with is its standing bond for the service (`Staking.forfeit`).
"""

from ..interfaces import IService
from . import demand_bonds as bonds
from . import job_words as words
from . import output_parts as parts
from . import parameters
from . import provable_words as packed
from . import reverts


interface IJobs:
    def batch_of(job: bytes32, batch: uint256) -> uint256: view
    def base_result_of(job: bytes32, batch: uint256) -> bytes32: view  # ReplicatedJobs alone
    def forfeit(operator: uint256) -> uint256: nonpayable


# Which piece, and of whom.
struct Debt:
    service: address
    batch: uint256
    operator: uint256
    task: uint256  # counted over the whole job
    number: uint256  # of the program's operator that writes the output; 0 in a bundle, 1 the record
    position: uint256  # of the chunk in the bundle, or of the line in the tensor


# What a settlement left (docs/protocol.md §1).
struct Result:
    mask: uint256
    values: DynArray[bytes32, 32]
    servers: uint256
    settled_at: uint256


# What later calls bring back.
struct Delivery:
    job: bytes32
    debt: Debt
    part: parts.Part
    bond: bonds.Bond


# All that is needed to answer and to close.
event OutputDemanded:
    id: indexed(bytes32)
    job: indexed(bytes32)
    operator: indexed(uint256)
    delivery: Delivery


event OutputAnswered:
    id: indexed(bytes32)
    data: Bytes[16_400]


event OutputForfeited:
    id: indexed(bytes32)
    burnt: uint256  # gwei; 0 where the operator kept no standing bond any more


# How long after a settlement the last answer may be due, in seconds. A standing bond is free
# Staking.MAX_LOCK after its operator left, which is after its last claim: between that and the
# settlement lies at most the service's `max_lock`, if somebody cranks.
SERVE: constant(uint256) = 86_400
MAX_OPEN: constant(uint256) = 31  # for an operator in a batch, so that it can answer them all
OVER: constant(bytes32) = 0x0000000000000000000000000000000000000000000000000000000000000001

PROVABLE: immutable(address)
REPLICATED: public(immutable(address))

# demand -> hash of its parts, or OVER
delivery_of: public(HashMap[bytes32, bytes32])
# keccak256(abi.encode(job, batch, operator)) -> how many are open
open_of: HashMap[bytes32, uint256]


@deploy
def __init__(provable: address, replicated: address):
    for service: address in [provable, replicated]:
        if staticcall IService(service).max_lock() + SERVE > parameters.MAX_LOCK:
            reverts._fail("deliveries: locks too long")
    PROVABLE = provable
    REPLICATED = replicated


@internal
@view
def _value(key: bytes32, terms: words.Terms, debt: Debt, result: Result) -> bytes32:
    """@return What stands for the task; reverts unless the operator was paid for it."""
    self._check_result(key, debt, result)
    if not self._is_server(result.servers, debt.operator):
        reverts._fail("deliveries: it owes nothing")
    first: uint256 = debt.batch << words._log_batch(terms.a)
    if debt.task < first or debt.task - first >= 32:
        reverts._fail("deliveries: no such task")
    bit: uint256 = 1 << (debt.task - first)
    if result.mask & bit == 0:
        reverts._fail("deliveries: task has no result")
    return result.values[words._count(result.mask & (bit - 1))]


@internal
@view
def _check_result(key: bytes32, debt: Debt, result: Result):
    """@notice Revert unless the service keeps this result of the batch."""
    kept: bytes32 = words._result(result.mask, result.values, result.servers, result.settled_at)
    jobs: IJobs = IJobs(debt.service)
    stands: bool = False
    if debt.service == PROVABLE:
        word: uint256 = staticcall jobs.batch_of(key, debt.batch)
        stands = word | packed.ACCEPTED == packed._final(kept, True)
    elif debt.service == REPLICATED:
        stands = staticcall jobs.batch_of(key, debt.batch) == words._final(kept)
        if not stands:
            stands = staticcall jobs.base_result_of(key, debt.batch) == kept
    if not stands:
        reverts._fail("deliveries: no such result")


@internal
@pure
def _is_server(servers: uint256, operator: uint256) -> bool:
    """@return Whether `operator` is in the packed list, whose unused places are zero."""
    ids: uint256 = servers
    for seat: uint256 in range(7):
        if ids & words.U24 == operator:
            return operator != 0
        ids >>= 24
    return False


@internal
def _begin(delivery: Delivery) -> bytes32:
    """@return The id of the demand, which begins now."""
    id: bytes32 = self._id(delivery)
    if self.delivery_of[id] != empty(bytes32):
        reverts._fail("deliveries: demanded before")
    slot: bytes32 = self._slot(delivery)
    if self.open_of[slot] == MAX_OPEN:
        reverts._fail("deliveries: too many demands")
    self.open_of[slot] += 1
    self.delivery_of[id] = keccak256(abi_encode(delivery))
    log OutputDemanded(id=id, job=delivery.job, operator=delivery.debt.operator, delivery=delivery)
    return id


@internal
def _end(delivery: Delivery) -> bytes32:
    """@return The id of an open demand, which ends now."""
    id: bytes32 = self._id(delivery)
    if self.delivery_of[id] != keccak256(abi_encode(delivery)):
        reverts._fail("deliveries: not an open demand")
    self.delivery_of[id] = OVER
    self.open_of[self._slot(delivery)] -= 1
    return id


@internal
def _forfeit(delivery: Delivery) -> uint256:
    """@return What the operator loses, gwei."""
    return extcall IJobs(delivery.debt.service).forfeit(delivery.debt.operator)


@internal
@pure
def _id(delivery: Delivery) -> bytes32:
    """@return What the demand for a piece is known by. The job's key stands for its service."""
    return keccak256(abi_encode(delivery.job, delivery.debt))


@internal
@pure
def _slot(delivery: Delivery) -> bytes32:
    debt: Debt = delivery.debt
    return keccak256(abi_encode(delivery.job, debt.batch, debt.operator))
