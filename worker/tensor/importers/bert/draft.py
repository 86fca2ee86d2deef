"""What the parts of an encoder's program share while it is being made."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from worker.tensor.arrays import Array
from worker.tensor.build import Builder, Fin, Value
from worker.tensor.importers.bert.statistics import Statistics
from worker.tensor.importers.bert.weights import Dense, Encoder, Norm
from worker.tensor.quantise.linear import pack
from worker.tensor.quantise.norms import affine_rows, epsilon_term
from worker.tensor.quantise.observe import Moments
from worker.tensor.quantise.scale import Scale
from worker.tensor.quantise.smoothing import Columns
from worker.tensor.tensors import DType

UNIT = Scale(DType.I8, 1.0)  # of integers whose meaning is in the weights that read them


@dataclass(frozen=True)
class Hidden:
    """A layer's input in its two forms: for the sum, and for the products."""

    wide: Value
    narrow: Value
    columns: Columns


@dataclass(frozen=True)
class Draft:
    """An encoder's program for `batch` texts of `length` tokens, half made."""

    encoder: Encoder
    seen: Statistics
    builder: Builder
    batch: int
    length: int
    mask: Value  # batch x length, 1 for tokens

    @cached_property
    def one(self) -> Value:
        """The number 1, for quotients."""
        return self.builder.constant(np.array([[1]], np.int8))

    def linear(
        self, x: Value, dense: Dense, columns: Columns, ints: Moments, out: Array, fin: Fin
    ) -> Value:
        """x · wᵀ + b; x's integers mean `columns` and had the moments `ints`."""
        w = dense.w * columns.unit
        bias = dense.b + dense.w @ columns.centre
        packed = pack(w, bias, ints, UNIT, out)
        return self.builder.matmul(x, self.builder.weights(*packed), fin)

    def norm(self, x: Value, norm: Norm, x_scale: Scale, wide: Scale, columns: Columns) -> Hidden:
        """Layer norm of x, in both forms."""
        normal = self.normal(x, x_scale)
        narrow = Norm(norm.gamma / columns.unit, (norm.beta - columns.centre) / columns.unit)
        return Hidden(self.scaled(normal, norm, wide), self.scaled(normal, narrow, UNIT), columns)

    def normal(self, x: Value, scale: Scale) -> Value:
        """NORM of x."""
        term = epsilon_term(self.encoder.epsilon, x.cols, scale)
        return self.builder.norm(x, Fin(DType.I16), term)

    def scaled(self, normal: Value, norm: Norm, out: Scale) -> Value:
        """SCALE after NORM."""
        gamma, beta, by = affine_rows(norm.gamma, norm.beta, out)
        rows = self.builder.constant(gamma), self.builder.constant(beta)
        return self.builder.scale(normal, rows[0], rows[1], by, out.fin())
