"""How long each tensor of a program is needed."""

from worker.tensor.program import Op, Program, Source

OPERATORS = frozenset({Source.CHECKPOINT, Source.INNER})
"""Sources that name an operator's tensor."""


def reads(op: Op) -> set[int]:
    """Return the operators whose tensors an operator reads."""
    return {ref.index for ref in op.operands if ref.source in OPERATORS}


def spent_after(program: Program) -> list[list[int]]:
    """Return for each operator the tensors, its own included, that nobody reads after it."""
    last = list(range(len(program.ops)))
    for index, op in enumerate(program.ops):
        for read in reads(op):
            last[read] = index
    spent: list[list[int]] = [[] for _ in program.ops]
    for tensor, index in enumerate(last):
        spent[index].append(tensor)
    return spent
