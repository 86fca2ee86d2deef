"""Calls and events of the deployed contracts, by name, from their ABIs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.codec import ABICodec
from eth_abi.decoding import AddressDecoder
from eth_abi.encoding import AddressEncoder
from eth_abi.exceptions import DecodingError, EncodingError
from eth_abi.registry import ABIRegistry, BaseEquals, registry
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from worker.chain.deployment import Deployment
from worker.chain.endpoint import Request
from worker.chain.endpoints import RpcPool
from worker.chain.wire import Log, parse_data
from worker.errors import ConfigError, RpcError
from worker.types import Address, Timestamp


@dataclass(frozen=True)
class Event:
    """One decoded log. (`block_hash`, `log_index`) is its identity; `at` is its block's time, where
    somebody asked for it."""

    name: str
    contract: str
    args: Mapping[str, Any]
    block_number: int
    block_hash: bytes
    tx_hash: bytes
    log_index: int
    at: Timestamp | None = None


class Contracts:
    """The contracts of one deployment.

    Arguments and results are plain values: integers, bytes, checksummed addresses, lists, and
    tuples for structs.
    """

    def __init__(self, deployment: Deployment, pool: RpcPool) -> None:
        self.deployment = deployment
        self._pool = pool
        self._functions: dict[tuple[str, str, int], _Function] = {}
        self._events: dict[tuple[str, bytes], _EventType] = {}
        self._names: dict[Address, str] = {}
        for name, contract in deployment.contracts.items():
            self._names[Address(contract.address)] = name
            try:
                self._index(name, contract.abi)
            except (KeyError, TypeError, ValueError) as error:
                raise ConfigError(f"deployment file: contracts.{name}.abi: {error!r}") from error

    def _index(self, contract: str, abi: list[dict[str, Any]]) -> None:
        for item in abi:
            if item["type"] == "function":
                function = _Function.of(item)
                self._functions[contract, item["name"], len(function.inputs)] = function
            elif item["type"] == "event":
                event = _EventType.of(item)
                self._events[contract, event.topic] = event

    @property
    def addresses(self) -> list[Address]:
        """Where logs of the deployment come from."""
        return list(self._names)

    def having(self, function: str) -> list[str]:
        """Return the names of the contracts that have a function of that name."""
        return [contract for contract, name, _ in self._functions if name == function]

    def address(self, contract: str) -> Address:
        """Return the contract's address; raises ConfigError when it is not deployed."""
        return self.deployment.address(contract)

    def topic(self, contract: str, event: str) -> bytes:
        """Return the first topic of that event."""
        for (owner, topic), kind in self._events.items():
            if owner == contract and kind.name == event:
                return topic
        raise ConfigError(f"deployment file: contracts.{contract}.abi: no event {event}")

    def encode(self, contract: str, function: str, *args: Any) -> bytes:
        """Return the calldata. The number of arguments picks among overloads."""
        return self._function(contract, function, len(args)).encode(args)

    async def call(
        self,
        contract: str,
        function: str,
        *args: Any,
        address: Address | None = None,
        sender: Address | None = None,
        block: int | str = "latest",
        at_least_block: int | None = None,
    ) -> Any:
        """Return what a view returns: one value, or a tuple of several, or None.

        `address` is another contract with the same ABI, such as a listed token.
        Raises RevertedError with the contract's reason, RpcError when no endpoint answers well.
        """
        abi = self._function(contract, function, len(args))
        request = {"to": address or self.address(contract), "data": "0x" + abi.encode(args).hex()}
        if sender is not None:
            request["from"] = sender
        tag = hex(block) if isinstance(block, int) else block
        return await self._pool.call(
            "eth_call",
            [request, tag],
            lambda value: abi.decode(parse_data(value, f"result of {contract}.{function}")),
            at_least_block=at_least_block,
        )

    async def read(
        self, contract: str, calls: Sequence[tuple[str, tuple[Any, ...]]], block: int | str
    ) -> list[Any]:
        """Return what several views of a contract, (function, arguments), say at one block.

        One request to one endpoint, so that all answers belong together. Raises as `call` does.
        """
        return await self.read_all([(contract, name, args) for name, args in calls], block)

    async def read_all(
        self, calls: Sequence[tuple[str, str, tuple[Any, ...]]], block: int | str
    ) -> list[Any]:
        """Return what views of several contracts, (contract, function, arguments), say; as
        `read`."""
        tag = hex(block) if isinstance(block, int) else block
        requests = [self._request(contract, name, args, tag) for contract, name, args in calls]
        return await self._pool.batch(requests)

    def _request(self, contract: str, function: str, args: tuple[Any, ...], tag: str) -> Request:
        abi = self._function(contract, function, len(args))
        call = {"to": self.address(contract), "data": "0x" + abi.encode(args).hex()}
        what = f"result of {contract}.{function}"
        return Request("eth_call", [call, tag], lambda value: abi.decode(parse_data(value, what)))

    def decode_log(self, log: Log) -> Event | None:
        """Return the event, or None for a log of another contract or of an unknown event.

        Raises RpcError when a known event's log does not fit its ABI.
        """
        contract = self._names.get(log.address)
        if contract is None or not log.topics:
            return None
        kind = self._events.get((contract, log.topics[0]))
        if kind is None:
            return None
        return Event(
            name=kind.name,
            contract=contract,
            args=kind.decode(log),
            block_number=log.block_number,
            block_hash=log.block_hash,
            tx_hash=log.tx_hash,
            log_index=log.log_index,
        )

    def decode_call(self, target: Address, data: bytes) -> tuple[str, str, tuple[Any, ...]] | None:
        """Return contract, function and arguments of calldata, or None where either is unknown or
        the data is not exactly what the function's arguments encode to."""
        contract = self._names.get(target)
        for (owner, name, _), function in self._functions.items():
            if owner == contract and data[:4] == function.selector:
                args = function.decode_args(data)
                return None if args is None else (owner, name, args)
        return None

    def _function(self, contract: str, function: str, arity: int) -> "_Function":
        self.address(contract)
        try:
            return self._functions[contract, function, arity]
        except KeyError:
            raise ConfigError(
                f"deployment file: contracts.{contract}.abi: no {function} of {arity} arguments"
            ) from None


