"""What an endpoint means by its error: reverts, refused transactions, limits on log queries.

There is no standard for these texts; each pattern covers the words of several nodes and vendors.
"""

import re
from enum import Enum, StrEnum, auto
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from worker.errors import RevertedError, RpcError

_ERROR_STRING = bytes.fromhex("08c379a0")  # Error(string), what a failed assert returns
_PANIC = bytes.fromhex("4e487b71")  # Panic(uint256), the compiler's own checks


class Trouble(StrEnum):
    """What kept an endpoint from answering; a label of its metric."""

    TIMEOUT = "timeout"
    CONNECTION = "connection"
    HTTP = "http"  # a status that says so, such as 429 or 502
    BUSY = "busy"  # a JSON-RPC error about itself, such as a limit or a block that it lacks
    MALFORMED = "malformed"  # not JSON, not JSON-RPC, or a value that cannot be
    WRONG_CHAIN = "wrong_chain"


class EndpointError(RpcError):
    """This endpoint gave no usable answer; another one may."""

    def __init__(self, message: str, trouble: Trouble = Trouble.MALFORMED) -> None:
        super().__init__(message)
        self.trouble = trouble


class ResponseError(RpcError):
    """An endpoint answered with a JSON-RPC error about the request itself."""

    def __init__(self, code: int, message: str, data: Any = None) -> None:
        super().__init__(f"{message} ({code})")
        self.code = code
        self.message = message
        self.data = data


class RangeLimitError(ResponseError):
    """A log query spans too many blocks or finds too much; `suggested_end` may work."""

    @property
    def suggested_end(self) -> int | None:
        """The last block of the range that the endpoint proposes, if it does."""
        match = _SUGGESTION.search(self.message)
        return int(match[1], 16 if match[1].startswith("0x") else 10) if match else None


class Refusal(Enum):
    """Why a transaction was not taken into the pool."""

    ALREADY_KNOWN = auto()
    NONCE_TOO_LOW = auto()
    UNDERPRICED = auto()
    INSUFFICIENT_FUNDS = auto()
    FEE_CAP = auto()
    OTHER = auto()


_SUGGESTION = re.compile(r"range[^\[]{0,40}\[\s*\w+\s*,\s*(0x[0-9a-fA-F]{1,16}|\d{1,18})\s*\]")

_RANGE_LIMIT = re.compile(
    r"block range|blocks? range|range (?:is |limit)|ranges? over|larger? range|max(?:imum)? range"
    r"|limited to .{0,40}(?:range|blocks)|more than [\d,]+ (?:results|logs)|max (?:results|logs)"
    r"|too many (?:results|logs|blocks|events)|response size|response is too big|query timeout"
    r"|exceed.{0,20}(?:range|results|logs)|logs? (?:count|limit)",
    re.IGNORECASE,
)

_UNAVAILABLE = re.compile(
    r"rate.?limit|too many requests|quota|capacity|compute units|credits|header not found"
    r"|missing trie node|unknown block|block not found|timed? ?out|try again|unavailable|internal",
    re.IGNORECASE,
)
# Limit exceeded, resource unavailable, internal, method not found, and "429" as a code.
_UNAVAILABLE_CODES = frozenset({-32005, -32002, -32001, -32603, -32601, 429})

_REFUSALS = (
    (Refusal.ALREADY_KNOWN, r"already known|already imported|known transaction|already exists"),
    (Refusal.NONCE_TOO_LOW, r"nonce.{0,20}too low|old nonce|nonce.{0,20}already (?:been )?used"),
    (Refusal.INSUFFICIENT_FUNDS, r"insufficient (?:funds|balance)|sender doesn.t have enough"),
    (Refusal.FEE_CAP, r"exceeds the configured cap|fee cap|txfee.{0,20}cap|max fee exceeded"),
    (
        Refusal.UNDERPRICED,
        r"underpriced|fee too low|less than block base fee|below.{0,20}base ?fee"
        r"|gas price.{0,20}too low|lower than.{0,20}minimum",
    ),
)


def classify_refusal(message: str) -> Refusal:
    """Return why a node did not take a transaction."""
    for refusal, pattern in _REFUSALS:
        if re.search(pattern, message, re.IGNORECASE):
            return refusal
    return Refusal.OTHER


def classify_error(method: str, code: int, message: str, data: Any) -> RpcError | RevertedError:
    """Return the exception for a JSON-RPC error object."""
    if method in ("eth_call", "eth_estimateGas") and _is_revert(code, message, data):
        return RevertedError(_reason(message, data))
    if method == "eth_getLogs" and _RANGE_LIMIT.search(message):
        return RangeLimitError(code, message, data)
    if method == "eth_sendRawTransaction" and classify_refusal(message) is not Refusal.OTHER:
        return ResponseError(code, message, data)
    if code in _UNAVAILABLE_CODES or _UNAVAILABLE.search(message):
        return EndpointError(f"{message} ({code})", Trouble.BUSY)
    return ResponseError(code, message, data)


def decode_revert(data: bytes) -> str:
    """Return the reason in a revert's return data, in the contract's words where it has any."""
    try:
        if data[:4] == _ERROR_STRING:
            return str(decode(["string"], data[4:])[0])
        if data[:4] == _PANIC:
            return f"panic {decode(['uint256'], data[4:])[0]:#x}"
    except (DecodingError, ValueError, OverflowError):
        pass
    return f"reverted with 0x{data[:68].hex()}" if data else "reverted without a reason"


def _is_revert(code: int, message: str, data: Any) -> bool:
    return code == 3 or "revert" in message.lower() or bool(_revert_data(data))


def _reason(message: str, data: Any) -> str:
    raw = _revert_data(data)
    _, _, words = message.partition("revert: ")
    if not raw and words:
        return words.strip()
    return decode_revert(raw)


def _revert_data(data: Any) -> bytes:
    if isinstance(data, dict):
        data = data.get("data")
    if not isinstance(data, str):
        return b""
    try:
        return bytes.fromhex(data.removeprefix("Reverted ").removeprefix("0x"))
    except ValueError:
        return b""
