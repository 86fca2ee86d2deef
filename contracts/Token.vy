# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Token
@license AGPL-3.0-only
@notice The network token: ERC-20 with permit, burning, and minters named by a two-step owner.
@dev The owner's own minter role moves with the ownership; ownership cannot be renounced.
"""

from snekmate.auth import ownable
from snekmate.auth import ownable_2step
from snekmate.tokens import erc20
from snekmate.utils import ecdsa
from snekmate.utils import eip712_domain_separator

uses: eip712_domain_separator
initializes: ownable
initializes: ownable_2step[ownable := ownable]
initializes: erc20[ownable := ownable]

exports: (
    erc20.name,
    erc20.symbol,
    erc20.decimals,
    erc20.totalSupply,
    erc20.balanceOf,
    erc20.allowance,
    erc20.transfer,
    erc20.transferFrom,
    erc20.approve,
    erc20.permit,
    erc20.nonces,
    erc20.DOMAIN_SEPARATOR,
    erc20.eip712Domain,
    erc20.burn,
    erc20.burn_from,
    erc20.mint,
    erc20.is_minter,
    erc20.set_minter,
    ownable_2step.owner,
    ownable_2step.pending_owner,
    ownable_2step.transfer_ownership,
)


@deploy
def __init__(initial_supply: uint256):
    """@param initial_supply Wei minted to the deployer, who is owner and minter at first."""
    ownable.__init__()
    ownable_2step.__init__()
    erc20.__init__("Proofmesh", "MESH", 18, "Proofmesh", "1")
    erc20._mint(msg.sender, initial_supply)


@external
def accept_ownership():
    """@notice Take the ownership offered to the caller, and the owner's minter role with it."""
    if msg.sender != ownable_2step.pending_owner:
        self._not_offered()
    self._set_minter(ownable.owner, False)
    ownable_2step._transfer_ownership(msg.sender)
    self._set_minter(msg.sender, True)


@external
def transfer_with_permit(
    owner: address, amount: uint256, deadline: uint256, v: uint8, r: bytes32, s: bytes32
) -> bool:
    """
    @notice `permit` for the caller and `transferFrom` to it in one, with the same signature.
    @dev No allowance is written, which is most of what the two cost.
    """
    if block.timestamp > deadline:
        self._permit_expired()
    nonce: uint256 = erc20.nonces[owner]
    erc20.nonces[owner] = nonce + 1
    digest: bytes32 = eip712_domain_separator._hash_typed_data_v4(
        keccak256(abi_encode(erc20._PERMIT_TYPE_HASH, owner, msg.sender, amount, nonce, deadline))
    )
    signer: address = ecdsa._recover_vrs(
        digest, convert(v, uint256), convert(r, uint256), convert(s, uint256)
    )
    if signer != owner or owner == empty(address):
        self._bad_permit()
    erc20._transfer(owner, msg.sender, amount)
    return True


@internal
def _set_minter(minter: address, status: bool):
    erc20.is_minter[minter] = status
    log erc20.RoleMinterChanged(minter=minter, status=status)


@internal
def _not_offered():
    raise "token: ownership not offered"


@internal
def _permit_expired():
    raise "token: permit expired"


@internal
def _bad_permit():
    raise "token: not the owner's permit"
