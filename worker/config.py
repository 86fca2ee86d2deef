"""All that a person may set, read once by `cli`; each room is handed its own part."""

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from worker.api.config import ApiConfig
from worker.chain.config import ChainConfig, KeyConfig
from worker.errors import ConfigError
from worker.logs import scrub
from worker.services.announcer import ProfileConfig
from worker.services.challenge.config import ChallengeConfig
from worker.services.collector import CollectConfig
from worker.services.policy import PolicyConfig
from worker.services.runner import RunConfig
from worker.storage.fetch import FetchConfig
from worker.tensor.backends.choose import BackendName
from worker.tensor.validate import TensorLimits
from worker.work.prepare import WorkLimits

PREFIX = "PROOFMESH_"
_WITH_KEYS = ("chain.rpc_urls", "fetch.ipfs_gateway", "fetch.kubo_rpc")


class TensorConfig(BaseModel):
    """How tensor programs are run: on what, and how large they may be."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    backend: BackendName = "auto"
    limits: TensorLimits = TensorLimits()


class NodeConfig(BaseModel):
    """The operator's side: which operator, which hot key, and how others reach the worker."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    operator: int = Field(default=0, ge=0, lt=1 << 24)
    """Its number in Staking; 0 until `proofmesh node stake` has made one."""

    key: KeyConfig
    public_url: str = Field(pattern=r"^https?://[^\s]{1,120}$")
    """Where other operators and requesters find the public listener."""

    api: ApiConfig = ApiConfig()
    policy: PolicyConfig = PolicyConfig()
    profile: ProfileConfig = ProfileConfig()
    run: RunConfig = RunConfig()
    limits: WorkLimits = WorkLimits()
    tensor: TensorConfig = TensorConfig()
    challenge: ChallengeConfig = ChallengeConfig()
    collect: CollectConfig = CollectConfig()

    blob_bytes: int = Field(default=20 << 30, ge=1 << 20)
    """Room for blobs: programs, inputs and outputs."""

    min_free_bytes: int = Field(default=1 << 30, ge=0)
    """With less than this free on the disk no new work is taken."""

    patience: int = Field(default=30, ge=1)
    """Seconds of chain time that each seat in turn has for a transaction that one of them sends."""

    min_balance_wei: int = Field(default=10**16, ge=0)
    """With less gas money than this no new work is taken."""


class WatchConfig(BaseModel):
    """For `proofmesh node watch`: what is run again here, and how far accusing may cost money."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tensor: TensorConfig = TensorConfig()
    limits: WorkLimits = WorkLimits()
    challenge: ChallengeConfig = ChallengeConfig()

    blob_bytes: int = Field(default=20 << 30, ge=1 << 20)
    """Room for programs and inputs."""


class Config(BaseSettings):
    """Settings of one person on one network. Unknown names are refused."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    deployment: Path
    """The network's deployment file: addresses, ABIs and code hashes."""

    chain: ChainConfig
    data: Path = Field(default_factory=lambda: data_folder())
    """Database, blobs and compiled programs."""

    wallet: KeyConfig | None = None
    """The requester's key, or the owner's who stakes."""

    node: NodeConfig | None = None
    """Given on machines that run a worker."""

    watch: WatchConfig = WatchConfig()

    fetch: FetchConfig = FetchConfig()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment stands above the file, whose values are handed to the constructor."""
        return env_settings, init_settings

    def require_node(self) -> NodeConfig:
        """Return the operator's side. Raises ConfigError where none is set."""
        if self.node is None:
            raise ConfigError("no [node] in the settings: run `proofmesh node init`")
        return self.node

    def require_wallet(self) -> KeyConfig:
        """Return where the wallet's key is. Raises ConfigError where none is set."""
        if self.wallet is None:
            raise ConfigError("no [wallet] in the settings: `proofmesh config set wallet.keystore`")
        return self.wallet


def config_file() -> Path:
    """Return where settings are kept: $PROOFMESH_CONFIG, else the user's configuration folder."""
    if given := os.environ.get("PROOFMESH_CONFIG"):
        return Path(given)
    return _xdg("XDG_CONFIG_HOME", ".config") / "config.toml"


def data_folder() -> Path:
    """Return where state is kept unless `data` says otherwise."""
    return _xdg("XDG_DATA_HOME", ".local/share")


def load_config(path: Path | None = None) -> Config:
    """Read file and environment. Raises ConfigError that names the file and the field."""
    file = path or config_file()
    values = read_file(file)
    try:
        return Config(**values)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        if not file.exists():
            raise ConfigError(
                f"no settings in {file}: run `proofmesh config init` or `proofmesh node init`"
            ) from error
        raise ConfigError(f"settings {file}: {field}: {first['msg']}") from error


def read_file(path: Path) -> dict[str, Any]:
    """Return the file's values, none when it is not there. Raises ConfigError."""
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"settings {path}: {error}") from error


def origins(config: Config, path: Path) -> Iterator[tuple[str, str, str]]:
    """Yield (name, value, origin) of every setting; the origin is environment, file or default.

    Of addresses in which providers put keys only scheme, host and port are told.
    """
    in_file = dict(_leaves(read_file(path)))
    for name, value in _leaves(config.model_dump(mode="json")):
        origin = str(path) if name in in_file else "default"
        variable = PREFIX + name.upper().replace(".", "__")
        shown = scrub(str(value)) if name in _WITH_KEYS else str(value)
        yield name, shown, variable if variable in os.environ else origin


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


def _xdg(variable: str, fallback: str) -> Path:
    base = os.environ.get(variable)
    return (Path(base) if base else Path.home() / fallback) / "proofmesh"
