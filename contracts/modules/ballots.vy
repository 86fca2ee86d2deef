# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title ballots
@license AGPL-3.0-only
@notice Votes that an operator's owner signs (EIP-712), so that somebody else pays for their gas.
@dev Nothing is remembered: a vote counts once, by whatever way it comes.
"""

from snekmate.utils import eip712_domain_separator
from snekmate.utils import signature_checker

initializes: eip712_domain_separator

exports: eip712_domain_separator.eip712Domain

BALLOT: constant(bytes32) = keccak256(
    "Ballot(uint256 proposal,uint256 operator,uint256 support,uint256 deadline)"
)


@deploy
def __init__(name: String[50]):
    """@param name Of the contract that counts the votes."""
    eip712_domain_separator.__init__(name, "1")


@internal
@view
def _check(
    owner: address,
    number: uint256,
    operator: uint256,
    support: uint256,
    deadline: uint256,
    signature: Bytes[65],
):
    """@notice Refuse what `owner` has not signed, and what is brought at `deadline` or later."""
    if block.timestamp >= deadline:
        self._late_ballot()
    digest: bytes32 = eip712_domain_separator._hash_typed_data_v4(
        keccak256(abi_encode(BALLOT, number, operator, support, deadline))
    )
    if not signature_checker._is_valid_signature_now(owner, digest, signature):
        self._bad_ballot()


@internal
@pure
def _late_ballot():
    raise "governor: ballot expired"


@internal
@pure
def _bad_ballot():
    raise "governor: not the owner's ballot"
