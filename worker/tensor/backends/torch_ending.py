"""How operators end in torch: as in worker.tensor.backends.ending, or in one kernel on a GPU."""

from collections.abc import Callable
from functools import cache
from typing import Any

import torch

from worker.tensor.backends.ending import Ending
from worker.tensor.program import Op

_KERNEL = """template <typename T> T ending(T v, T b, T m, T s, T zp, T lo, T hi) {
    long long w = ((long long)v + b) * m;
    w = ((w + ((1LL << s) >> 1)) >> s) + zp;
    return w < lo ? lo : w > hi ? hi : (T)w;
}"""


class TorchEnding:
    """fin(rq(v, m, s)) for numbers v of one type, `dtype`: float64 or int64."""

    def __init__(self, op: Op, m: Any, s: Any, bound: int, device: torch.device) -> None:
        """Take m and s, numbers or arrays for the columns, and a bound on |v|."""
        plan = Ending(op, m, s, bound)
        self._op = op
        self._is_float = plan.is_float
        self.dtype = torch.float64 if self._is_float else torch.int64
        arrays = (plan.scale, plan.plus) if self._is_float else (plan.m, plan.half, plan.s)
        self._constants = [torch.tensor(array, device=device) for array in arrays]

    def __call__(self, v: torch.Tensor) -> torch.Tensor:
        """Return the finished numbers, computed in v itself, which has `dtype`."""
        if self._is_float:
            scale, plus = self._constants
            return v.mul_(scale).add_(plus).floor_().clamp_(self._op.lo, self._op.hi)
        m, half, s = self._constants
        v.mul_(m).add_(half).bitwise_right_shift_(s)
        return clamped(self._op, v)


def clamped(op: Op, v: torch.Tensor) -> torch.Tensor:
    """Return fin(v), computed in v itself."""
    return v.add_(op.zp).clamp_(op.lo, op.hi)


def end_on_gpu(
    op: Op, sums: torch.Tensor, b: torch.Tensor, m: torch.Tensor, s: torch.Tensor
) -> torch.Tensor:
    """Return fin(rq(sums + b, m, s)) for int32 sums and outputs; b, m and s are int32 too.

    All of it is one kernel, because memory traffic is what it costs.
    """
    return _kernel()(sums, b, m, s, zp=op.zp, lo=op.lo, hi=op.hi)


@cache
def _kernel() -> Callable[..., torch.Tensor]:
    kernel: Callable[..., torch.Tensor] = torch.cuda.jiterator._create_jit_fn(
        _KERNEL, zp=0, lo=0, hi=0
    )
    return kernel
