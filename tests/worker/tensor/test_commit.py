"""Commitments against a plain reading of docs/tensor.md §2."""

import hashlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.tensor import commit
from worker.tensor.tensors import DType, TensorType, Weights, from_bytes, to_bytes

SHAPES = [  # type, rows, cols
    (DType.I8, 1, 1),
    (DType.I8, 1030, 1),  # packed, the last line short
    (DType.I8, 9, 255),
    (DType.I8, 3, 256),
    (DType.I8, 2, 1025),  # a last chunk of one byte
    (DType.I16, 5, 1024),
    (DType.I32, 33, 10),
    (DType.I64, 2, 2050),  # a row of 16,400 bytes
    (DType.W8, 7, 9),
    (DType.W8, 2, 16384),
]


def sha(tag, *parts):
    return hashlib.sha256(bytes([tag]) + b"".join(parts)).digest()


def plain_tree(leaves):
    level = list(leaves)
    level += [bytes(32)] * ((1 << math.ceil(math.log2(len(level)))) - len(level))
    while len(level) > 1:
        level = [sha(2, *level[at : at + 2]) for at in range(0, len(level), 2)]
    return level[0]


def plain_digest(type, data):
    size = type.row_bytes * (1 if type.row_bytes >= 256 else 1024 // type.row_bytes)
    lines = [data[at : at + size] for at in range(0, len(data), size)]
    leaves = [
        sha(1, *(sha(0, line[at : at + 1024]) for at in range(0, len(line), 1024)))
        for line in lines
    ]
    head = bytes([type.dtype]) + type.rows.to_bytes(4, "big") + type.cols.to_bytes(4, "big")
    return sha(3, head, plain_tree(leaves))


def random_tensor(dtype, rows, cols):
    draw = np.random.default_rng(rows * cols)
    if dtype is DType.W8:
        return Weights(
            draw.integers(-128, 128, (rows, cols), np.int8),
            draw.integers(-(1 << 30), 1 << 30, rows, np.int32),
            draw.integers(1 << 30, 1 << 31, rows, np.uint32),
            draw.integers(0, 63, rows, np.uint8),
        )
    return draw.integers(dtype.min, dtype.max, (rows, cols), dtype.numpy, endpoint=True)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_digest__every_layout__is_the_plain_definition(shape):
    tensor = random_tensor(*shape)
    type = TensorType(*shape)

    data = to_bytes(tensor).tobytes()
    assert len(data) == type.nbytes
    assert commit.Commitment(tensor).digest == plain_digest(type, data)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_from_bytes__of_to_bytes__is_the_tensor(shape):
    tensor = random_tensor(*shape)

    again = from_bytes(TensorType(*shape), to_bytes(tensor).tobytes())

    if isinstance(tensor, Weights):
        assert all(np.array_equal(getattr(again, n), getattr(tensor, n)) for n in "wbms")
    else:
        assert again.dtype == tensor.dtype
        assert np.array_equal(again, tensor)


def test_to_bytes__wide_elements__are_big_endian():
    assert to_bytes(np.array([[1, -2]], np.int16)).tobytes() == b"\0\x01\xff\xfe"


def test_to_bytes__weights__end_in_bias_multiplier_shift_and_zeros():
    weights = Weights(
        np.array([[3]], np.int8),
        np.array([-1], np.int32),
        np.array([1 << 30], np.uint32),
        np.array([40], np.uint8),
    )

    tail = "ffffffff" + "40000000" + "28" + "00" * 7
    assert to_bytes(weights).tobytes().hex() == "03" + tail


def test_from_bytes__bytes_missing_or_tail_not_zero__is_refused():
    with pytest.raises(ValueError, match="has 4 bytes, not 3"):
        from_bytes(TensorType(DType.I16, 1, 2), bytes(3))
    with pytest.raises(ValueError, match="must be zero"):
        from_bytes(TensorType(DType.W8, 1, 1), bytes(16) + b"\1")


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_layout__every_line__has_the_bytes_and_chunks_it_says(shape):
    tensor = random_tensor(*shape)
    layout = commit.Layout(TensorType(*shape))

    for line in range(layout.lines):
        data = commit.line_bytes(tensor, line)
        assert len(data) == layout.line_bytes(line)
        assert len(commit.chunk_digests(data)) == layout.chunks(line)
    assert layout.lines == len(commit.line_digests(tensor))
    assert layout.depth == commit.Commitment(tensor).tree.depth


@pytest.mark.parametrize("shape", SHAPES[:-2], ids=str)
def test_place__every_corner__is_where_the_element_lies(shape):
    tensor = random_tensor(*shape)
    layout = commit.Layout(TensorType(*shape))
    size = shape[0].size

    for row in (0, shape[1] // 2, shape[1] - 1):
        for col in (0, shape[2] - 1):
            line, at = layout.place(row, col)
            found = commit.line_bytes(tensor, line)[at : at + size]
            assert int.from_bytes(found, "big", signed=True) == tensor[row, col]


@given(st.integers(1, 40), st.data())
def test_path__any_place_padding_included__leads_to_the_root(count, data):
    leaves = [sha(9, bytes([index])) for index in range(count)]
    tree = commit.Tree(leaves)
    index = data.draw(st.integers(0, (1 << tree.depth) - 1))

    digest = leaves[index] if index < count else commit.ZERO
    for sibling in tree.path(index):
        digest = commit.node(sibling, digest) if index & 1 else commit.node(digest, sibling)
        index >>= 1

    assert digest == tree.root == plain_tree(leaves)
    with pytest.raises(IndexError):
        tree.path(1 << tree.depth)


def test_tree__one_leaf__is_the_leaf():
    assert commit.Tree([b"x" * 32]).root == b"x" * 32
    with pytest.raises(ValueError, match="at least one leaf"):
        commit.Tree([])
