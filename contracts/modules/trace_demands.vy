# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Trace demands
@author Proofmesh
@license AGPL-3.0-only
@notice Demands for what seats of provable jobs committed to: which there were, which are open, and
        what was answered to those that fix a segment's trace.
@dev A demand is stored as the hash of its parts. Each place of a seat can be demanded once, ever.
"""

from ..interfaces import IProvableJobs
from ..interfaces import IStaking
from . import demand_answers as answers
from . import demand_bonds as bonds
from . import demand_places as places
from . import job_words as words
from . import provable_openings as openings
from . import provable_words as packed
from . import reverts
from . import seals


# The trace that is asked about.
struct Seat:
    batch: uint256
    round: uint256
    operator: uint256
    task: uint256  # counted over the whole job


# What later calls bring back.
struct Demand:
    seat: Seat
    place: places.Place
    expected: places.Expected
    bond: bonds.Bond


# All that is needed to answer, to close and to go on from there.
event TraceDemanded:
    id: indexed(bytes32)
    job: indexed(bytes32)
    operator: indexed(uint256)
    demander: address
    demand: Demand


event DemandAnswered:
    id: indexed(bytes32)
    data: Bytes[16_400]


event DemandClosed:
    id: indexed(bytes32)
    silent: bool  # the seat's bond was burnt; else the seat had ended already


# Of the demands that a seat can have open at once, strangers leave some to the parties.
STRANGERS: constant(uint256) = 23

# In the place of its hash, once a demand is over.
OVER: constant(bytes32) = 0x0000000000000000000000000000000000000000000000000000000000000001

JOBS: public(immutable(address))
JOBS_STAKING: immutable(address)

# demand -> hash of its parts, or OVER
record_of: public(HashMap[bytes32, bytes32])
# seat's seal key -> task -> segment -> the trace that the seat answered; empty if none
inner_of: public(HashMap[bytes32, HashMap[uint256, HashMap[uint256, bytes32]]])


@deploy
def __init__(jobs: address):
    JOBS = jobs
    JOBS_STAKING = staticcall IProvableJobs(jobs).STAKING()


@internal
@view
def _id(key: bytes32, seat: Seat, place: places.Place) -> bytes32:
    """@return What the demand for a place of a seat is known by."""
    return keccak256(abi_encode(self._slot(key, seat), seat.task, place))


@internal
@pure
def _slot(key: bytes32, seat: Seat) -> bytes32:
    """@return Where the seat's seal is kept."""
    return seals._key(key, seat.batch, seat.round, seat.operator)


@internal
@view
def _trace_of(
    key: bytes32,
    terms: words.Terms,
    source: openings.Source,
    seat: Seat,
    values: DynArray[bytes32, 32],
) -> bytes32:
    """@return The trace root that the seat opened for the task."""
    record: uint256 = staticcall IProvableJobs(JOBS).seal_of(
        key, seat.batch, seat.round, seat.operator
    )
    return openings._trace_of(terms, source, seat.batch, seat.task, values, record)


@internal
@view
def _check_room(key: bytes32, seat: Seat, payer: address):
    """@notice Revert where only the job's payer and the batch's other seat may demand more."""
    word: uint256 = staticcall IProvableJobs(JOBS).batch_of(key, seat.batch)
    place: uint256 = packed.OPERATOR
    if packed._seat_id(word, seat.round, packed.AUDITOR) == seat.operator:
        place = packed.AUDITOR
    if packed._held(word, place) < STRANGERS or msg.sender == payer:
        return
    other: uint256 = packed._seat_id(word, seat.round, 1 - place)
    if other == 0 or not self._acts_for(other):
        reverts._fail("demands: kept for the parties")


@internal
@view
def _acts_for(operator: uint256) -> bool:
    """@return Whether the caller is an operator's owner or its worker key."""
    if msg.sender == staticcall IStaking(JOBS_STAKING).owner_of(operator):
        return True
    return operator == staticcall IStaking(JOBS_STAKING).operator_of(msg.sender)


@internal
@view
def _is_played(key: bytes32, seat: Seat) -> bool:
    """@return Whether the seat can still be proved wrong, and so owes answers."""
    is_played: bool = False
    place: uint256 = 0
    is_played, place = packed._played(
        staticcall IProvableJobs(JOBS).batch_of(key, seat.batch), seat.round, seat.operator
    )
    return is_played


@internal
def _begin(key: bytes32, demand: Demand) -> bytes32:
    """@return The id of the demand, which begins now."""
    id: bytes32 = self._id(key, demand.seat, demand.place)
    if self.record_of[id] != empty(bytes32):
        reverts._fail("demands: demanded before")
    self.record_of[id] = keccak256(abi_encode(demand))
    log TraceDemanded(
        id=id, job=key, operator=demand.seat.operator, demander=msg.sender, demand=demand
    )
    return id


@internal
def _end(key: bytes32, demand: Demand) -> bytes32:
    """@return The id of an open demand, which ends now."""
    id: bytes32 = self._id(key, demand.seat, demand.place)
    if self.record_of[id] != keccak256(abi_encode(demand)):
        reverts._fail("demands: not an open demand")
    self.record_of[id] = OVER
    return id


@internal
def _take(key: bytes32, demand: Demand, data: Bytes[answers.MAX_BYTES]):
    """@notice Revert unless `data` answers the demand; keep the trace of a segment."""
    if len(data) != demand.expected.size:
        reverts._fail("demands: wrong size")
    digest: bytes32 = answers._digest(demand.place, demand.expected.tensor, data)
    if demand.place.kind != places.SEGMENT or demand.place.level != 0:
        if digest != demand.expected.digest:
            reverts._fail("demands: wrong answer")
        return
    # Whatever is said here binds the seat, so nobody else may say it.
    if not self._acts_for(demand.seat.operator):
        reverts._fail("demands: not the seat's operator")
    self.inner_of[self._slot(key, demand.seat)][demand.seat.task][demand.place.number] = digest
