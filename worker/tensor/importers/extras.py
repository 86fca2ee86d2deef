"""Packages that only importing needs: asked for when used, named when missing."""

import importlib
from typing import Any

from worker.errors import UsageError


def need(module: str) -> Any:
    """Import and return `module`; UsageError that names the extra when it is not installed."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.split(".")[0]
        raise UsageError(
            f"importing models needs {package}: pip install 'proofmesh[models]'"
        ) from error
