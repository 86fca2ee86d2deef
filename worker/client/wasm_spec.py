"""job.yaml of `kind: wasm`: a WebAssembly module that several operators run and agree on."""

from typing import Literal

from pydantic import Field, model_validator

from worker.client.base_spec import GWEI, MAX_PRICE, BaseSpec
from worker.client.fields import Amount, Count, Duration, Size, Strict, Template, problem
from worker.protocol.manifest import GuestPath, Name

_DAY = 86_400


class LimitsSpec(Strict):
    """What one task may use. A task that needs more fails on every machine alike."""

    fuel: Count = Field(default=10_000_000_000, ge=1, le=1 << 50)
    memory: Size = Field(default=64 << 20, ge=1 << 16, le=4 << 30)
    output: Size = Field(default=1 << 20, ge=0, le=1 << 30)
    files: int = Field(default=64, ge=0, le=4096)
    log: Size = Field(default=65_536, ge=0, le=1 << 24)


class Windows(Strict):
    """How long operators may take to claim a batch, to run it, and to reveal the results.

    The bounds are those of any network; each has minima of its own.
    """

    claim: Duration = Field(default=600, ge=1, le=_DAY)
    run: Duration = Field(default=3_600, ge=1, le=2 * _DAY)
    reveal: Duration = Field(default=1_200, ge=1, le=_DAY)


class WasmSpec(BaseSpec):
    """A whole job.yaml. Amounts are wei, sizes bytes, durations seconds."""

    kind: Literal["wasm"] = "wasm"
    program: str = Field(min_length=1, description="The WebAssembly module (WASI preview 1).")
    inputs: dict[GuestPath, Template] = Field(
        default={}, max_length=256, description="Path under /in to local path."
    )
    args: tuple[Template, ...] = Field(default=(), max_length=64)
    env: dict[Name, Template] = Field(default={}, max_length=64)
    seats: int = Field(default=3, ge=1, le=7, description="Operators that run each batch.")
    max_seats: int | None = Field(default=None, ge=1, le=7, description="After a dissent.")
    on_dissent: Literal["escalate", "settle"] = "escalate"
    price: Amount = Field(ge=1, le=MAX_PRICE, description="Per task and seat, in tokens.")
    bond: Amount | None = Field(default=None, description="Per task and seat; default: the price.")
    limits: LimitsSpec = LimitsSpec()
    windows: Windows = Windows()

    @model_validator(mode="after")
    def _consistent(self) -> "WasmSpec":
        self._check_seats()
        self._check_bond(self.bond_wei)
        if self.token == 0 and self.bond_wei < self.price:
            raise problem("bond", "less than the price: it could not answer for the work")
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
        return self.bond if self.bond is not None else -(-self.price // GWEI) * GWEI

    def _check_seats(self) -> None:
        most = self.most_seats
        if self.seats == 1:
            if most != 1:
                raise problem("max_seats", "a job with one seat has max_seats 1")
            if not self.operators:
                raise problem("operators", "a job with one seat must name its operators")
        elif most < self.seats:
            raise problem("max_seats", "less than seats")
        elif self.seats == 2 and most < 5:
            raise problem("max_seats", "with two seats it must be at least 5")
        elif self.on_dissent == "escalate" and (most < 5 or most == self.seats):
            raise problem("max_seats", "to escalate it must be at least 5 and more than seats")
        if self.operators and len(self.operators) < most:
            raise problem("operators", f"fewer than the {most} seats that a batch may need")

    def templates(self) -> list[tuple[str, str]]:
        """Return every template with its path in the file."""
        return [
            *((f"args[{place}]", value) for place, value in enumerate(self.args)),
            *((f"env.{name}", value) for name, value in self.env.items()),
            *((f"inputs.{guest}", value) for guest, value in self.inputs.items()),
        ]
