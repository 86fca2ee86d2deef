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
from ..modules import deliveries
from ..modules import demand_answers as answers
from ..modules import demand_bonds as bonds
from ..modules import demand_places as places
from ..modules import job_words as words
from ..modules import output_parts as parts
from ..modules import provable_openings as openings
from ..modules import provable_terms
from ..modules import reverts
from ..modules import trace_demands as traces

implements: IDemands
implements: IService

initializes: bonds
initializes: traces
initializes: deliveries

exports: (
    traces.JOBS,
    traces.record_of,
    traces.inner_of,
    deliveries.REPLICATED,
    deliveries.delivery_of,
)

# The demands that lead from a trace root to the bytes of a line: two answers of six levels for each
# of the trace, a segment's trace and a tensor's tree, and the line.
ROUNDS: constant(uint256) = 7

# Where the evidence lies in the call's data: behind the selector, the 24 words of the arguments'
# heads, and its length. `calldata` reads it there.
EVIDENCE: constant(uint256) = 4 + 25 * 32
# And in `demand_output`.
SHOWN: constant(uint256) = 4 + 22 * 32

OWN_STAKE_ONLY: public(constant(bool)) = False  # it locks nothing

# How long an operator has to answer, in seconds.
WINDOW: public(immutable(uint256))


@deploy
def __init__(jobs: address, replicated: address, window: uint256):
    """
    @param jobs ProvableJobs, whose deployer binds this contract.
    @param replicated ReplicatedJobs, likewise.
    @param window Seconds to answer; a whole descent must fit behind the end of a challenge.
    """
    if window == 0 or window * ROUNDS > provable_terms.DEMAND_TIME:
        reverts._fail("demands: window out of bounds")
    provable: IProvableJobs = IProvableJobs(jobs)
    bonds.__init__(staticcall provable.ESCROW(), staticcall provable.COURTS())
    traces.__init__(jobs)
    deliveries.__init__(jobs, replicated)
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


# Outputs


@external
def demand_output(
    debt: deliveries.Debt,
    terms: words.Terms,
    origin: words.Origin,
    fee_bps: uint256,
    permit: IEscrow.Permit,
    evidence: Bytes[2048],
    result: deliveries.Result,
) -> bytes32:
    """
    @notice Demand a piece of an output from an operator that was paid for it; the payer only, within
            a day of the settlement, for a bond as in `demand`.
    @param debt Which piece, and of whom.
    @param permit A permit for the bond; ignored where the allowance suffices.
    @param evidence That the piece exists: in ReplicatedJobs the execution record, or nothing where
           that is asked for; in ProvableJobs the head of a proof about the operator that writes the output (docs/tensor.md §8, from
           the counts on).
    @param result What was settled, as logged.
    @return The demand's id.
    """
    if terms.origin != words._origin(msg.sender, origin):
        reverts._fail("deliveries: not the payer")
    wanted: deliveries.Delivery = empty(deliveries.Delivery)
    wanted.job = words._key_at(debt.service, terms)
    wanted.debt = debt
    value: bytes32 = deliveries._value(wanted.job, terms, debt, result)
    due: uint256 = block.timestamp + WINDOW
    if due > result.settled_at + deliveries.SERVE:
        reverts._fail("deliveries: too late to demand")
    if debt.service == traces.JOBS:
        end: uint256 = 0
        wanted.part, end = parts._line(origin.program, value, debt.number, debt.position, SHOWN)
        if end != SHOWN + len(evidence):
            reverts._fail("deliveries: wrong length")
    else:
        wanted.part = parts._of_run(value, evidence, debt.number, debt.position)
    size: uint256 = wanted.part.size + 32 * parts._path_length(wanted.part)
    wanted.bond = bonds.Bond(due=due, amount=bonds._amount(size), fee_bps=fee_bps)
    id: bytes32 = deliveries._begin(wanted)
    bonds._open(id, wanted.bond, permit)
    return id


@external
def answer_output(
    delivery: deliveries.Delivery,
    data: Bytes[answers.MAX_BYTES],
    path: DynArray[bytes32, parts.MAX_PATH],
):
    """
    @notice Show the piece that was demanded, for two thirds of the bond; anyone for the operator.
    @param delivery As logged.
    @param path The siblings from the piece up to the bundle's root, or through the tensor's tree and
           the trace's; the lowest first.
    """
    id: bytes32 = deliveries._end(delivery)
    if block.timestamp >= delivery.bond.due:
        reverts._fail("deliveries: answered too late")
    debt: deliveries.Debt = delivery.debt
    if not parts._is_part(delivery.part, debt.number, debt.position, data, path):
        reverts._fail("deliveries: wrong answer")
    bonds._pay(id, delivery.bond, debt.operator)
    log deliveries.OutputAnswered(id=id, data=data)


@external
def close_output(delivery: deliveries.Delivery):
    """
    @notice Burn the standing bond of an operator that did not answer, from the time on when it was
            due, and give the payer its own bond back; anyone.
    @param delivery As logged.
    """
    id: bytes32 = deliveries._end(delivery)
    if block.timestamp < delivery.bond.due:
        reverts._fail("deliveries: closed too early")
    burnt: uint256 = deliveries._forfeit(delivery)
    bonds._return(id, delivery.bond)
    log deliveries.OutputForfeited(id=id, burnt=burnt)


# Views


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
