# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Courts
@license AGPL-3.0-only
@notice The courts that may convict, and what the bonds of provable jobs are measured by.
@dev docs/protocol.md, section 5. The list only grows, and growing takes longer than leaving, so that
     an operator who distrusts a court can be gone before any job can name it.
"""

from snekmate.auth import ownable
from snekmate.auth import ownable_2step

from .interfaces import ICourts
from .interfaces import IStaking
from .modules import court_list
from .modules import stake_rates

implements: ICourts

initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: court_list
initializes: stake_rates

exports: (
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
    ownable_2step.accept_ownership,
    court_list.court_count,
    court_list.court,
    court_list.announced_at,
    court_list.court_of,
    stake_rates.least_audit_bps,
    stake_rates.capture_bps,
    stake_rates.gas_price,
    stake_rates.rate_of,
)

STAKING: immutable(IStaking)


@deploy
def __init__(staking: IStaking, least_audit_bps: uint256, capture_bps: uint256, gas_price: uint256):
    """
    @param least_audit_bps The least share of a job's batches that is audited.
    @param capture_bps The share of audits that liars are taken to win themselves.
    @param gas_price What a unit of gas is taken to cost, wei of the network token.
    """
    ownable.__init__()
    ownable_2step.__init__()
    stake_rates.__init__(least_audit_bps, capture_bps, gas_price)
    STAKING = staking


@external
@view
def limits(court: uint256, token: uint256) -> ICourts.Limits:
    """@return What a new job with this court and this token must keep to; reverts for neither."""
    return ICourts.Limits(
        least_audit_bps=stake_rates._least_audit_bps(),
        capture_bps=stake_rates._capture_bps(),
        least_bond=stake_rates._least_bond(court_list._gas(court)),
        rate=stake_rates._rate(token),
    )


# Owner


@external
def admit_genesis(court: address, dearest: uint256):
    """
    @notice Admit a court before staking opens.
    @param dearest Gas that dearest conviction uses, transaction and all.
    """
    ownable._check_owner()
    if staticcall STAKING.is_sealed():
        self._sealed()
    court_list._announce(court, dearest)
    court_list._enlist(court)


@external
def announce_court(court: address, dearest: uint256):
    """@notice Start the delay after which `court` can be admitted. @param dearest As above."""
    ownable._check_owner()
    court_list._announce(court, dearest)


@external
def admit_court(court: address):
    """@notice Admit a court that was announced an unbonding time and 7 days ago."""
    ownable._check_owner()
    court_list._admit(court, staticcall STAKING.unbonding())


@external
def withdraw_court(court: address):
    """@notice Take back the announcement of a court that is not admitted."""
    ownable._check_owner()
    court_list._withdraw(court)


@external
def set_least_audit_bps(bps: uint256):
    """@param bps 1 % to 100 %."""
    ownable._check_owner()
    stake_rates._set_least_audit_bps(bps)


@external
def set_capture_bps(bps: uint256):
    """@param bps At most 90 %."""
    ownable._check_owner()
    stake_rates._set_capture_bps(bps)


@external
def set_gas_price(price: uint256):
    """@param price Wei of the network token a unit, 1 to 10^15."""
    ownable._check_owner()
    stake_rates._set_gas_price(price)


@external
def set_rate(token: uint256, rate: uint256):
    """
    @param token A listed token's index, not 0.
    @param rate Wei of the network token for 10^18 units, below 2^96; 0 refuses new jobs.
    """
    ownable._check_owner()
    stake_rates._set_rate(token, rate)


@internal
@pure
def _sealed():
    raise "courts: genesis is sealed"
