"""The start-up self-test: does a backend compute, on this very machine, what the reference says?

Wrong int8 products are common in the wild (sums that saturate, products in half precision), and a
worker that seals them is convicted. So products are tested at the ends of int8 in every class of
shape that a backend treats in its own way, and every operator on random and extreme elements.
"""

import random
from collections.abc import Iterator
from itertools import chain, product
from typing import Any

import numpy as np

from worker.tensor.backends.base import Backend
from worker.tensor.build import Builder, Fin
from worker.tensor.cases import Case, case
from worker.tensor.execute import Runner
from worker.tensor.program import Opcode, Source
from worker.tensor.reference import Operands, element
from worker.tensor.tensors import Array, DType
from worker.tensor.trace import first_element

_SEEDS = range(4)
_PICKS = 6
"""Elements of each case that are compared."""

_SHAPES = [(1, 64, 8), (16, 1024, 16), (17, 1025, 9), (40, 4096, 72), (8, 11008, 24)]
"""Rows, products in a sum, columns: below and above what GPUs take, in eights and not."""


def self_test(backend: Backend[Any]) -> str | None:
    """Return why a backend must not be used, or None. Takes a second or two."""
    try:
        return next(chain(_test_products(backend), _test_operators(backend)), None)
    except RuntimeError as error:  # what torch raises for all that a device cannot do
        return f"{backend.name}: {error}"


def _test_products(backend: Backend[Any]) -> Iterator[str]:
    draw = np.random.default_rng(0)
    for rows, inner, cols in _SHAPES:
        ends = [np.full((2, inner), end, np.int8) for end in (-128, 127)]
        mixed = draw.choice(np.array([-128, 127], np.int8), (2, inner))
        for x, w in product([*ends, mixed], repeat=2):
            left, right = (np.resize(v, (count, inner)) for v, count in ((x, rows), (w, cols)))
            expected = (left.astype(np.float64) @ right.T.astype(np.float64)).astype(np.int32)
            place = first_element(_product(backend, left, right), expected)
            if place is not None:
                yield f"{backend.name}: MATMUL {rows}x{inner}x{cols} is wrong at {place}"


def _product(backend: Backend[Any], x: Array, w: Array) -> Array:
    build = Builder()
    zeros, ones = np.zeros(len(w)), np.ones(len(w))
    value = build.input(DType.I8, *x.shape)
    build.output(build.matmul(value, build.weights(w, zeros, ones, zeros), Fin(DType.I32)))
    ((_, result),) = Runner(build.build(), backend).run([x])
    return result


def _test_operators(backend: Backend[Any]) -> Iterator[str]:
    for opcode, seed, extreme in product(Opcode, _SEEDS, (False, True)):
        made = case(opcode, seed, extreme)
        for k, result in Runner(made.program, backend).run(made.inputs):
            place = _first_wrong(made, k, result, seed)
            if place is not None:
                yield f"{backend.name}: {opcode.name} is wrong at {place}, seed {seed}"


def _first_wrong(made: Case, k: int, result: Array, seed: int) -> tuple[int, int] | None:
    op = made.program.ops[k]
    found = {Source.INPUT: made.inputs, Source.CONSTANT: made.program.constants}
    read = Operands(*(found[ref.source][ref.index] for ref in op.operands))
    pick = random.Random(seed).randrange  # noqa: S311 - places to look at, not secrets
    rows, cols = result.shape
    places = [(0, 0), (rows - 1, cols - 1), *((pick(rows), pick(cols)) for _ in range(_PICKS))]
    return next((p for p in places if result[p] != element(op, *p, read)), None)
