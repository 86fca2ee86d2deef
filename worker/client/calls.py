"""Calls of the network's contracts as people write them: `Escrow.set_fee_bps(300)`."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_utils.address import is_address, to_checksum_address

from worker.chain.contracts import Contracts
from worker.errors import ConfigError, UsageError
from worker.types import Address


@dataclass(frozen=True)
class Call:
    """One call: where to, its data, and how people read it."""

    target: Address
    data: bytes
    text: str


def parse_call(contracts: Contracts, text: str) -> Call:
    """Return the call that `text` says.

    Arguments are numbers, True, False, texts in quotes (with "0x…" for addresses and bytes), the
    names of contracts for their addresses, and lists and tuples of these. Raises UsageError.
    """
    contract, function, nodes = _split(text)
    args = [_value(contracts, node) for node in nodes]
    try:
        data = contracts.encode(contract, function, *args)
    except (ConfigError, ValueError) as error:
        raise UsageError(f"{text}: {error}") from error
    return Call(contracts.address(contract), data, text.strip())


def describe(contracts: Contracts, target: Address, data: bytes) -> Call:
    """Return a call with its text; where the contract or function is unknown, as hexadecimal."""
    known = contracts.decode_call(target, data)
    if known is None:
        return Call(target, data, f"{target} 0x{data.hex()}")
    contract, function, args = known
    return Call(target, data, f"{contract}.{function}({', '.join(map(_text, args))})")


def _split(text: str) -> tuple[str, str, Sequence[ast.expr]]:
    try:
        call = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        call = None
    if (
        isinstance(call, ast.Call)
        and not call.keywords
        and isinstance(call.func, ast.Attribute)
        and isinstance(call.func.value, ast.Name)
    ):
        return call.func.value.id, call.func.attr, call.args
    raise UsageError(f"{text!r} is not a call: write it as Escrow.set_fee_bps(300)")


def _value(contracts: Contracts, node: ast.expr) -> Any:
    if isinstance(node, ast.Name):
        try:
            return contracts.address(node.id)
        except ConfigError as error:
            raise UsageError(f"{node.id}: {error}") from error
    if isinstance(node, ast.Tuple | ast.List):
        return [_value(contracts, item) for item in node.elts]
    try:
        value = ast.literal_eval(node)
    except ValueError:
        raise UsageError(f"{ast.unparse(node)!r} is no argument: a number, text or name") from None
    return _bytes_or_address(value) if isinstance(value, str) else value


def _bytes_or_address(text: str) -> Any:
    if is_address(text):
        return to_checksum_address(text)
    if not text.startswith("0x"):
        return text
    try:
        return bytes.fromhex(text[2:])
    except ValueError:
        raise UsageError(f"{text} is not hexadecimal") from None


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return f'"0x{value.hex()}"'
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple | list):
        return "(" + ", ".join(map(_text, value)) + ")"
    return str(value)
