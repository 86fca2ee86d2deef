"""Inputs that a parser once took, or fell over: each is refused by name now."""

import json
import signal
from collections.abc import Callable

import pytest
import rlp
from eth_utils.crypto import keccak

from tests.fuzz.target import feed
from tests.fuzz.targets import TARGETS


def _answer(name: str, **changes: object) -> bytes:
    """Return a real answer of an endpoint, with other fields in its result."""
    answer = json.loads(TARGETS[name].corpus()[0])
    result = answer["result"]
    (result[0] if isinstance(result, list) else result).update(changes)
    return json.dumps(answer).encode()


def _error(message: str) -> bytes:
    error = {"code": -32005, "message": message}
    return json.dumps({"jsonrpc": "2.0", "id": 1, "error": error}).encode()


def _changed(name: str, old: bytes, new: bytes) -> bytes:
    data = next(data for data in TARGETS[name].corpus() if old in data)
    return data.replace(old, new, 1)


def _receipt(**changes: object) -> bytes:
    receipt = json.loads(TARGETS["receipt"].corpus()[0])
    return json.dumps({**receipt, **changes}).encode()


def _receipt_with_a_strange_node() -> bytes:
    """The root of the state is the node's hash, so the path leads to it."""
    receipt = json.loads(TARGETS["receipt"].corpus()[0])
    node = rlp.encode([b"a", b"b", b"c"])
    fields = rlp.decode(bytes.fromhex(receipt["header"]))
    fields[3] = keccak(node)
    return _receipt(header=rlp.encode(fields).hex(), account_proof=[node.hex()])


def _receipt_with_a_deep_header() -> bytes:
    header = b"\xc0"
    for _ in range(3_000):
        header = rlp.codec.length_prefix(len(header), 0xC0) + header
    return _receipt(header=header.hex())


MENDED: dict[str, tuple[str, Callable[[], bytes]]] = {
    "a log index that no database keeps": (
        "rpc_logs",
        lambda: _answer("rpc_logs", logIndex=hex(1 << 63)),
    ),
    "a height that no database keeps": (
        "rpc_block",
        lambda: _answer("rpc_block", number=hex(1 << 255)),
    ),
    "a quantity with a line's end": ("rpc_block", lambda: _answer("rpc_block", number="0x1\n")),
    "a range limit with a leading zero": (
        "rpc_logs",
        lambda: _error("limited to a 100 blocks range, try range [10, 015]"),
    ),
    "an opening with spaces for digits": (
        "opening",
        lambda: _changed("opening", b"00000000", b"   00000"),
    ),
    "a record with more behind it": ("record", lambda: TARGETS["record"].corpus()[0] + bytes(32)),
    "a guest path with a line's end": (
        "manifest",
        lambda: _changed("manifest", b'"scene.txt"', b'"scene.txt\\n"'),
    ),
    "a permit with a line's end": (
        "upload_header",
        lambda: TARGETS["upload_header"].corpus()[0] + b"\n",
    ),
    "a tag that YAML falls over": ("job_yaml", lambda: b"name: !!timestamp x"),
    "a tag that makes bytes": ("job_yaml", lambda: b"name: !!binary aGk="),
    "a range beyond every machine's numbers": (
        "job_yaml",
        lambda: b"name: a\nprogram: p\nprice: 1\ntasks: {range: {to: 99999999999999999999}}",
    ),
    "a number of thousands of digits": ("table_json", lambda: b'[{"a":' + b"9" * 5_000 + b"}]"),
    "a column with a line's end": ("table_csv", lambda: b'"a\n"\n1\n'),
    "an array whose header is no Python": (
        "npy",
        lambda: _changed("npy", b"'shape': (2,", b"'shape':xB2,"),
    ),
    "a header with a negative number": (
        "block_header",
        lambda: json.dumps(
            {**json.loads(TARGETS["block_header"].corpus()[0]), "number": "-0x1"}
        ).encode(),
    ),
    "a header whose hash has a line's end in it": (
        "block_header",
        lambda: _changed("block_header", b'"hash": "0x', b'"hash": "0x\\n'),
    ),
    "a proof whose node is none": ("receipt", _receipt_with_a_strange_node),
    "a receipt of a chain beyond 256 bits": ("receipt", lambda: _receipt(chain_id=1 << 256)),
    "a header of lists in lists": ("receipt", _receipt_with_a_deep_header),
    "a redirect to no address": ("redirect", lambda: b"//[::!]"),
    "a redirect to an address that ends at its user": ("redirect", lambda: b"//[::1]@"),
    "a child's answer that is no object": ("child_reply", lambda: b'[]\n{"ended":0}'),
    "a child's record without fields": ("child_reply", lambda: b'{"record":1}\n{"ended":0}'),
    "a child's record with a short digest": (
        "child_reply",
        lambda: _changed("child_reply", b'"output_root": "' + b"0" * 64, b'"output_root": "00'),
    ),
    "a child's failure without a reason": ("child_reply", lambda: b'{"failed":[]}\n{"ended":0}'),
}


@pytest.mark.parametrize(("name", "make"), MENDED.values(), ids=MENDED)
def test_regression__mended_input__refused(name, make):
    assert not feed(TARGETS[name], make())


@pytest.mark.parametrize("depth", range(880, 1_000, 4))
def test_regression__answer_too_deep_to_show__refused(depth):
    deep = json.loads("[" * 100 + "]" * 100)
    answer = json.dumps({"jsonrpc": "2.0", "id": 1, "result": {"number": deep}})
    nested = answer.replace("[" * 100 + "]" * 100, "[" * depth + "]" * depth)

    assert not feed(TARGETS["rpc_block"], nested.encode())


def test_feed__after_an_input__no_alarm_is_left_to_go_off():
    feed(TARGETS["manifest"], b"{")
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)
