"""Every external function of a contract, as a call that anyone could send."""

from collections.abc import Iterator
from typing import NamedTuple

from boa.contracts.vyper.vyper_contract import VyperContract
from eth_abi.abi import encode
from eth_utils.abi import collapse_if_tuple, function_abi_to_4byte_selector
from eth_utils.crypto import keccak

NUMBER = 1  # of operators, tokens and lengths: one that exists
FLAGS = {"bool": False}


class Call(NamedTuple):
    """A function's name, whether it only tells what is fixed in the code, and the call's data."""

    name: str
    is_fixed: bool
    data: bytes


def calls_of(contract: VyperContract, account: str) -> Iterator[Call]:
    """Yield a call of each function: addresses are `account`, numbers 1, lists and bytes empty."""
    for entry in contract.abi:
        if entry["type"] != "function":
            continue
        types = [collapse_if_tuple(dict(part)) for part in entry["inputs"]]
        values = [_value(part, account) for part in entry["inputs"]]
        data = function_abi_to_4byte_selector(entry) + encode(types, values)
        name = entry["name"]  # constants and immutables are written in capitals
        yield Call(name, entry["stateMutability"] == "pure" or name.isupper(), data)


def _value(part, account: str):
    kind = part["type"]
    if kind.endswith("]"):
        size = kind[kind.rindex("[") + 1 : -1]
        return [_value({**part, "type": kind[: kind.rindex("[")]}, account)] * int(size or 0)
    if kind == "tuple":
        return tuple(_value(member, account) for member in part["components"])
    if kind == "address":
        return account
    if kind == "bytes32":
        return keccak(b"nothing")
    if kind in ("string", "bytes"):
        return "" if kind == "string" else b""
    return FLAGS.get(kind, NUMBER)