@dataclass(frozen=True)
class _Function:
    name: str
    selector: bytes
    inputs: list[str]
    outputs: list[str]

    @classmethod
    def of(cls, item: dict[str, Any]) -> "_Function":
        inputs = [_type(field) for field in item["inputs"]]
        return cls(
            name=item["name"],
            selector=keccak(text=f"{item['name']}({','.join(inputs)})")[:4],
            inputs=inputs,
            outputs=[_type(field) for field in item["outputs"]],
        )

    def encode(self, args: Sequence[Any]) -> bytes:
        try:
            return self.selector + _codec.encode(self.inputs, args)
        except EncodingError as error:
            raise ValueError(f"{self.name}: {error}") from error

    def decode_args(self, data: bytes) -> tuple[Any, ...] | None:
        try:
            args = _codec.decode(self.inputs, data[4:])
            return args if self.encode(args) == data else None
        except (DecodingError, ValueError, OverflowError):
            return None

    def decode(self, data: bytes) -> Any:
        try:
            values = _codec.decode(self.outputs, data)
        except (DecodingError, ValueError, OverflowError) as error:
            raise RpcError(f"endpoint sent a malformed result of {self.name}") from error
        if not values:
            return None
        return values[0] if len(values) == 1 else values


@dataclass(frozen=True)
class _EventType:
    name: str
    topic: bytes
    indexed: list[tuple[str, str]]  # (name, type), hashes of dynamic values as bytes32
    plain: list[tuple[str, str]]

    @classmethod
    def of(cls, item: dict[str, Any]) -> "_EventType":
        fields = [(field["name"], _type(field), field["indexed"]) for field in item["inputs"]]
        signature = f"{item['name']}({','.join(kind for _, kind, _ in fields)})"
        return cls(
            name=item["name"],
            topic=keccak(text=signature),
            indexed=[(name, _topic_type(kind)) for name, kind, indexed in fields if indexed],
            plain=[(name, kind) for name, kind, indexed in fields if not indexed],
        )

    def decode(self, log: Log) -> Mapping[str, Any]:
        if len(log.topics) != 1 + len(self.indexed):
            raise RpcError(f"endpoint sent a malformed {self.name} log")
        try:
            values = dict(
                zip(
                    [name for name, _ in self.plain],
                    _codec.decode([kind for _, kind in self.plain], log.data),
                    strict=True,
                )
            )
            for (name, kind), topic in zip(self.indexed, log.topics[1:], strict=True):
                (values[name],) = _codec.decode([kind], topic)
        except (DecodingError, ValueError, OverflowError) as error:
            raise RpcError(f"endpoint sent a malformed {self.name} log") from error
        return values


def _type(field: dict[str, Any]) -> str:
    """Return the canonical type; a struct becomes a tuple of its members."""
    kind = str(field["type"])
    if not kind.startswith("tuple"):
        return kind
    members = ",".join(_type(member) for member in field["components"])
    return f"({members}){kind.removeprefix('tuple')}"


def _topic_type(kind: str) -> str:
    is_hashed = kind in ("string", "bytes") or kind.endswith((")", "]"))
    return "bytes32" if is_hashed else kind


class _ChecksumAddressDecoder(AddressDecoder):
    decoder_fn = staticmethod(to_checksum_address)


def _build_codec() -> ABICodec:
    own: ABIRegistry = registry.copy()  # type: ignore[no-untyped-call]
    own.unregister("address")
    is_address = BaseEquals("address")  # type: ignore[no-untyped-call]
    own.register(is_address, AddressEncoder, _ChecksumAddressDecoder, label="address")
    return ABICodec(own)


_codec = _build_codec()
