# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Bound demands
@author Proofmesh
@license AGPL-3.0-only
@notice The one contract that may hold a service's operators to serving what they owe.
"""

from . import job_vaults as vaults
from . import reverts
from . import stake_words

uses: vaults


interface IAdmission:
    def service(service: address) -> stake_words.Service: view


DEPLOYER: immutable(address)

demands: public(address)


@deploy
def __init__():
    DEPLOYER = msg.sender


@external
def bind_demands(demands: address):
    """
    @notice Name the contract that runs demands; the deployer, once, before the service is announced.
    @dev Later than the announcement, operators could not leave before it gained its power.
    """
    if msg.sender != DEPLOYER or self.demands != empty(address):
        reverts._fail("hooks: bound or not the deployer")
    service: stake_words.Service = staticcall IAdmission(vaults.STAKING).service(self)
    if service.announced_at != 0:
        reverts._fail("hooks: bound too late")
    self.demands = demands


@external
def forfeit(operator: uint256) -> uint256:
    """
    @notice Burn an operator's standing bond, for outputs that it did not deliver; the demands only.
    @return The bond, gwei; 0 where it keeps none any more.
    """
    self._only_demands()
    return vaults._forfeit(operator)


@internal
@view
def _only_demands():
    if msg.sender != self.demands:
        reverts._fail("hooks: not the demands")
