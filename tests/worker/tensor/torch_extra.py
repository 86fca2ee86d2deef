"""Tests of what needs torch ask for it here: one reason to skip, wherever it is missing."""

from typing import Any

import pytest


def need_torch() -> Any:
    """Return torch, or skip: it is not installed, or its build does not load on this machine."""
    reason = "torch, the extra `gpu`, is not usable here"
    return pytest.importorskip("torch", reason=reason, exc_type=ImportError)
