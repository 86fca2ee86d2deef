# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Demands
@author Proofmesh
@license AGPL-3.0-only
@notice Makes seats of provable jobs show what they committed to, or lose their bonds: whoever needs
        a part of a trace that nobody serves demands it here, and the answer is on the chain.
@dev docs/protocol.md, section 5, is its description. Holds no money: what a demand costs is an
     agreement in Escrow, what silence costs is ProvableJobs' to burn.
"""

from ..interfaces import ICourt
from ..interfaces import IDemands
from ..interfaces import IEscrow
from ..interfaces import IProvableJobs
from ..interfaces import IService
from ..modules import demand_answers as answers
from ..modules import demand_bonds as bonds
from ..modules import demand_places as places
from ..modules import job_words as words
from ..modules import provable_openings as openings
from ..modules import provable_terms
from ..modules import reverts
from ..modules import trace_demands as traces

implements: IDemands
implements: IService

initializes: bonds
initializes: traces

exports: (traces.JOBS, traces.record_of, traces.inner_of)

# The demands that lead from a trace root to the bytes of a line: two answers of six levels for each
# of the trace, a segment's trace and a tensor's tree, and the line.
ROUNDS: constant(uint256) = 7

# Where the evidence lies in the call's data: behind the selector, the 24 words of the arguments'
# heads, and its length. `calldata` reads it there.
EVIDENCE: constant(uint256) = 4 + 25 * 32

# How long an operator has to answer, in seconds.
WINDOW: public(immutable(uint256))


@deploy
def __init__(jobs: address, window: uint256):
    """
    @param jobs ProvableJobs, whose deployer binds this contract.
    @param window Seconds to answer; a whole descent must fit behind the end of a challenge.
    """
    if window == 0 or window * ROUNDS > provable_terms.DEMAND_TIME:
        reverts._fail("demands: window out of bounds")
    provable: IProvableJobs = IProvableJobs(jobs)
    bonds.__init__(staticcall provable.ESCROW(), staticcall provable.COURTS())
    traces.__init__(jobs)
    WINDOW = window


@external
def demand(
    terms: words.Terms,
    source: openings.Source,
    seat: traces.Seat,
    place: places.Place,
    fee_bps: uint256,
    permit: IEscrow.Permit,
    evidence: Bytes[2048],
    values: DynArray[bytes32, 32],
) -> bytes32:
    """
    @notice Demand a part of what a seat opened; anyone, for a bond that goes to who answers, or back.
    @param seat Who opened the trace, and of which task.
    @param place Which part.
    @param fee_bps Escrow's fee of now.
    @param permit A permit for the bond, `bond_for`; ignored where the allowance suffices.
    @param evidence That the place exists, and what stands there (demand_places).
    @param values What the seat opened.
    @return The demand's id.
    """
    key: bytes32 = words._key_at(traces.JOBS, terms)
    traces._check_room(key, seat, source.payer)
    segment: uint256 = places._segment(place, EVIDENCE)
    claim: ICourt.Claim = ICourt.Claim(
        program=source.origin.program,
        inputs=source.origin.inputs,
        tasks=words._tasks(terms.a),
        task=seat.task,
        trace=traces._trace_of(key, terms, source, seat, values),
        segment=segment,
        inner=traces.inner_of[traces._slot(key, seat)][seat.task][segment],
    )
    wanted: traces.Demand = empty(traces.Demand)
    end: uint256 = 0
    wanted.expected, end = places._find(claim, place, EVIDENCE)
    if end != EVIDENCE + len(evidence):
        reverts._fail("demands: wrong length")
    wanted.seat = seat
    wanted.place = place
    wanted.bond = bonds.Bond(
        due=block.timestamp + WINDOW, amount=bonds._amount(wanted.expected.size), fee_bps=fee_bps
    )
    # Nobody has two seats of a batch, so the round that holds is the seat's.
    extcall IProvableJobs(traces.JOBS).hold(terms, seat.batch, seat.operator, wanted.bond.due)
    id: bytes32 = traces._begin(key, wanted)
    bonds._open(id, wanted.bond, permit)
    return id


@external
def answer(terms: words.Terms, demand: traces.Demand, data: Bytes[answers.MAX_BYTES]):
    """
    @notice Show what was demanded, for two thirds of the bond; anyone for the operator, but the top
            of a segment's trace its owner or worker key alone.
    @param demand As logged.
    @param data The nodes six levels down, or fewer above the leaves; or the bytes of the line.
    """
    key: bytes32 = words._key_at(traces.JOBS, terms)
    id: bytes32 = traces._end(key, demand)
    if block.timestamp >= demand.bond.due:
        reverts._fail("demands: answered too late")
    if not traces._is_played(key, demand.seat):
        reverts._fail("demands: the seat is over")
    traces._take(key, demand, data)
    seat: traces.Seat = demand.seat
    extcall IProvableJobs(traces.JOBS).release(terms, seat.batch, seat.round, seat.operator)
    bonds._pay(id, demand.bond, seat.operator)
    log traces.DemandAnswered(id=id, data=data)


@external
def close(terms: words.Terms, demand: traces.Demand):
    """
    @notice Give the demander its bond back: from the time on when the answer was due, and the seat's
            bond is burnt; or as soon as the seat has ended otherwise. Anyone.
    @param demand As logged.
    """
    key: bytes32 = words._key_at(traces.JOBS, terms)
    id: bytes32 = traces._end(key, demand)
    seat: traces.Seat = demand.seat
    is_silent: bool = traces._is_played(key, seat)
    if is_silent:
        if block.timestamp < demand.bond.due:
            reverts._fail("demands: closed too early")
        extcall IProvableJobs(traces.JOBS).silence(terms, seat.batch, seat.round, seat.operator)
    bonds._return(id, demand.bond)
    log traces.DemandClosed(id=id, silent=is_silent)


@external
@view
def bond_for(size: uint256) -> uint256:
    """@return The bond of a demand whose answer has `size` bytes, wei of the network token."""
    return bonds._amount(size)


@external
@view
def max_lock() -> uint256:
    """@return 0: no stake is locked here."""
    return 0
