"""Lies in words."""

from worker.tensor.dispute import Lie
from worker.tensor.program import Program


def describe(program: Program, lie: Lie) -> str:
    """Return where a lie is, such as "op 7 MATMUL [3,41]"."""
    if lie.operator >= len(program.ops):
        return f"leaf {lie.operator}, behind the last operator"
    op = f"op {lie.operator} {program.ops[lie.operator].opcode.name}"
    if lie.element is None:
        return f"{op}, in what must be empty"
    row, col = lie.element
    return f"{op} [{row},{col}]"
