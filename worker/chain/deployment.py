"""The deployment file: which contracts exist on which chain. The one source of ABIs."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from worker.errors import ConfigError
from worker.types import Address


def _checksummed(value: str) -> Address:
    return Address(to_checksum_address(value))


AddressField = Annotated[str, Field(pattern=r"^0x[0-9a-fA-F]{40}$"), AfterValidator(_checksummed)]
HashField = Annotated[str, Field(pattern=r"^0x[0-9a-fA-F]{64}$")]


@dataclass(frozen=True)
class ExpectedContract:
    """A contract that must be there. `code_hash` is the keccak of its runtime code."""

    name: str
    address: Address
    code_hash: bytes


@dataclass(frozen=True)
class ChainIdentity:
    """What makes an endpoint the right one. Without a genesis hash only the id is compared."""

    chain_id: int
    genesis_hash: bytes | None = None
    contracts: tuple[ExpectedContract, ...] = ()

    def mismatch(
        self, chain_id: int, genesis_hash: bytes | None, codes: Sequence[bytes]
    ) -> str | None:
        """Return what is wrong with an endpoint that shows these values, or None."""
        if chain_id != self.chain_id:
            return f"is on chain {chain_id}, not {self.chain_id}"
        if genesis_hash != self.genesis_hash:
            return "is on a chain with another genesis block"
        for contract, code in zip(self.contracts, codes, strict=True):
            if not code:
                return f"has no contract {contract.name} at {contract.address}"
            if keccak(code) != contract.code_hash:
                return f"has other code than deployed for {contract.name} at {contract.address}"
        return None


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

    @property
    def identity(self) -> ChainIdentity:
        """What an endpoint must show to be used for this deployment."""
        return ChainIdentity(
            chain_id=self.chain_id,
            genesis_hash=bytes.fromhex(self.genesis_hash[2:]),
            contracts=tuple(
                ExpectedContract(
                    name, Address(contract.address), bytes.fromhex(contract.code_hash[2:])
                )
                for name, contract in self.contracts.items()
            ),
        )

    def address(self, contract: str) -> Address:
        """Return a contract's address; raises ConfigError when it is not deployed."""
        try:
            return Address(self.contracts[contract].address)
        except KeyError:
            raise ConfigError(f"deployment file: contracts.{contract}: missing") from None

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
