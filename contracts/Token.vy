# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Token
@license AGPL-3.0-only
@notice The network token: ERC-20 with permit and burning. One contract may mint, and nobody owns it.
"""

from snekmate.auth import ownable
from snekmate.tokens import erc20
from snekmate.utils import ecdsa
from snekmate.utils import eip712_domain_separator

uses: eip712_domain_separator
initializes: ownable
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
)

DEPLOYER: immutable(address)

is_bound: bool


@deploy
def __init__(initial_supply: uint256):
    """@param initial_supply Wei minted to the deployer."""
    ownable.__init__()
    erc20.__init__("Proofmesh", "MESH", 18, "Proofmesh", "1")
    erc20._mint(msg.sender, initial_supply)
    self._set_minter(msg.sender, False)
    # The library's owner may name minters: nothing that asks for it is exported, and nobody is it.
    ownable._transfer_ownership(empty(address))
    DEPLOYER = msg.sender


@external
def bind_minter(minter: address):
    """@notice Name the only contract that may ever mint; once, by the deployer."""
    if msg.sender != DEPLOYER or self.is_bound:
        self._bound()
    self.is_bound = True
    self._set_minter(minter, True)


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
@pure
def _bound():
    raise "token: minter is bound, or not the deployer"


@internal
@pure
def _permit_expired():
    raise "token: permit expired"


@internal
@pure
def _bad_permit():
    raise "token: not the owner's permit"
