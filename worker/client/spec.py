"""job.yaml: what a requester asks for, checked before anything is read, signed or sent."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from worker.client import templates, units
from worker.client.yaml_file import MAX_BYTES, parse_yaml
from worker.errors import SpecError, UsageError
from worker.protocol.manifest import MAX_TASKS, GuestPath, Name
from worker.storage.locators import encode_locators

MAX_PRICE = (1 << 88) - 1
MAX_WINDOW = {"claim": 86_400, "run": 2 * 86_400, "reveal": 86_400}
"""The longest windows that any network takes, in seconds; each network has minima of its own."""


def _written_as(pattern: str, example: str) -> WithJsonSchema:
    """The JSON Schema of a value that people write with a unit."""
    return WithJsonSchema({"type": ["number", "string"], "pattern": pattern, "examples": [example]})


def _text(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else value


def _template(value: str) -> str:
    templates.placeholders(value)
    return value


Amount = Annotated[
    int, BeforeValidator(units.parse_amount), _written_as(r"^\d+(\.\d{1,18})?$", "0.5")
]
Size = Annotated[
    int, BeforeValidator(units.parse_size), _written_as(r"^\d+ ?(B|KiB|MiB|GiB)?$", "64MiB")
]
Duration = Annotated[
    int, BeforeValidator(units.parse_duration), _written_as(r"^\d+ ?[smhd]?$", "2h")
]
Count = Annotated[int, BeforeValidator(units.parse_count), _written_as(r"^\d+ ?[kMGT]?$", "5G")]
Template = Annotated[
    str,
    Field(max_length=4096),
    BeforeValidator(_text),
    AfterValidator(_template),
    WithJsonSchema({"type": ["string", "number", "boolean"], "maxLength": 4096}),
]


def _locator(value: str) -> str:
    try:
        encode_locators((value,))
    except UsageError as error:
        raise ValueError(str(error)) from error
    return value


Locator = Annotated[str, AfterValidator(_locator)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Range(_Strict):
    """One task for each of from, from + step, … below to."""

    start: int = Field(default=0, alias="from", description="The first value.")
    to: int = Field(description="Where the values end; itself not among them.")
    step: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _not_empty(self) -> "Range":
        count = len(self.values())
        if not 1 <= count <= MAX_TASKS:
            raise _problem("to", f"the range has {count} values; a job has 1 to {MAX_TASKS} tasks")
        return self

    def values(self) -> range:
        """Return the values, in order."""
        return range(self.start, self.to, self.step)


class Tasks(_Strict):
    """Where the tasks come from: exactly one of the three."""

    range: Range | None = None
    files: str | None = Field(
        default=None,
        description="A glob under the job's folder; one task for each file, in order of path.",
    )
    table: str | None = Field(
        default=None,
        description="A .csv file with a header, or a .json list of flat objects; a task a row.",
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> "Tasks":
        if sum(source is not None for source in (self.range, self.files, self.table)) != 1:
            raise _problem("", "give exactly one of range, files and table")
        return self


class LimitsSpec(_Strict):
    """What one task may use. A task that needs more fails on every machine alike."""

    fuel: Count = Field(default=10_000_000_000, ge=1, le=1 << 50)
    memory: Size = Field(default=64 << 20, ge=1 << 16, le=4 << 30)
    output: Size = Field(default=1 << 20, ge=0, le=1 << 30)
    files: int = Field(default=64, ge=0, le=4096)
    log: Size = Field(default=65_536, ge=0, le=1 << 24)


class Windows(_Strict):
    """How long operators may take to claim a batch, to run it, and to reveal the results."""

    claim: Duration = Field(default=600, ge=1, le=MAX_WINDOW["claim"])
    run: Duration = Field(default=3_600, ge=1, le=MAX_WINDOW["run"])
    reveal: Duration = Field(default=1_200, ge=1, le=MAX_WINDOW["reveal"])


class JobSpec(_Strict):
    """A whole job.yaml. Amounts are wei, sizes bytes, durations seconds."""

    version: Literal[1] = 1
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.-]{0,63}$")
    program: str = Field(min_length=1, description="The WebAssembly module (WASI preview 1).")
    inputs: dict[GuestPath, Template] = Field(
        default={}, max_length=256, description="Path under /in to local path."
    )
    args: tuple[Template, ...] = Field(default=(), max_length=64)
    env: dict[Name, Template] = Field(default={}, max_length=64)
    tasks: Tasks
    batch: int = Field(default=1, description="Neighbouring tasks done together: 1, 2, 4 … 32.")
    seats: int = Field(default=3, ge=1, le=7, description="Operators that run each batch.")
    max_seats: int | None = Field(default=None, ge=1, le=7, description="After a dissent.")
    on_dissent: Literal["escalate", "settle"] = "escalate"
    price: Amount = Field(ge=1, le=MAX_PRICE, description="Per task and seat, in tokens.")
    bond: Amount | None = Field(default=None, description="Per task and seat; default: the price.")
    token: int = Field(default=0, ge=0, lt=1 << 16, description="0 is the network's own token.")
    limits: LimitsSpec = LimitsSpec()
    windows: Windows = Windows()
    expiry: Duration | None = Field(
        default=None, ge=1, le=60 * 86_400, description="After posting; default: the worst case."
    )
    operators: tuple[Annotated[int, Field(ge=1, lt=1 << 24)], ...] = Field(
        default=(), max_length=256, description="The only operators that may claim."
    )
    locators: tuple[Locator, ...] = Field(
        default=(), max_length=16, description='Such as "https://host/blobs/{digest}".'
    )

    @field_validator("batch")
    @classmethod
    def _power_of_two(cls, batch: int) -> int:
        if batch not in (1, 2, 4, 8, 16, 32):
            raise ValueError("must be 1, 2, 4, 8, 16 or 32")
        return batch

    @field_validator("operators")
    @classmethod
    def _distinct(cls, operators: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(operators)) != len(operators):
            raise ValueError("an operator stands twice")
        return tuple(sorted(operators))

    @model_validator(mode="after")
    def _consistent(self) -> "JobSpec":
        self._check_seats()
        self._check_bond()
        self._check_placeholders()
        return self

    @property
    def most_seats(self) -> int:
        """The seats that a batch can have after growth: as given, else the least that the rules
        ask for."""
        if self.max_seats is not None:
            return self.max_seats
        grows = self.seats > 1 and (self.on_dissent == "escalate" or self.seats == 2)
        return min(7, max(5, self.seats + 1)) if grows else self.seats

    @property
    def bond_wei(self) -> int:
        """The bond per task: as given, else the price rounded up to whole gwei."""
        return self.bond if self.bond is not None else -(-self.price // 10**9) * 10**9

    def _check_seats(self) -> None:
        most = self.most_seats
        if self.seats == 1:
            if most != 1:
                raise _problem("max_seats", "a job with one seat has max_seats 1")
            if not self.operators:
                raise _problem("operators", "a job with one seat must name its operators")
        elif most < self.seats:
            raise _problem("max_seats", "less than seats")
        elif self.seats == 2 and most < 5:
            raise _problem("max_seats", "with two seats it must be at least 5")
        elif self.on_dissent == "escalate" and (most < 5 or most == self.seats):
            raise _problem("max_seats", "to escalate it must be at least 5 and more than seats")
        if self.operators and len(self.operators) < most:
            raise _problem("operators", f"fewer than the {most} seats that a batch may need")

    def _check_bond(self) -> None:
        bond = self.bond_wei
        if bond % 10**9 or bond == 0:
            raise _problem("bond", "must be more than 0, in whole gwei (at most 9 decimals)")
        if (bond // 10**9) * self.batch >> 64:
            raise _problem("bond", "too large: a batch's bonds must stay below 2^64 gwei")
        if self.token == 0 and bond < self.price:
            raise _problem("bond", "less than the price: it could not answer for the work")

    def _check_placeholders(self) -> None:
        if self.tasks.table is not None:
            return  # the columns are known once the table is read
        known = {"index", "value"} if self.tasks.range else {"index", "file"}
        for path, template in self.templates():
            check_placeholders(path, template, known)

    @classmethod
    def json_schema(cls) -> dict[str, Any]:
        """Return the JSON Schema that editors use; it is shipped as job.schema.json."""
        return {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "job.yaml",
            **{name: part for name, part in cls.model_json_schema().items() if name != "title"},
        }

    def templates(self) -> list[tuple[str, str]]:
        """Return every template with its path in the file."""
        return [
            *((f"args[{place}]", value) for place, value in enumerate(self.args)),
            *((f"env.{name}", value) for name, value in self.env.items()),
            *((f"inputs.{guest}", value) for guest, value in self.inputs.items()),
        ]


def check_placeholders(path: str, template: str, known: set[str]) -> None:
    """Raise a validation problem at `path` for a placeholder that is not known."""
    for name in sorted(templates.placeholders(template) - known):
        choice = ", ".join(f"{{{word}}}" for word in sorted(known))
        raise _problem(path, f"no placeholder {{{name}}} here; there are {choice}")


def load_source(path: Path) -> bytes:
    """Return a job file's bytes. Raises SpecError when it cannot be read."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise SpecError(str(path), error.strerror or "cannot be read") from error


def parse_spec(data: bytes) -> JobSpec:
    """Check the bytes of a job file. Raises SpecError."""
    document = parse_yaml(data)
    if not isinstance(document, dict):
        raise SpecError("document", "must be a mapping, such as `name: my-job`")
    try:
        # Through JSON, so that strict checking takes lists for tuples.
        return JobSpec.model_validate_json(json.dumps(document))
    except ValidationError as error:
        raise _first_error(error) from error


def _problem(path: str, message: str) -> PydanticCustomError:
    """An error of a check over several fields; the message is kept free of format braces."""
    return PydanticCustomError("job", "{message}", {"path": path, "message": message})


def _first_error(error: ValidationError) -> SpecError:
    first = error.errors()[0]
    parts = [part for part in first["loc"] if part != "[key]"]
    if more := first.get("ctx", {}).get("path"):
        parts.append(more)
    message = first["msg"].removeprefix("Value error, ")
    if first["type"] == "extra_forbidden":
        message = "no such field"
    return SpecError(_join(parts) or "document", message)


def _join(parts: list[int | str]) -> str:
    path = ""
    for part in parts:
        if isinstance(part, int):
            path += f"[{part}]"
        else:
            path += f".{part}" if path else part
    return path
