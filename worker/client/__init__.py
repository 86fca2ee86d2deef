"""The SDK: `Client` and `AsyncClient` post jobs, watch them, and check what comes back."""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from worker.client.client import AsyncClient
    from worker.client.config import ClientConfig
    from worker.client.delivery import Delivery
    from worker.client.follow import Until
    from worker.client.jobfile import JobFile
    from worker.client.receipts import Receipt, check_receipt
    from worker.client.sync import Client

__all__ = [
    "AsyncClient",
    "Client",
    "ClientConfig",
    "Delivery",
    "JobFile",
    "Receipt",
    "Until",
    "check_receipt",
]

_HOMES = {
    "AsyncClient": "client",
    "Client": "sync",
    "ClientConfig": "config",
    "Delivery": "delivery",
    "JobFile": "jobfile",
    "Receipt": "receipts",
    "Until": "follow",
    "check_receipt": "receipts",
}


def __getattr__(name: str) -> Any:
    """Import a name when it is first used: checking a job file needs no chain."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
