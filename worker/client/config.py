"""What the SDK needs to know: which network, whose wallet, where to keep its records."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from worker.chain.config import ChainConfig, KeyConfig
from worker.storage.fetch import FetchConfig


class ClientConfig(BaseModel):
    """Settings of the SDK. Without a wallet everything that signs raises ConfigError."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    deployment: Path
    """The network's deployment file."""

    chain: ChainConfig

    data: Path
    """Records of posted jobs, their blobs, signed transactions; one folder for all networks."""

    wallet: KeyConfig | None = None

    fetch: FetchConfig = FetchConfig()
