# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Timelock
@license AGPL-3.0-only
@notice Owns the network's parameters and lists; makes the calls that a vote has passed, later.
@dev The lock against re-entry is off: a call that it makes may set its own delay. What it makes are
     calls of the Governor's alone, each of them once, which the controller itself ensures.
"""

from snekmate.auth import access_control
from snekmate.governance import timelock_controller

initializes: access_control
initializes: timelock_controller[access_control := access_control]

exports: (
    timelock_controller.get_minimum_delay,
    timelock_controller.get_timestamp,
    timelock_controller.is_operation_ready,
    timelock_controller.is_operation_done,
    timelock_controller.hash_operation_batch,
    timelock_controller.schedule_batch,
    timelock_controller.execute_batch,
)


interface IOffered:
    def accept_ownership(): nonpayable


MAX_DELAY: constant(uint256) = 30 * 86_400

LEAST_DELAY: public(immutable(uint256))
GOVERNOR: public(immutable(address))


@deploy
def __init__(governor: address, delay: uint256):
    """
    @param governor The only one that schedules and executes.
    @param delay Seconds between the two; no vote can ever make it shorter.
    """
    access_control.__init__()
    timelock_controller.__init__(delay, [governor], [governor], empty(address))
    assert delay <= MAX_DELAY, "timelock: deployed with too long a delay"
    LEAST_DELAY = delay
    GOVERNOR = governor


@external
def accept_ownership_of(target: address):
    """@notice Take a contract that was offered to the Timelock; anyone may."""
    extcall IOffered(target).accept_ownership()


@external
def update_delay(delay: uint256):
    """@notice Change the delay of calls to come; by a call of the Timelock's own."""
    if msg.sender != self:
        self._not_self()
    if delay < LEAST_DELAY or delay > MAX_DELAY:
        self._bad_delay()
    log timelock_controller.MinimumDelayChange(
        old_duration=timelock_controller.get_minimum_delay, new_duration=delay
    )
    timelock_controller.get_minimum_delay = delay


@internal
@pure
def _not_self():
    raise "timelock: only by a vote"


@internal
@pure
def _bad_delay():
    raise "timelock: delay out of bounds"
