"""Human amounts, sizes and durations: "0.5", "64MiB", "2h"."""

import re
from decimal import Decimal, InvalidOperation

_TOKEN_DECIMALS = 18
_SIZE_UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_TIME_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_MULTIPLES = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_PERCENT = re.compile(r"(\d{1,3})(?:\.(\d{1,2}))?")
_WITH_UNIT = re.compile(r"(\d{1,15})\s?([A-Za-z]*)")


def parse_amount(value: object, decimals: int = _TOKEN_DECIMALS) -> int:
    """Return "0.5" tokens in the smallest unit. Raises ValueError; floats are refused."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ValueError('write the amount of tokens in quotes, such as "0.5"')
    try:
        amount = Decimal(str(value).strip())
    except InvalidOperation:
        raise ValueError(f'"{value}" is not an amount of tokens, such as "0.5"') from None
    if not amount.is_finite() or amount < 0 or amount.adjusted() > 40:
        raise ValueError(f'"{value}" is not an amount of tokens that can exist')
    _, digits, exponent = amount.as_tuple()
    if int(exponent) < -decimals:
        raise ValueError(f'"{value}" has more than {decimals} decimals')
    return int("".join(map(str, digits))) * int(10 ** (decimals + int(exponent)))


def parse_size(value: object) -> int:
    """Return "64MiB" in bytes; a bare integer is bytes. Raises ValueError."""
    return _parse(value, _SIZE_UNITS, "size", "64MiB", bare="B")


def parse_duration(value: object) -> int:
    """Return "2h" in seconds; a bare integer is seconds. Raises ValueError."""
    return _parse(value, _TIME_UNITS, "duration", "2h", bare="s")


def parse_count(value: object) -> int:
    """Return "5G" as 5 000 000 000. Raises ValueError."""
    return _parse(value, _MULTIPLES, "count", "5G", bare="")


def parse_share(value: object) -> int:
    """Return "2.5%" as 250 basis points; a bare number is percent too. Raises ValueError."""
    text = "" if isinstance(value, bool) else str(value).strip().removesuffix("%").rstrip()
    match = _PERCENT.fullmatch(text)
    if match is None:
        raise ValueError(f'{value!r} is not a share in percent, such as "2.5%"')
    return int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))


def _parse(value: object, units: dict[str, int], what: str, example: str, bare: str) -> int:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise ValueError(f'{value!r} is not a {what}, such as "{example}"')
    match = _WITH_UNIT.fullmatch(str(value).strip())
    unit = (match[2] or bare) if match else None
    if match is None or unit not in units:
        known = ", ".join(unit for unit in units if unit)
        raise ValueError(f'"{value}" is not a {what}, such as "{example}" (units: {known})')
    return int(match[1]) * units[unit]
