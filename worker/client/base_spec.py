"""What job files of every kind have in common."""

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from worker.client.fields import (
    Duration,
    Locator,
    Strict,
    Tasks,
    check_placeholders,
    problem,
)

MAX_PRICE = (1 << 88) - 1
GWEI = 10**9


class BaseSpec(Strict):
    """The fields of every job.yaml. Amounts are wei, durations seconds."""

    version: Literal[1] = 1
    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.-]{0,63}$")
    tasks: Tasks
    batch: int = Field(default=1, description="Neighbouring tasks done together: 1, 2, 4 … 32.")
    token: int = Field(default=0, ge=0, lt=1 << 16, description="0 is the network's own token.")
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
    def _known_placeholders(self) -> "BaseSpec":
        if self.tasks.table is not None:
            return self  # the columns are known once the table is read
        known = {"index", "value"} if self.tasks.range else {"index", "file"}
        for path, template in self.templates():
            check_placeholders(path, template, known)
        return self

    def templates(self) -> list[tuple[str, str]]:
        """Return every template with its path in the file."""
        raise NotImplementedError

    def _check_bond(self, bond: int) -> None:
        """Raise a validation problem unless contracts take the bond, wei per task."""
        if bond % GWEI or bond == 0:
            raise problem("bond", "must be more than 0, in whole gwei (at most 9 decimals)")
        if (bond // GWEI) * self.batch >> 64:
            raise problem("bond", "too large: a batch's bonds must stay below 2^64 gwei")
