"""Output bundles: canonical, complete, and harmless to unpack."""

import hashlib
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.errors import InvalidBlobError
from worker.protocol.bundle import Bundle, pack

STREAMS = {"stdout": b"hello\n", "stderr": b""}
NAMES = st.from_regex(r"\Aout/[a-z]{1,3}\Z")


def packed(entries):
    file = io.BytesIO()
    pack(entries, file)
    return file.getvalue()


def forged(index, contents=b""):
    encoded = json.dumps(index, sort_keys=True, separators=(",", ":")).encode()
    return len(encoded).to_bytes(8, "big") + encoded + contents


def entry(name, content=b""):
    return {"name": name, "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}


def open_bundle(data):
    return Bundle(io.BytesIO(data))


@given(st.dictionaries(NAMES, st.binary(max_size=50), max_size=5))
def test_pack__any_files__reads_back_in_order_of_names(files):
    entries = {**STREAMS, **files}

    bundle = open_bundle(packed(entries))

    assert [found.name for found in bundle.entries] == sorted(entries)
    assert {name: bundle.read(name) for name in entries} == entries
    assert packed(dict(reversed(entries.items()))) == packed(entries)


def test_extract__folders__writes_files(tmp_path):
    bundle = open_bundle(packed({**STREAMS, "out/a/b.txt": b"deep", "out/c": b""}))

    paths = bundle.extract(tmp_path / "to")

    assert (tmp_path / "to/out/a/b.txt").read_bytes() == b"deep"
    assert {str(path.relative_to(tmp_path / "to")) for path in paths} == {
        *("out/a/b.txt", "out/c", "stderr", "stdout")
    }


def test_extract__file_is_there_already__is_not_overwritten(tmp_path):
    bundle = open_bundle(packed(STREAMS))
    bundle.extract(tmp_path)

    with pytest.raises(FileExistsError):
        bundle.extract(tmp_path)


def test_read__unknown_name__raises():
    with pytest.raises(KeyError):
        open_bundle(packed(STREAMS)).read("out/none")


def test_read__changed_content__raises():
    data = packed(STREAMS)

    with pytest.raises(InvalidBlobError, match="stdout is not what its digest says"):
        open_bundle(data[:-1] + b"!").read("stdout")


STDERR, STDOUT = entry("stderr"), entry("stdout")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "cut short"),
        (b"\0" * 7, "cut short"),
        ((1 << 40).to_bytes(8, "big"), "cut short"),
        ((1).to_bytes(8, "big") + b"[", "bundle: "),
        (forged([STDOUT, STDERR]), "canonical"),
        (forged([STDERR, STDERR, STDOUT]), "canonical"),
        (forged([STDERR]), "nothing else"),
        (forged([entry("etc/passwd"), STDERR, STDOUT]), "nothing else"),
        (forged([entry("out/../../up"), STDERR, STDOUT]), "guest path"),
        (forged([entry("/out/a"), STDERR, STDOUT]), "guest path"),
        (forged([entry("out/.hidden"), STDERR, STDOUT]), "guest path"),
        (forged([entry("out/a"), entry("out/a/b"), STDERR, STDOUT]), "another's folder"),
        (forged([STDERR, {**STDOUT, "size": 1}]), "the index says"),
        (forged([STDERR, {**STDOUT, "size": -1}]), "greater than or equal"),
        (forged([STDERR, {**STDOUT, "more": 1}]), "Extra"),
        (forged([STDERR, STDOUT], b"trailing"), "the index says"),
        (forged([STDERR, STDOUT]).replace(b",", b", ", 1), "bundle"),
    ],
)
def test_open__not_canonical__is_refused(data, message):
    with pytest.raises(InvalidBlobError, match=message):
        open_bundle(data)
