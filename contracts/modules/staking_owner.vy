# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title staking_owner
@license AGPL-3.0-only
@notice What the owner of Staking may do: admit services, and set parameters within their bounds.
"""

from snekmate.auth import ownable

from . import admission
from . import operators
from . import parameters

uses: admission
uses: operators
uses: ownable
uses: parameters


@external
def bind_delegation(delegation: address):
    """@notice Name who counts what is delegated, before staking opens."""
    ownable._check_owner()
    parameters._check_genesis()
    operators.delegation = delegation


@external
def admit_genesis(service: address, standing: uint256):
    """@notice Admit a service before staking opens. @param standing Its bond, gwei."""
    ownable._check_owner()
    admission._admit_genesis(service, standing)


@external
def seal_genesis():
    """@notice Close the genesis list for good and open staking."""
    ownable._check_owner()
    parameters._seal()


@external
def announce_service(service: address, standing: uint256):
    """@notice Start the delay after which `service` can be admitted. @param standing gwei."""
    ownable._check_owner()
    admission._announce(service, standing)


@external
def admit_service(service: address):
    """@notice Admit a service that was announced an unbonding time and 7 days ago."""
    ownable._check_owner()
    admission._admit(service)


@external
def retire_service(service: address):
    """@notice Stop new locks and agreements of `service`, or take its announcement back."""
    ownable._check_owner()
    admission._retire(service)


@external
def set_unbonding(period: uint256):
    """@param period Seconds, more than MAX_LOCK + 7 days, at most 180 days."""
    ownable._check_owner()
    parameters._set_unbonding(period)


@external
def set_minimum_stake(amount: uint256):
    """@param amount Whole tokens, 1 to 10^6."""
    ownable._check_owner()
    parameters._set_minimum_stake(amount)


@external
def set_weight_cap(weight: uint256):
    """@param weight Whole tokens, 1 to 2^32 - 1."""
    ownable._check_owner()
    parameters._set_weight_cap(weight)


@external
def set_leverage(leverage: uint256):
    """@param leverage 1 to 10; with 1 what is delegated backs and weighs nothing."""
    ownable._check_owner()
    parameters._set_leverage(leverage)
