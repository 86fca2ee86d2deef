"""The deployment file: which contracts exist on which chain. The one source of ABIs."""

from pathlib import Path
from typing import Annotated, Any

from eth_utils.address import to_checksum_address
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from worker.errors import ConfigError
from worker.types import Address


def _checksummed(value: str) -> Address:
    return Address(to_checksum_address(value))


AddressField = Annotated[str, Field(pattern=r"^0x[0-9a-fA-F]{40}$"), AfterValidator(_checksummed)]
HashField = Annotated[str, Field(pattern=r"^0x[0-9a-fA-F]{64}$")]


class DeployedContract(BaseModel):
    """One contract: where it is, how to talk to it, the keccak of its runtime code."""

    model_config = ConfigDict(frozen=True)

    address: AddressField
    abi: list[dict[str, Any]]
    code_hash: HashField


class Deployment(BaseModel):
    """The contents of `deployments/<chain>.json`. `block` is where scanning starts."""

    model_config = ConfigDict(frozen=True)

    chain_id: int = Field(ge=1)
    genesis_hash: HashField
    block: int = Field(ge=0)
    contracts: dict[str, DeployedContract]

    @classmethod
    def load(cls, path: Path) -> "Deployment":
        """Read the file; raises ConfigError naming the field that is wrong."""
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise ConfigError(f"deployment file {path}: {error.strerror}") from error
        except ValidationError as error:
            first = error.errors()[0]
            field = ".".join(str(part) for part in first["loc"]) or "file"
            raise ConfigError(f"deployment file {path}: {field}: {first['msg']}") from error
