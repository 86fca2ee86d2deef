"""Logs as events of the contracts, what the watcher keeps of them, and results of calls."""

import json
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from tests.fuzz.target import MEMORY, Form, Target
from tests.fuzz.targets.abi import contracts, document
from worker.chain.events import Scan
from worker.chain.wire import Block, parse_log
from worker.errors import RpcError
from worker.services.chain_view import ChainView
from worker.services.watcher import Watcher
from worker.storage.database import Database
from worker.types import Timestamp, Wei

_HEAD = Block(9, bytes(32), bytes(32), Timestamp(1), Wei(1))


@cache
def _watcher() -> Watcher:
    folder = tempfile.TemporaryDirectory(prefix="fuzz-", dir=MEMORY)
    database = Database(Path(folder.name) / "events.sqlite")
    watcher = Watcher(None, database, ChainView(contracts(), 1), [], 1.0)  # type: ignore[arg-type]
    watcher.folder = folder  # type: ignore[attr-defined]  # goes when the watcher goes
    return watcher


def _event(data: bytes) -> bool:
    """A log becomes an event, and the watcher keeps it or refuses it, whole."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return False
    event = contracts().decode_log(parse_log(value))
    if event is None:
        return False
    _watcher()._store(Scan((event,), {}, _HEAD, 9, is_caught_up=True, rollback_to=-1))
    return True


def _events() -> list[bytes]:
    return [
        json.dumps(_log(contract["address"], item)).encode()
        for contract in document()["contracts"].values()
        for item in contract["abi"]
        if item["type"] == "event"
    ]


def _log(address: str, event: dict[str, Any]) -> dict[str, Any]:
    """Return a log of an event with small values."""
    kinds = [(_kind(field), field["indexed"]) for field in event["inputs"]]
    signature = f"{event['name']}({','.join(kind for kind, _ in kinds)})"
    indexed = [kind for kind, is_topic in kinds if is_topic]
    plain = [kind for kind, is_topic in kinds if not is_topic]
    topics = [keccak(text=signature), *(encode([kind], [_small(kind)]) for kind in indexed)]
    return {
        "address": address,
        "topics": ["0x" + topic.hex() for topic in topics],
        "data": "0x" + encode(plain, [_small(kind) for kind in plain]).hex(),
        "blockNumber": "0x7",
        "blockHash": "0x" + "33" * 32,
        "transactionHash": "0x" + "44" * 32,
        "logIndex": "0x2",
        "removed": False,
    }


def _kind(field: dict[str, Any]) -> str:
    kind = str(field["type"])
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(map(_kind, field['components']))}){kind.removeprefix('tuple')}"


def _small(kind: str) -> Any:
    """Return a value of an ABI type."""
    if kind.endswith("]"):
        inner, _, count = kind.rpartition("[")
        return [_small(inner)] * int(count.rstrip("]") or 2)
    if kind.startswith("("):
        return tuple(map(_small, _members(kind)))
    plain: dict[str, Any] = {"bool": True, "string": "x", "address": "0x" + "55" * 20}
    if kind.startswith("bytes"):
        return b"\1" * int(kind.removeprefix("bytes") or 3)
    return plain.get(kind, 3)


def _members(kind: str) -> list[str]:
    members, depth = [""], 0
    for letter in kind[1:-1]:
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            members.append("")
        else:
            members[-1] += letter
    return members


@cache
def _functions() -> list[Any]:
    return [contracts()._functions[key] for key in sorted(contracts()._functions)]


def _call(data: bytes) -> bool:
    """The first two bytes choose whose result the others are."""
    number = int.from_bytes(data[:2], "big")
    _functions()[number % len(_functions())].decode(data[2:])
    return True


def _calls() -> list[bytes]:
    return [
        number.to_bytes(2, "big") + encode(one.outputs, [_small(kind) for kind in one.outputs])
        for number, one in enumerate(_functions())
        if one.outputs
    ]


TARGETS = (
    Target("event", _event, _events, (RpcError,), Form.JSON),
    Target("call_result", _call, _calls, (RpcError,)),
)
