"""The self-test passes honest backends and names what a broken one gets wrong."""

import time

import numpy as np
import pytest

from tests.worker.tensor.torch_extra import need_torch
from worker.errors import ConfigError
from worker.tensor.backends import choose
from worker.tensor.backends.numpy import NumpyBackend
from worker.tensor.program import Opcode
from worker.tensor.selftest import self_test


class Broken(NumpyBackend):
    """Changes what an operator writes."""

    name = "broken"

    def __init__(self, opcode, spoil):
        self._opcode, self._spoil = opcode, spoil

    def compute(self, op, operands):
        result = super().compute(op, operands)
        return self._spoil(result) if op.opcode is self._opcode else result


def saturated(result):
    """Sums of pairs of products that stop at 2^15 - 1, as on CPUs without VNNI."""
    return np.where(result == 64 * 128 * 128, 64 * 32767 // 2, result).astype(result.dtype)


def test_self_test__numpy__passes_in_two_seconds():
    started = time.process_time()

    assert self_test(NumpyBackend()) is None
    assert time.process_time() - started < 2


def test_self_test__torch__passes():
    need_torch()

    assert self_test(choose.open_backend("torch")) is None


def test_self_test__sums_that_saturate__are_found():
    reason = self_test(Broken(Opcode.MATMUL, saturated))

    assert reason == "broken: MATMUL 1x64x8 is wrong at (0, 0)"


@pytest.mark.parametrize("opcode", Opcode, ids=lambda code: code.name.lower())
def test_self_test__any_operator_wrong__is_named(opcode):
    reason = self_test(Broken(opcode, lambda result: result ^ result.dtype.type(1)))

    assert reason.startswith(f"broken: {opcode.name} ")


def test_self_test__device_fails__is_a_reason():
    def fail(result):
        raise RuntimeError("CUDA error: out of memory")

    assert self_test(Broken(Opcode.ADD, fail)) == "broken: CUDA error: out of memory"


def test_open_backend__torch_missing__is_numpy_unless_asked_for(monkeypatch):
    monkeypatch.setattr(choose, "find_spec", lambda name: None)

    assert choose.open_backend().name == "numpy"
    with pytest.raises(ConfigError, match="torch is not installed"):
        choose.open_backend("torch")


def test_open_backend__by_name__is_that_one():
    assert choose.open_backend("numpy").name == "numpy"
    need_torch()
    assert choose.open_backend("torch").name.startswith("torch on ")


@pytest.mark.parametrize("has_units", [True, False])
def test_open_backend__auto__is_torch_where_it_has_int8_units(monkeypatch, has_units):
    need_torch()
    from worker.tensor.backends.torch import TorchBackend

    monkeypatch.setattr(TorchBackend, "has_int8_units", has_units)

    assert isinstance(choose.open_backend(), TorchBackend if has_units else NumpyBackend)
