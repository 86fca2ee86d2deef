"""`proofmesh model`: turn a model into a tensor program, and see what is in one."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from worker.cli.output import Output, long_output_options, output_options

if TYPE_CHECKING:
    from worker.tensor.importers.pack import Packed
    from worker.tensor.program import Program

_ENCODER_BATCH = 32


@click.group("model")
def model() -> None:
    """Turn models into tensor programs, whose results anyone can have enforced."""


@model.command("import")
@click.argument("source", type=click.Path(path_type=Path, exists=True))
@click.option(
    "--calibrate",
    "data",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    required=True,
    help="Folder of samples: .npy or .npz for ONNX, .txt with a text a line for an encoder.",
)
@click.option(
    "-o", "file", type=click.Path(path_type=Path, dir_okay=False), required=True,
    help="The program to write, NAME.ptp; what its numbers mean goes to NAME.json.",
)  # fmt: skip
@click.option(
    "--checkpoints",
    type=click.Choice(["outputs", "layers", "all"]),
    default="layers",
    show_default=True,
    help="What a run commits to: more is quicker to convict, and slower to run.",
)
@click.option("--batch", type=click.IntRange(1), help="Samples in one run [1; encoders 32].")
@click.option(
    "--length", type=click.IntRange(4), default=64, show_default=True,
    help="Tokens of a text, for encoders.",
)  # fmt: skip
@long_output_options
def import_(
    source: Path,
    data: Path,
    file: Path,
    checkpoints: str,
    batch: int | None,
    length: int,
    out: Output,
) -> None:
    """Turn SOURCE into a tensor program.

    SOURCE is an ONNX file, or a folder with a BERT-style encoder: config.json, model.safetensors
    and vocab.txt. Every fifth sample is held back to measure how near the program is.
    """
    from worker.tensor.build import Keep
    from worker.tensor.importers.pack import pack_encoder, pack_onnx

    keep = Keep(checkpoints)
    if source.is_dir():
        packed = pack_encoder(source, data, batch or _ENCODER_BATCH, length, keep)
    else:
        packed = pack_onnx(source, data, batch or 1, keep)
    packed.model.save(file)
    out.record(_imported(file, packed), key="file")


def _imported(file: Path, packed: "Packed") -> dict[str, Any]:
    program = packed.model.program
    result: dict[str, Any] = {
        "file": str(file),
        "root": "0x" + program.root.hex(),
        "operators": len(program.ops),
        "judged_on": packed.judged,
    }
    for name, figures in packed.figures.items():
        prefix = "" if len(packed.figures) == 1 else f"{name}_"
        result |= {prefix + key: value for key, value in figures.items()}
    return result


@model.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@output_options
def show(file: Path, out: Output) -> None:
    """Show a program's operators and what it costs to run, to trace and to judge.

    Gas is an estimate of the transaction that has a court judge an operator's dearest element.
    """
    from worker.tensor.conviction_gas import conviction_gas
    from worker.tensor.program import Program
    from worker.tensor.validate import validate

    program = Program.decode(file.read_bytes())
    cost = validate(program)
    operators = _operators(program)
    summary = {
        "root": "0x" + program.root.hex(),
        "inputs": ", ".join(map(str, program.inputs)),
        "operators": len(program.ops),
        "segments": program.segments,
        "parameters": sum(row["parameters"] for row in operators),
        "constant_bytes": cost.constant_bytes,
        "macs": cost.macs,
        "peak_bytes": cost.peak_bytes,
        "largest_proof_bytes": max(row["proof_bytes"] for row in operators),
        "conviction_gas_estimate": conviction_gas(program),
        "trace_bytes_outputs": _bytes(program, "is_output"),
        "trace_bytes_as_packed": _bytes(program, "is_checkpoint"),
        "trace_bytes_all": sum(op.output.type.nbytes for op in program.ops),
    }
    if out.form == "table" and not out.quiet:
        columns = ("operator", "output", "operands", "parameters", "macs", "proof_bytes",
                   "gas_estimate", "kept")  # fmt: skip
        out.rows(operators, columns=columns, key="index")
        out.record(summary, key="root")
    else:
        out.record({**summary, "list": operators}, key="root")


def _bytes(program: "Program", flag: str) -> int:
    """Return the bytes that a trace commits to, where it keeps what is flagged, and outputs."""
    kept = (op for op in program.ops if getattr(op, flag) or op.is_output)
    return sum(op.output.type.nbytes for op in kept)


def _operators(program: "Program") -> list[dict[str, Any]]:
    from worker.tensor.conviction_gas import element_gas
    from worker.tensor.cost import macs
    from worker.tensor.program import Source
    from worker.tensor.proof_size import longest_proof
    from worker.tensor.tensors import type_of

    rows = []
    counts = len(program.inputs), len(program.constants), len(program.ops)
    for index, op in enumerate(program.ops):
        constants = [ref.index for ref in op.operands if ref.source is Source.CONSTANT]
        types = [type_of(program.constants[constant]) for constant in constants]
        kept = "output" if op.is_output else "checkpoint" if op.is_checkpoint else ""
        rows.append(
            {
                "index": index,
                "operator": op.opcode.name,
                "output": str(op.output.type),
                "operands": ", ".join(str(ref.type) for ref in op.operands),
                "parameters": sum(type.rows * type.cols for type in types),
                "macs": macs(op),
                "proof_bytes": longest_proof(op, *counts),
                "gas_estimate": element_gas(op, *counts),
                "kept": kept,
            }
        )
    return rows
