"""The SDK: `Client` and `AsyncClient` post jobs, watch them, and check what comes back."""

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
