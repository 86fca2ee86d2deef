"""Receipts: proof that a batch's result stands in a block, checked offline from its hash alone.

Who knows a block's hash needs no node and no trust: the header hashes to it, the state root is in
the header, the service's storage root in the state, the result's hash in the storage. The job key
is the hash of the terms, so program, inputs, payer and price are proven too.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

import rlp
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from trie import HexaryTrie

from worker.chain.wire import parse_data, parse_quantity
from worker.client.lane import Lane
from worker.errors import RpcError, VerificationError
from worker.protocol import provable_words
from worker.protocol.settled import Result
from worker.protocol.words import Origin, Stage, Terms, final_word
from worker.types import Address, JobKey, OperatorId, Timestamp

SLOTS = {
    (Lane.REPLICATED, Stage.FINAL): 1,
    (Lane.REPLICATED, Stage.BASE): 4,
    (Lane.PROVABLE, Stage.FINAL): 2,
}
"""Where the services keep the words of batches, and ReplicatedJobs the results of base rounds that
were followed by growth; a test compares it with the compiler's."""

_STATE_ROOT = 3  # places in a header and in an account
_TIMESTAMP = 11
_STORAGE_ROOT = 2
_MAX_NODES = 64  # a path of 32 bytes has 64 half-bytes
_WORD = Field(pattern=r"^[0-9a-f]{64}$")
_ADDRESS = Field(pattern=r"^0x[0-9a-f]{40}$")
_BYTES = Field(pattern=r"^([0-9a-f]{2})*$", max_length=1 << 16)
_Word = Annotated[str, _WORD]
_Bytes = Annotated[str, _BYTES]
_Operator = Annotated[int, Field(ge=1, lt=1 << 24)]
_Uint256 = Annotated[int, Field(ge=0, lt=1 << 256)]


