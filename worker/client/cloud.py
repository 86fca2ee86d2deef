"""What a person says that machines cost elsewhere, and what the same work would cost there."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationError

from worker.client.fields import Strict
from worker.client.lane import Lane
from worker.client.market import Market
from worker.client.spec import first_error
from worker.client.yaml_file import parse_yaml
from worker.errors import SpecError, UsageError

_TOKEN = Decimal(10**18)
_HOUR = Decimal(3_600)
_MOST = Decimal(10**12)


def _positive(value: object) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError(f'"{value}" is not a number, such as 0.17') from None
    if not number.is_finite() or not 0 < number <= _MOST:
        raise ValueError(f'"{value}" is not a number above 0, at most {_MOST:f}')
    return number


Positive = Annotated[Decimal, BeforeValidator(_positive)]


class Machine(Strict):
    """A machine to rent: `task_seconds` is how long one task of the work takes there."""

    name: str = Field(min_length=1, max_length=64)
    lane: Lane = Field(strict=False)
    per_hour: Positive
    task_seconds: Positive


class CloudPrices(Strict):
    """The file: a currency, what whole tokens are worth in it by index, and machines."""

    currency: str = Field(pattern=r"^[A-Za-z0-9]{1,12}$")
    tokens: dict[Annotated[int, Field(ge=0, lt=1 << 16)], Positive]
    machines: tuple[Machine, ...] = Field(min_length=1, max_length=256)


@dataclass(frozen=True)
class Comparison:
    """What a task costs on a machine and on this network, where a median one has all its seats;
    both in the file's currency."""

    market: Market
    machine: str
    there: Decimal
    here: Decimal

    @property
    def times(self) -> Decimal:
        """How many times as much it costs here."""
        return self.here / self.there


def load_prices(path: Path) -> CloudPrices:
    """Read and check a file of prices. Raises UsageError that names the field that is wrong."""
    try:
        return _parse(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from error
    except SpecError as error:
        raise UsageError(f"{path}: {error}") from error


def _parse(data: bytes) -> CloudPrices:
    document = parse_yaml(data)
    if not isinstance(document, dict):
        raise SpecError("document", "must be a mapping with currency, tokens and machines")
    try:
        return CloudPrices.model_validate_json(json.dumps(document))
    except ValidationError as error:
        raise first_error(error, "no such field in a file of prices") from error


def compare(markets: Sequence[Market], prices: CloudPrices) -> list[Comparison]:
    """Return each lane's machines beside each of its markets, where the file knows the token."""
    return [
        Comparison(
            market,
            machine.name,
            there=machine.per_hour * machine.task_seconds / _HOUR,
            here=market.cost.median * prices.tokens[market.token] / _TOKEN,
        )
        for market in markets
        if market.capability is None and market.token in prices.tokens
        for machine in prices.machines
        if machine.lane is market.lane
    ]
