# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title transfers
@license AGPL-3.0-only
@notice Tokens in and out: exactly the amount asked for, or a revert.
@dev Knows tokens that return nothing, return false, or keep a part of what is sent.
"""

from ethereum.ercs import IERC20

from ..interfaces import IEscrow


@internal
def _draw(token: address, payer: address, amount: uint256, permit: IEscrow.Permit):
    """
    @notice Move `amount` of the network token from `payer` to this contract.
    @dev A permit that fails may have been used by somebody else already: the allowance decides.
    @param permit Not tried when its deadline is 0.
    """
    if permit.deadline != 0:
        if raw_call(
            token,
            abi_encode(
                payer,
                amount,
                permit.deadline,
                permit.v,
                permit.r,
                permit.s,
                method_id=method_id(
                    "transfer_with_permit(address,uint256,uint256,uint8,bytes32,bytes32)"
                ),
            ),
            revert_on_failure=False,
        ):
            return
    self._transfer_from(token, payer, amount)


@internal
def _draw_listed(token: address, payer: address, amount: uint256, permit: IEscrow.Permit):
    """@notice The same with any ERC-20: exactly `amount` arrives, or it reverts."""
    if permit.deadline != 0:
        ignored: bool = raw_call(
            token,
            abi_encode(
                payer,
                self,
                amount,
                permit.deadline,
                permit.v,
                permit.r,
                permit.s,
                method_id=method_id(
                    "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)"
                ),
            ),
            revert_on_failure=False,
        )
    before: uint256 = staticcall IERC20(token).balanceOf(self)
    self._transfer_from(token, payer, amount)
    if staticcall IERC20(token).balanceOf(self) != before + amount:
        self._inexact()


@internal
def _send(token: address, receiver: address, amount: uint256):
    """@notice Move `amount` from this contract to `receiver`."""
    if not extcall IERC20(token).transfer(receiver, amount, default_return_value=True):
        self._refused()


@internal
def _transfer_from(token: address, payer: address, amount: uint256):
    if not extcall IERC20(token).transferFrom(payer, self, amount, default_return_value=True):
        self._refused()


@internal
@pure
def _refused():
    raise "transfers: token refused"


@internal
@pure
def _inexact():
    raise "transfers: inexact amount"
