"""Running a program on a backend, with no tensor held longer than it is read."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Generic

from worker.errors import InvalidBlobError
from worker.tensor.backends.base import Backend, T
from worker.tensor.liveness import OPERATORS, spent_after
from worker.tensor.program import Program, Ref, Source
from worker.tensor.tensors import Array, TensorType, type_of


class Runner(Generic[T]):
    """A valid program on a backend, its constants loaded once for many runs."""

    def __init__(self, program: Program, backend: Backend[T]) -> None:
        """Load the constants."""
        self.program = program
        self._backend = backend
        self._constants = [backend.load(constant) for constant in program.constants]
        self._spent = spent_after(program)

    def run(
        self, inputs: Sequence[Array], wanted: Collection[int] | None = None
    ) -> Iterator[tuple[int, Array]]:
        """Yield (k, tensor k) for each operator k in `wanted`, in order: by default the outputs.

        What comes after the last one wanted is not computed.
        Raises InvalidBlobError before anything is computed when the inputs are not the program's.
        """
        check_inputs(self.program.inputs, inputs)
        return self._run(inputs, set(self.program.outputs if wanted is None else wanted))

    def _run(self, inputs: Sequence[Array], wanted: set[int]) -> Iterator[tuple[int, Array]]:
        loaded = [self._backend.load(tensor) for tensor in inputs]
        live: dict[int, T] = {}
        for index, op in enumerate(self.program.ops[: max(wanted, default=-1) + 1]):
            operands = [self._find(ref, loaded, live) for ref in op.operands]
            live[index] = self._backend.compute(op, operands)
            del operands
            if index in wanted:
                yield index, self._backend.fetch(live[index])
            for spent in self._spent[index]:
                del live[spent]

    def _find(self, ref: Ref, inputs: Sequence[T], live: dict[int, T]) -> T:
        if ref.source in OPERATORS:
            return live[ref.index]
        return (inputs if ref.source is Source.INPUT else self._constants)[ref.index]


def execute(program: Program, inputs: Sequence[Array], backend: Backend[Any]) -> list[Array]:
    """Return the outputs of one run. Raises InvalidBlobError as Runner.run does."""
    return [tensor for _, tensor in Runner(program, backend).run(inputs)]


def check_inputs(types: Sequence[TensorType], inputs: Sequence[Array]) -> None:
    """Raises InvalidBlobError unless the inputs have these types and shapes."""
    if len(inputs) != len(types):
        raise InvalidBlobError(f"inputs: {len(inputs)}, the program takes {len(types)}")
    for index, (tensor, type) in enumerate(zip(inputs, types, strict=True)):
        try:
            found = type_of(tensor)
        except ValueError as error:
            raise InvalidBlobError(f"input {index}: {error}") from error
        if found != type:
            raise InvalidBlobError(f"input {index}: {found}, the program takes {type}")
