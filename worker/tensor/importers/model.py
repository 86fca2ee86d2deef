"""An imported model: the program, and what its integers mean."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from worker.errors import UsageError
from worker.tensor.arrays import Array
from worker.tensor.backends.numpy import NumpyBackend
from worker.tensor.execute import execute
from worker.tensor.importers.ports import Port
from worker.tensor.program import Program


@dataclass(frozen=True)
class Model:
    """A program with its ports. Saved as NAME.ptp and, beside it, NAME.json for the ports."""

    program: Program
    inputs: Sequence[Port]
    outputs: Sequence[Port]

    def run(self, feeds: Mapping[str, Array]) -> dict[str, Array]:
        """Return the outputs as reals for one batch."""
        inputs = [port.encode(feeds[port.name]) for port in self.inputs]
        outputs = execute(self.program, inputs, NumpyBackend())
        pairs = zip(self.outputs, outputs, strict=True)
        return {port.name: port.decode(output) for port, output in pairs}

    def save(self, path: Path) -> None:
        """Write the program to `path` and the ports beside it."""
        ports = {
            "inputs": [port.as_json() for port in self.inputs],
            "outputs": [port.as_json() for port in self.outputs],
        }
        path.write_bytes(self.program.encode())
        path.with_suffix(".json").write_text(json.dumps(ports, indent=1) + "\n")

    @classmethod
    def load(cls, path: Path) -> "Model":
        """Read what `save` wrote. Raises UsageError, or InvalidProgramError for the program."""
        try:
            ports = json.loads(path.with_suffix(".json").read_text())
            inputs = [Port.from_json(port) for port in ports["inputs"]]
            outputs = [Port.from_json(port) for port in ports["outputs"]]
        except (OSError, ValueError, KeyError) as error:
            raise UsageError(f"{path.with_suffix('.json')}: {error}") from error
        return cls(Program.decode(path.read_bytes()), inputs, outputs)
