"""Result files that several programs write into, a part each."""

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"


def merge(name: str, part: dict[str, Any]) -> None:
    """Put values by key into results/<name>; a mapping is merged into the mapping there."""
    path = RESULTS / name
    found = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(_merged(found, part), indent=1, sort_keys=True) + "\n")


def _merged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    both = dict(old)
    for key, value in new.items():
        is_part = isinstance(value, dict) and isinstance(old.get(key), dict)
        both[key] = _merged(old[key], value) if is_part else value
    return both
