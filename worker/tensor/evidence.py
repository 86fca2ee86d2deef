"""What shows that a place can be demanded of a seat (docs/tensor.md §10)."""

from collections.abc import Sequence

from worker.protocol.demands import Kind, Place
from worker.tensor.program import Program
from worker.tensor.proof import program_head


def evidence(
    program: Program,
    place: Place,
    digest: bytes = b"",
    path: Sequence[bytes] = (),
    tensor_path: Sequence[bytes] = (),
) -> bytes:
    """Return what shows that a place exists, and what stands there.

    `digest` is what stands there, `path` leads from it to the root of its tree, and `tensor_path`
    from a tensor's digest on to the root of the trace that has it. At the top of a tensor there is
    no path, at the top of a trace no digest either.
    """
    operator = place.number if place.kind in (Kind.TENSOR, Kind.LINE) else len(program.ops)
    return b"".join([program_head(program, operator), digest, *path, *tensor_path])
