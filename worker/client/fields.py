"""What the fields of job.yaml are made of: amounts, sizes, durations, templates, lists of tasks."""

from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from worker.client import templates, units
from worker.errors import UsageError
from worker.protocol.manifest import MAX_TASKS
from worker.storage.locators import encode_locators


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
Share = Annotated[
    int, BeforeValidator(units.parse_share), _written_as(r"^\d+(\.\d{1,2})? ?%?$", "10%")
]
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


class Strict(BaseModel):
    """A part of a job file: other fields and other types are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Range(Strict):
    """One task for each of from, from + step, … below to."""

    start: int = Field(default=0, alias="from", description="The first value.")
    to: int = Field(description="Where the values end; itself not among them.")
    step: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _not_empty(self) -> "Range":
        count = max(0, -(-(self.to - self.start) // self.step))  # len() takes no huge range
        if not 1 <= count <= MAX_TASKS:
            raise problem("to", f"the range has {count} values; a job has 1 to {MAX_TASKS} tasks")
        return self

    def values(self) -> range:
        """Return the values, in order."""
        return range(self.start, self.to, self.step)


class Tasks(Strict):
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
            raise problem("", "give exactly one of range, files and table")
        return self


def check_placeholders(path: str, template: str, known: set[str]) -> None:
    """Raise a validation problem at `path` for a placeholder that is not known."""
    for name in sorted(templates.placeholders(template) - known):
        choice = ", ".join(f"{{{word}}}" for word in sorted(known))
        raise problem(path, f"no placeholder {{{name}}} here; there are {choice}")


def problem(path: str, message: str) -> PydanticCustomError:
    """An error of a check over several fields; the message is kept free of format braces."""
    return PydanticCustomError("job", "{message}", {"path": path, "message": message})
