"""Line charts as SVG, by a few lines: one chart a file, readable on light and dark pages."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import log10
from pathlib import Path

_WIDTH, _HEIGHT = 760, 400
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 240, 46, 56
_COLOURS = ("#0b6bcb", "#c2410c", "#15803d", "#7c3aed", "#0891b2", "#be185d")
Line = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Axis:
    """What an axis shows: its words, its ends, the ticks with their labels."""

    title: str
    low: float
    high: float
    ticks: Mapping[float, str]
    is_log: bool = False

    def share(self, value: float) -> float:
        """Return where a value lies, 0 to 1."""
        scale: Callable[[float], float] = log10 if self.is_log else float
        return (scale(value) - scale(self.low)) / (scale(self.high) - scale(self.low))


def chart(path: Path, title: str, x: Axis, y: Axis, lines: Mapping[str, Line]) -> None:
    """Write a chart with a line and a mark for each point of each series."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>',
        _text(_LEFT, 24, title, size=15),
        *_grid(x, y),
    ]
    for number, (name, line) in enumerate(lines.items()):
        parts += _series(number, name, [(_x(x, one), _y(y, value)) for one, value in line])
    path.write_text("\n".join([*parts, "</svg>"]) + "\n")


def _grid(x: Axis, y: Axis) -> list[str]:
    parts = []
    for value, label in x.ticks.items():
        at = _x(x, value)
        parts.append(_rule(at, _TOP, at, _HEIGHT - _BOTTOM))
        parts.append(_text(at, _HEIGHT - _BOTTOM + 18, label, "middle"))
    for value, label in y.ticks.items():
        at = _y(y, value)
        parts.append(_rule(_LEFT, at, _WIDTH - _RIGHT, at))
        parts.append(_text(_LEFT - 8, at + 4, label, "end"))
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    parts.append(_text(middle, _HEIGHT - 14, x.title, "middle"))
    parts.append(_text(_LEFT, _TOP - 8, y.title))
    return parts


def _series(number: int, name: str, points: Line) -> list[str]:
    colour = _COLOURS[number % len(_COLOURS)]
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in points)
    marks = [f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3" fill="{colour}"/>' for a, b in points]
    at = _TOP + 12 + 20 * number
    legend = _WIDTH - _RIGHT + 16
    return [
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>',
        *marks,
        f'<rect x="{legend}" y="{at - 9}" width="10" height="10" fill="{colour}"/>',
        _text(legend + 16, at, name),
    ]


def _x(axis: Axis, value: float) -> float:
    return _LEFT + axis.share(value) * (_WIDTH - _LEFT - _RIGHT)


def _y(axis: Axis, value: float) -> float:
    return _HEIGHT - _BOTTOM - axis.share(value) * (_HEIGHT - _TOP - _BOTTOM)


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#dddddd"/>'


def _text(x: float, y: float, words: str, anchor: str = "start", size: int = 12) -> str:
    safe = words.replace("&", "&amp;").replace("<", "&lt;")
    style = f'text-anchor="{anchor}" font-size="{size}" fill="#222222"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{safe}</text>'
