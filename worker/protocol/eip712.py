"""Typed data that people and keys sign: consent of worker keys, ERC-2612 permits, ballots."""

from dataclasses import dataclass
from typing import Any

from worker.types import Address, OperatorId, Timestamp, Wei

Permit = tuple[int, int, bytes, bytes]
"""IEscrow.Permit: deadline, v, r, s."""

NO_PERMIT: Permit = (0, 0, bytes(32), bytes(32))
"""In place of one, where an allowance is to decide."""

_DOMAIN = [
    {"name": "name", "type": "string"},
    {"name": "version", "type": "string"},
    {"name": "chainId", "type": "uint256"},
    {"name": "verifyingContract", "type": "address"},
]


@dataclass(frozen=True)
class Domain:
    """Which contract on which chain a signature is for; read it from `eip712Domain()`."""

    name: str
    version: str
    chain_id: int
    contract: Address


def set_worker(
    domain: Domain, operator: OperatorId, owner: Address, deadline: Timestamp
) -> dict[str, Any]:
    """Return what a worker key signs to become the key of `operator`, which `owner` holds."""
    return _message(
        domain,
        "SetWorker",
        [
            ("operator", "uint256", operator),
            ("owner", "address", owner),
            ("deadline", "uint256", deadline),
        ],
    )


def permit(
    domain: Domain, owner: Address, spender: Address, value: Wei, nonce: int, deadline: Timestamp
) -> dict[str, Any]:
    """Return what `owner` signs to let `spender` take `value` of the token `domain.contract`."""
    return _message(
        domain,
        "Permit",
        [
            ("owner", "address", owner),
            ("spender", "address", spender),
            ("value", "uint256", value),
            ("nonce", "uint256", nonce),
            ("deadline", "uint256", deadline),
        ],
    )


def ballot(
    domain: Domain, proposal: int, operator: OperatorId, support: int, deadline: Timestamp
) -> dict[str, Any]:
    """Return what an operator's owner signs to vote, for anyone to bring before `deadline`."""
    return _message(
        domain,
        "Ballot",
        [
            ("proposal", "uint256", proposal),
            ("operator", "uint256", operator),
            ("support", "uint256", support),
            ("deadline", "uint256", deadline),
        ],
    )


def _message(domain: Domain, name: str, fields: list[tuple[str, str, Any]]) -> dict[str, Any]:
    """Return the full message as wallets take it (eth_signTypedData_v4)."""
    return {
        "types": {
            "EIP712Domain": _DOMAIN,
            name: [{"name": field, "type": kind} for field, kind, _ in fields],
        },
        "primaryType": name,
        "domain": {
            "name": domain.name,
            "version": domain.version,
            "chainId": domain.chain_id,
            "verifyingContract": domain.contract,
        },
        "message": {field: value for field, _, value in fields},
    }
