"""A machine whose kernel is broken: it computes tensors wrongly, the same way each time."""

from collections.abc import Sequence
from typing import Any

from worker.tensor.backends.base import Backend
from worker.tensor.program import Op
from worker.tensor.tensors import Array, Constant


class FaultyBackend:
    """Computes tensors as a broken kernel would: the first element that one operator of a program
    writes is off by one, the same way each time. The first operator alone is what the self-test at
    start runs: a fault there keeps the worker from provable jobs."""

    def __init__(self, honest: Backend[Any], operator: int) -> None:
        self._honest = honest
        self._operator = operator
        self.name = f"{honest.name}, faulty"
        self.uses_gpu = honest.uses_gpu

    def load(self, tensor: Constant) -> Any:
        """Load as the honest backend does."""
        return self._honest.load(tensor)

    def compute(self, op: Op, operands: Sequence[Any]) -> Any:
        """Return what the honest backend computes, one element of one operator's apart."""
        tensor = self._honest.compute(op, operands)
        if op.output.index != self._operator:
            return tensor
        wrong = self._honest.fetch(tensor).copy()
        wrong[0, 0] = wrong[0, 0] - 1 if wrong[0, 0] == op.hi else wrong[0, 0] + 1
        return self._honest.load(wrong)

    def fetch(self, tensor: Any) -> Array:
        """Fetch as the honest backend does."""
        return self._honest.fetch(tensor)