class Receipt(BaseModel):
    """A result with its proof. All bytes are hex without prefix.

    `values` are the results of the tasks in `mask`, ascending, that stood at `stage`; `servers` the
    operators that owe all of their outputs, `settled_at` the moment of the settlement. `accepted`
    are results of a provable job whose payer did not wait until nobody had proved them wrong.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    version: Literal[1] = 1
    chain_id: int = Field(ge=1, lt=1 << 256)
    service: str = _ADDRESS
    payer: str = _ADDRESS
    a: _Uint256
    b: _Uint256
    named: str = _WORD
    nonce: _Uint256
    program: str = _WORD
    inputs: str = _WORD
    manifest: str = _WORD
    batch: int = Field(ge=0, lt=1 << 20)
    stage: Stage = Field(strict=False)
    mask: int = Field(ge=1, lt=1 << 32)
    values: list[_Word] = Field(min_length=1, max_length=32)
    servers: list[_Operator] = Field(max_length=7)
    settled_at: int = Field(ge=0, lt=1 << 40)
    accepted: bool
    header: _Bytes
    account_proof: list[_Bytes] = Field(min_length=1, max_length=_MAX_NODES)
    storage_proof: list[_Bytes] = Field(min_length=1, max_length=_MAX_NODES)

    @property
    def terms(self) -> Terms:
        """The job's terms as posted."""
        origin = Origin(
            self.nonce,
            bytes.fromhex(self.program),
            bytes.fromhex(self.inputs),
            bytes.fromhex(self.manifest),
        ).digest(Address(self.payer))
        return Terms.unpack(self.a, self.b, bytes.fromhex(self.named), origin)

    @property
    def key(self) -> JobKey:
        """The job's key, recomputed from the terms."""
        return self.terms.key(self.chain_id, Address(self.service))

    @property
    def result(self) -> Result:
        """What stood, as the contract hashes it."""
        return Result(
            self.mask,
            tuple(bytes.fromhex(value) for value in self.values),
            tuple(OperatorId(operator) for operator in self.servers),
            Timestamp(self.settled_at),
        )

    @property
    def block_hash(self) -> bytes:
        """The hash of the block that the receipt itself brings; compare it with one you trust."""
        return keccak(bytes.fromhex(self.header))

    def task_values(self) -> dict[int, bytes]:
        """Return the value of each task that the receipt proves, by the task's number."""
        first = self.terms.tasks_in(self.batch).start
        bits = [bit for bit in range(32) if self.mask >> bit & 1]
        values = self.result.values
        return {first + bit: value for bit, value in zip(bits, values, strict=True)}

    @classmethod
    def load(cls, path: Path) -> "Receipt":
        """Read a receipt. Raises VerificationError, also when the file cannot be read."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise VerificationError(f"receipt {path}: {error.strerror}") from error
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(map(str, first["loc"])) or "file"
            raise VerificationError(f"receipt {path}: {field}: {first['msg']}") from error


def check_receipt(receipt: Receipt, block_hash: bytes, service: Address) -> int:
    """Return the time of the block with that hash, in which the receipt's result stands.

    Needs no network, but two things that you trust: the hash, and the address of the contract that
    settles jobs; anybody can deploy one that settles whatever they like. The chain's id is part of
    the job's key and proven with it. Raises VerificationError naming what does not hold.
    """
    if receipt.service != service.lower():
        raise VerificationError(
            f"receipt: of the contract {receipt.service}, not of {service.lower()}"
        )
    header = bytes.fromhex(receipt.header)
    if keccak(header) != block_hash:
        raise VerificationError("receipt: its header is of another block")
    fields = _list(header, "header", 15)
    address = bytes.fromhex(receipt.service[2:])
    account = _prove(fields[_STATE_ROOT], keccak(address), receipt.account_proof, "account")
    storage_root = _list(account, "account", 4)[_STORAGE_ROOT]
    slot = result_slot(Lane.of(receipt.terms), receipt.key, receipt.batch, receipt.stage)
    stored = _prove(storage_root, keccak(slot), receipt.storage_proof, "storage")
    if _word(stored) != _claimed(receipt):
        raise VerificationError("receipt: the contract keeps another result")
    return int.from_bytes(_bytes(fields[_TIMESTAMP], "time"), "big")


def result_slot(lane: Lane, key: bytes, batch: int, stage: Stage) -> bytes:
    """Return the slot that a batch's result of `stage` is in; Vyper hashes slot, then key.

    Raises VerificationError where the lane has no such stage.
    """
    if (lane, stage) not in SLOTS:
        raise VerificationError(f"receipt: {lane} keeps no result of a {stage} round")
    slot = SLOTS[lane, stage].to_bytes(32, "big")
    for part in (key, encode(["uint256"], [batch])):
        slot = keccak(slot + part)
    return slot


def encode_header(block: dict[str, Any]) -> bytes:
    """Return the RLP of an eth_getBlock… answer's header, of any fork up to Osaka.

    Raises VerificationError when it does not hash to the block's own hash.
    """
    try:
        names = [name for name in _HEADER if name in block or name not in _OPTIONAL]
        header: bytes = rlp.encode([_header_field(name, block[name]) for name in names])
        expected = parse_data(block["hash"], "hash")
    except (KeyError, TypeError, RpcError) as error:
        raise VerificationError(f"receipt: the node sent a malformed header: {error}") from error
    if keccak(header) != expected:
        raise VerificationError("receipt: the node sent a header that does not fit its hash")
    return header


_OPTIONAL = (
    "baseFeePerGas",
    "withdrawalsRoot",
    "blobGasUsed",
    "excessBlobGas",
    "parentBeaconBlockRoot",
    "requestsHash",
)
_HEADER = (
    "parentHash",
    "sha3Uncles",
    "miner",
    "stateRoot",
    "transactionsRoot",
    "receiptsRoot",
    "logsBloom",
    "difficulty",
    "number",
    "gasLimit",
    "gasUsed",
    "timestamp",
    "extraData",
    "mixHash",
    "nonce",
    *_OPTIONAL,
)
_WORD_BITS = 256
_QUANTITIES = frozenset(
    {"difficulty", "number", "gasLimit", "gasUsed", "timestamp", "baseFeePerGas"}
    | {"blobGasUsed", "excessBlobGas"}
)


def _header_field(name: str, value: Any) -> bytes:
    if name in _QUANTITIES:
        number = parse_quantity(value, name, _WORD_BITS)
        return number.to_bytes((number.bit_length() + 7) // 8, "big")
    return parse_data(value, name)


def _claimed(receipt: Receipt) -> bytes:
    """Return the word that the contract must keep for the receipt's result."""
    terms = receipt.terms
    if receipt.batch >= terms.batches or receipt.mask & ~terms.full_mask(receipt.batch):
        raise VerificationError("receipt: the job has no such tasks")
    if len(receipt.values) != receipt.mask.bit_count():
        raise VerificationError("receipt: values and mask do not fit")
    result = receipt.result.digest()
    if Lane.of(terms) is Lane.PROVABLE:
        return provable_words.final_word(result, receipt.accepted).to_bytes(32, "big")
    if receipt.accepted:
        raise VerificationError("receipt: only results of provable jobs are accepted early")
    return result if receipt.stage is Stage.BASE else final_word(result).to_bytes(32, "big")


def _prove(root: Any, path: bytes, proof: Sequence[str], what: str) -> bytes:
    """Return the value at `path` in the trie under `root`, or refuse the proof."""
    encoded = [bytes.fromhex(node) for node in proof]
    for parent, child in pairwise(encoded):
        if keccak(child) not in parent:  # a node that proves nothing
            raise VerificationError(f"receipt: the {what} proof is not one path")
    try:
        nodes = [rlp.decode(node) for node in encoded]
        value: bytes = HexaryTrie.get_from_proof(_bytes(root, what), path, nodes)
    except Exception as error:  # the library fails in many ways on nodes that are none
        raise VerificationError(f"receipt: the {what} proof does not hold") from error
    if not value:
        raise VerificationError(f"receipt: the {what} proof shows that there is nothing")
    return value


def _list(data: bytes, what: str, least: int) -> list[Any]:
    decoded = _decode(data, what)
    if not isinstance(decoded, list) or len(decoded) < least:
        raise VerificationError(f"receipt: a malformed {what}")
    return decoded


def _bytes(value: Any, what: str) -> bytes:
    if not isinstance(value, bytes):
        raise VerificationError(f"receipt: a malformed {what}")
    return value


def _word(stored: bytes) -> bytes:
    """Return a stored integer, which the trie keeps without leading zeros, as 32 bytes."""
    return _bytes(_decode(stored, "word"), "word").rjust(32, b"\0")


def _decode(data: bytes, what: str) -> Any:
    try:
        return rlp.decode(data)
    except (rlp.exceptions.RLPException, RecursionError) as error:
        raise VerificationError(f"receipt: a malformed {what}") from error
