"""job.yaml of `kind: tensor`: a tensor program whose every result can be proved wrong on chain."""

from typing import Literal

from pydantic import Field, model_validator

from worker.client.base_spec import MAX_PRICE, BaseSpec
from worker.client.fields import Amount, Duration, Share, Strict, Template, problem
from worker.protocol.tensor_job import MAX_INPUTS

_DAY = 86_400


class TensorWindows(Strict):
    """How long operators may take to claim a batch, to run it and to reveal the results, and how
    long everybody may prove a result wrong before it is paid for.

    The bounds are those of any network; each has minima of its own.
    """

    claim: Duration = Field(default=600, ge=1, le=_DAY)
    run: Duration = Field(default=3_600, ge=1, le=_DAY)
    reveal: Duration = Field(default=1_200, ge=1, le=_DAY)
    challenge: Duration = Field(default=21_600, ge=1, le=2 * _DAY)


class TensorSpec(BaseSpec):
    """A whole job.yaml. Amounts are wei, durations seconds, `audit` hundredths of a percent."""

    kind: Literal["tensor"]
    program: str = Field(min_length=1, description="The tensor program (.ptp).")
    inputs: tuple[Template, ...] = Field(
        default=(),
        max_length=MAX_INPUTS,
        description="A local path (.npy or .bin) for each of the program's inputs, in its order. "
        "Left out with tasks.files: each file is then the one input of its task.",
    )
    audit: Share = Field(
        default=1_000,
        ge=1,
        le=10_000,
        description="The share of batches that a second operator runs again.",
    )
    price: Amount = Field(ge=1, le=MAX_PRICE, description="Per task, in tokens.")
    bond: Amount | None = Field(
        default=None, description="Per task; default: the least that the network asks for."
    )
    windows: TensorWindows = TensorWindows()

    @model_validator(mode="after")
    def _consistent(self) -> "TensorSpec":
        if self.bond is not None:
            self._check_bond(self.bond)
        if self.tasks.files is not None and self.inputs:
            raise problem("inputs", "with tasks.files each file is its task's one input")
        if self.tasks.files is None and not self.inputs:
            raise problem("inputs", "a path for each of the program's inputs is needed")
        return self

    def templates(self) -> list[tuple[str, str]]:
        """Return every template with its path in the file."""
        return [(f"inputs[{place}]", value) for place, value in enumerate(self.inputs)]
