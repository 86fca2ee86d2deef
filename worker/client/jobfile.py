"""A job file with its text and folder: enough to build it again, whole or in part."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from worker.client.build import Build
from worker.client.spec import JobSpec, load_source, parse_spec
from worker.client.tensor_build import build_tensor
from worker.client.tensor_spec import TensorSpec
from worker.client.wasm_build import build_wasm
from worker.errors import SpecError
from worker.protocol.manifest import canonical


@dataclass(frozen=True)
class JobFile:
    """A checked job file. `only` are the numbers of the tasks wanted, None for all."""

    spec: JobSpec
    source: str
    folder: Path
    only: tuple[int, ...] | None = None

    @classmethod
    def load(cls, path: Path) -> "JobFile":
        """Read and check a file. Raises SpecError."""
        return cls.parse(load_source(path), path.resolve().parent)

    @classmethod
    def parse(cls, source: bytes, folder: Path, only: tuple[int, ...] | None = None) -> "JobFile":
        """Check a file's bytes; its paths are relative to `folder`. Raises SpecError."""
        return cls(parse_spec(source), source.decode(), folder, only)

    def build(self) -> Build:
        """Read the job's files and build it. Raises SpecError."""
        if not self.folder.is_dir():
            raise SpecError("document", f"the job's folder {self.folder} is gone")
        if isinstance(self.spec, TensorSpec):
            return build_tensor(self.spec, self.folder, self.only)
        return build_wasm(self.spec, self.folder, self.only)

    def fingerprint(self, built: Build) -> str:
        """Return what is the same for two postings of the same job, and for no others."""
        terms = self.spec.model_dump(mode="json")
        return hashlib.sha256(canonical([terms, built.manifest.digest().hex()])).hexdigest()
