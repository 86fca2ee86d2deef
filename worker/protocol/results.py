"""What a worker's API tells about a settled task: the record, and the blob that has its outputs.

Served at `/results/<job key>/<task>` from settlement on; the blob at `/blobs/<digest>`. Nothing of
it is trusted: the record must hash to the value that the contract kept, the blob to the record.
"""

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from worker.errors import VerificationError
from worker.protocol.manifest import Sha256, canonical
from worker.protocol.record import ExitClass, Record, blind

_U32 = (1 << 32) - 1
_U64 = (1 << 64) - 1


class TaskResult(BaseModel):
    """One task's record and the sha256 of its output bundle."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    exit_class: int = Field(ge=0, le=max(ExitClass))
    exit_code: int = Field(ge=0, le=_U32)
    fuel: int = Field(ge=0, le=_U64)
    output_root: Sha256
    output_bytes: int = Field(ge=0, le=_U64)
    memory_digest: Sha256
    bundle: Sha256

    @classmethod
    def of(cls, record: Record, bundle: bytes) -> "TaskResult":
        """Return the document for a record whose outputs are the blob with sha256 `bundle`."""
        return cls(
            exit_class=int(record.exit_class),
            exit_code=record.exit_code,
            fuel=record.fuel,
            output_root=record.output_root.hex(),
            output_bytes=record.output_bytes,
            memory_digest=record.memory_digest.hex(),
            bundle=bundle.hex(),
        )

    @property
    def record(self) -> Record:
        """The execution record."""
        return Record(
            exit_class=ExitClass(self.exit_class),
            exit_code=self.exit_code,
            fuel=self.fuel,
            output_root=bytes.fromhex(self.output_root),
            output_bytes=self.output_bytes,
            memory_digest=bytes.fromhex(self.memory_digest),
        )

    def encode(self) -> bytes:
        """Return the document's bytes."""
        return canonical(self.model_dump(mode="json"))

    @classmethod
    def decode(cls, data: bytes, value: bytes) -> "TaskResult":
        """Read a document and check it against `value`, the v that the contract kept.

        Raises VerificationError.
        """
        try:
            result = cls.model_validate_json(data)
        except ValidationError as error:
            raise VerificationError(f"a malformed result: {error.errors()[0]['msg']}") from error
        if blind(result.record.digest()) != value:
            raise VerificationError("the record is not the one that settled")
        return result
