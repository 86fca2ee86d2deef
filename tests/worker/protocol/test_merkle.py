"""Merkle trees: roots against a plain definition, proofs that bind the place."""

import hashlib
import io

import pytest
from eth_utils import keccak
from hypothesis import given
from hypothesis import strategies as st

from worker.protocol import merkle

LEAVES = st.lists(st.binary(max_size=40), min_size=1, max_size=40)
SCHEMES = st.sampled_from([merkle.CHUNKS, merkle.ROWS, merkle.NAMED])


def plain_root(scheme: merkle.Scheme, leaves: list[bytes]) -> bytes:
    level = [scheme.leaf(leaf) for leaf in leaves]
    while len(level) > 1:
        if len(level) % 2:
            level.append(bytes(32))
        level = [scheme.node(*level[i : i + 2]) for i in range(0, len(level), 2)]
    return level[0]


@given(SCHEMES, LEAVES)
def test_root__any_leaves__is_the_plain_definition(scheme, leaves):
    assert merkle.root(scheme, leaves) == plain_root(scheme, leaves)


@given(SCHEMES, LEAVES, st.data())
def test_proof__every_place__verifies_there_and_nowhere_else(scheme, leaves, data):
    index = data.draw(st.integers(0, len(leaves) - 1))
    other = data.draw(st.integers(-2, len(leaves) + 2).filter(lambda place: place != index))
    root = merkle.root(scheme, leaves)
    path = merkle.proof(scheme, leaves, index)

    assert len(path) == merkle.depth(len(leaves))
    assert merkle.verify(scheme, root, index, len(leaves), leaves[index], path)
    if other < 0 or other >= len(leaves) or leaves[other] != leaves[index]:
        assert not merkle.verify(scheme, root, other, len(leaves), leaves[index], path)
    assert not merkle.verify(scheme, root, index, len(leaves), leaves[index] + b"x", path)


@given(LEAVES, st.data())
def test_verify__path_of_another_length__is_refused(leaves, data):
    index = data.draw(st.integers(0, len(leaves) - 1))
    root = merkle.root(merkle.CHUNKS, leaves)
    path = merkle.proof(merkle.CHUNKS, leaves, index)

    longer = [*path, merkle.ZERO]
    grown = merkle.CHUNKS.node(root, merkle.ZERO)
    assert not merkle.verify(merkle.CHUNKS, grown, index, len(leaves), leaves[index], longer)
    assert not merkle.verify(merkle.CHUNKS, root, index, len(leaves), leaves[index], longer)
    if path:
        shorter = path[:-1]
        assert not merkle.verify(merkle.CHUNKS, root, index, len(leaves), leaves[index], shorter)


def test_verify__inner_node_as_leaf__is_refused():
    leaves = [b"a", b"b", b"c", b"d"]
    root = merkle.root(merkle.CHUNKS, leaves)
    left, right = (merkle.CHUNKS.leaf(leaf) for leaf in leaves[:2])
    upper = merkle.proof(merkle.CHUNKS, leaves, 0)[1:]

    assert not merkle.verify(merkle.CHUNKS, root, 0, 2, left + right, upper)


@pytest.mark.parametrize(
    ("count", "expected"), [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (1025, 11)]
)
def test_depth__count__is_ceiling_of_log2(count, expected):
    assert merkle.depth(count) == expected


def test_root__no_leaves__raises():
    with pytest.raises(ValueError, match="at least one"):
        merkle.root(merkle.CHUNKS, [])


@pytest.mark.parametrize("index", [-1, 2])
def test_proof__outside__raises(index):
    with pytest.raises(IndexError):
        merkle.proof(merkle.CHUNKS, [b"a", b"b"], index)


@given(st.integers(0, 5000))
def test_chunk_root__any_size__cuts_into_kibibytes(size):
    data = bytes(i % 251 for i in range(size))
    chunks = [data[start : start + 1024] for start in range(0, size, 1024)] or [b""]

    assert len(chunks) == merkle.chunk_count(size)
    assert merkle.chunk_root(io.BytesIO(data)) == plain_root(merkle.CHUNKS, chunks)


def test_chunk_root__empty__is_one_empty_leaf():
    assert merkle.chunk_root(io.BytesIO(b"")) == hashlib.sha256(b"\x20").digest()


def test_root_of_rows__two_rows__uses_its_own_tags():
    left, right = (hashlib.sha256(b"\x22" + row).digest() for row in (b"one", b"two"))

    root = merkle.root_of_rows([b"one", b"two"])

    assert root == hashlib.sha256(b"\x23" + left + right).digest()


def test_named_root__two_operators__is_keccak_over_padded_words():
    first, second = (keccak(b"\x00" + number.to_bytes(32, "big")) for number in (7, 9))

    assert merkle.named_root([7, 9]) == keccak(b"\x01" + first + second)
    assert merkle.named_proof([7, 9], 1) == [first]


@pytest.mark.parametrize("number", [0, 1 << 24])
def test_named_root__not_an_operator_id__raises(number):
    with pytest.raises(ValueError, match="operator id"):
        merkle.named_root([number])
