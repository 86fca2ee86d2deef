"""The pictures of docs/scale.md, from results/scale.json."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from _svg import Axis, Line, chart

_OPERATORS = {10**n: f"10^{n}" if n > 3 else f"{10**n}" for n in range(1, 8)}
_SECONDS = {0: "0", 100: "100", 200: "200", 300: "300", 400: "400", 500: "500", 600: "600"}
_SHARES = {n / 100: f"{n} %" for n in range(0, 71, 10)}


def draw_plots(result: Mapping[str, Any], folder: Path) -> None:
    """Write every picture into a folder."""
    _latency(result["by_size"], folder / "scale-latency.svg")
    _load(result["by_load"], folder / "scale-load.svg")
    _fairness(result["fairness"], folder / "scale-fairness.svg")
    _capture(result["capture"], folder / "scale-capture.svg")


def _latency(found: Mapping[str, Any], path: Path) -> None:
    x = Axis("operators", 10, 2e7, _OPERATORS, is_log=True)
    y = Axis("seconds after the posting; claim window 600 s", 0, 600, _SECONDS)
    names = {
        "filled_p99": "99 of 100 are filled",
        "filled_p90": "9 of 10 are filled",
        "filled_p50": "half are filled",
        "first_claim_p50": "half have a claim",
    }
    lines = {label: _points(found, "heavy-tailed, ", key) for key, label in names.items()}
    chart(path, "Three seats: how long batches wait", x, y, lines)


def _load(found: Mapping[str, Any], path: Path) -> None:
    x = Axis(
        "share of all places that would be held", 0, 1, {n / 4: f"{n / 4:g}" for n in range(5)}
    )
    y = Axis("batches whose claim window closed unfilled", 0, 0.6, _up_to(0.6))
    lines = {
        f"places {places}, {kind}": _points(found, f"{places}, {kind}, ", "unfilled")
        for places in ("alike", "as the stake")
        for kind in ("poisson", "bursts")
    }
    chart(path, "Load: 300 operators with heavy-tailed stakes", x, y, lines)


def _fairness(found: Mapping[str, Any], path: Path) -> None:
    classes = ("1 k to 10 k", "10 k to 100 k", "100 k to the cap of 1 M", "above the cap")
    ticks = dict(enumerate(("1 to 10 k", "10 to 100 k", "to 1 M", "above (cap)")))
    x = Axis("stake, tokens", -0.3, 3.3, ticks)
    y = Axis("share of seats ÷ share of stake", 0, 1.6, {n / 5: f"{n / 5:g}" for n in range(9)})
    lines = {
        f"{int(size):,} operators": [
            (index, rows[name]["seats_per_stake"])
            for index, name in enumerate(classes)
            if name in rows
        ]
        for size, rows in found.items()
    }
    chart(path, "Fairness by stake", x, y, lines)


def _capture(found: Mapping[str, Any], path: Path) -> None:
    x = Axis("adversary's share of the drawn stake", 0, 0.5, _up_to(0.5))
    y = Axis("chance of deciding a batch", 0, 0.7, _SHARES)
    rows = {
        "3 seats, exact": ("3, settle", "exact"),
        "3 to 7, exact": ("3 to 7", "exact"),
        "3 seats, lots": ("3, settle", "fair"),
        "3 to 7, lots": ("3 to 7", "fair"),
        "3 seats, wins all races": ("3, settle", "first"),
        "3 to 7, wins all races": ("3 to 7", "first"),
    }
    lines: dict[str, Line] = {
        label: [(float(share), one[key]) for share, one in found[terms].items()]
        for label, (terms, key) in rows.items()
    }
    chart(path, "Capture of a batch", x, y, lines)


def _up_to(high: float) -> dict[float, str]:
    return {share: label for share, label in _SHARES.items() if share <= high}


def _points(found: Mapping[str, Any], prefix: str, key: str) -> Line:
    """Return (what follows the prefix, value) where there is a value."""
    return [
        (float(name.removeprefix(prefix)), row[key])
        for name, row in found.items()
        if name.startswith(prefix) and row[key] is not None
    ]
