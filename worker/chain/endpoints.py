"""The RPC pool: several endpoints behind one call, each checked before it is believed."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

import aiohttp
import structlog

from worker.chain.config import ChainConfig
from worker.chain.deployment import ChainIdentity
from worker.chain.endpoint import Endpoint, Request
from worker.chain.refusals import (
    EndpointError,
    Refusal,
    ResponseError,
    Trouble,
    classify_refusal,
)
from worker.chain.wire import Block, Receipt, parse_block, parse_data, parse_quantity, parse_receipt
from worker.errors import RpcError, StaleBlockError, WrongChainError

_WRONG_CHAIN_PAUSE = 60.0

_T = TypeVar("_T")

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class EndpointStatus:
    """How one endpoint fares. `failures` are counted since the start; `error` is what keeps it out,
    if something does."""

    name: str
    is_usable: bool
    lag: int
    failures: Mapping[Trouble, int]
    error: str | None


class RpcPool:
    """Asks the preferred endpoint that is alive, in step, and on the right chain.

    Use it as an async context manager: while it is open, a task per endpoint compares heads.
    """

    def __init__(self, config: ChainConfig, identity: ChainIdentity) -> None:
        self._config = config
        self._identity = identity
        self._head_at = time.monotonic()
        self._head_number = -1
        self._was_right = False  # whether some endpoint has shown that it serves our chain

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(trust_env=False)
        self._endpoints = [
            Endpoint(str(url), self._config.request_timeout, self._session)
            for url in self._config.rpc_urls
        ]
        self._probes = [asyncio.create_task(self._watch(one)) for one in self._endpoints]
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for probe in self._probes:
            probe.cancel()
        await asyncio.gather(*self._probes, return_exceptions=True)
        await self._session.close()

    async def call(
        self,
        method: str,
        params: Sequence[Any],
        parse: Callable[[Any], _T],
        *,
        at_least_block: int | None = None,
    ) -> _T:
        """Return the parsed result of the first endpoint that gives a usable one.

        With `at_least_block` only an endpoint that has that block is believed. Raises RpcError
        when none answers well, StaleBlockError when all lag, WrongChainError when all are on
        another chain and always were, RevertedError or ResponseError when the request itself is
        refused.
        """
        request = Request(method, params, parse)
        result: _T = (await self.batch([request], at_least_block=at_least_block))[0]
        return result

    async def batch(
        self, requests: Sequence[Request], *, at_least_block: int | None = None
    ) -> list[Any]:
        """Return the parsed results of several requests, all from one endpoint; see `call`."""
        troubles: list[tuple[Endpoint, RpcError | StaleBlockError | WrongChainError]] = []
        for endpoint in self._candidates():
            try:
                return await self._ask(endpoint, requests, at_least_block)
            except (EndpointError, StaleBlockError, WrongChainError) as error:
                troubles.append((endpoint, error))
        raise self._summary(troubles)

    async def head(self) -> Block:
        """Return the newest block."""
        block = await self.call("eth_getBlockByNumber", ["latest", False], parse_block)
        self._note_head(block.number)
        return block

    async def block(self, number: int, *, at_least_block: int | None = None) -> Block:
        """Return the block at that height, which must exist."""
        return await self.call(
            "eth_getBlockByNumber",
            [hex(number), False],
            parse_block,
            at_least_block=at_least_block,
        )

    async def receipt(self, tx_hash: bytes) -> Receipt | None:
        """Return the receipt, or None when the transaction is not mined."""
        return await self.call("eth_getTransactionReceipt", ["0x" + tx_hash.hex()], parse_receipt)

    async def broadcast(self, raw: bytes) -> Refusal | None:
        """Hand a signed transaction to every usable endpoint; None when one of them has it now.

        Raises RpcError when none of them answered.
        """
        request = Request("eth_sendRawTransaction", ["0x" + raw.hex()], _parse_hash)
        candidates = self._candidates()
        endpoints = [one for one in candidates if one.is_verified] or candidates
        outcomes = await asyncio.gather(
            *(self._ask(endpoint, [request], None) for endpoint in endpoints),
            return_exceptions=True,
        )
        troubles: list[tuple[Endpoint, Any]] = []
        refusals: list[Refusal] = []
        for endpoint, outcome in zip(endpoints, outcomes, strict=True):
            if isinstance(outcome, ResponseError):
                refusals.append(classify_refusal(outcome.message))
                log.info("transaction refused", endpoint=endpoint.name, error=str(outcome))
            elif isinstance(outcome, RpcError | StaleBlockError | WrongChainError):
                troubles.append((endpoint, outcome))
            elif isinstance(outcome, BaseException):
                raise outcome
            else:
                return None
        if Refusal.ALREADY_KNOWN in refusals:
            return None
        if refusals:
            return refusals[0]
        raise self._summary(troubles)

    @property
    def head_age(self) -> float:
        """Seconds since any endpoint showed a new head."""
        return time.monotonic() - self._head_at

    def status(self) -> list[EndpointStatus]:
        """Return how each endpoint fares, in the order of the configuration."""
        return [
            EndpointStatus(
                name=one.name,
                is_usable=one.is_open and one.wrong is None and self._is_in_step(one),
                lag=one.lag,
                failures=one.failures,
                error=one.wrong or one.last_error,
            )
            for one in self._endpoints
        ]

    def _candidates(self) -> list[Endpoint]:
        """Return who to ask, best first. With nobody in good standing, ask all: one may be back.

        One that failed comes last until its probe has asked it: no call waits for it while another
        is good.
        """
        good = [one for one in self._endpoints if one.is_open and self._is_in_step(one)]
        if good:
            return sorted(good, key=lambda one: not one.is_verified)
        return [one for one in self._endpoints if one.is_open] or list(self._endpoints)

    def _is_in_step(self, endpoint: Endpoint) -> bool:
        if endpoint.lag > self._config.max_lag_blocks:
            return False
        since = endpoint.behind_since
        return since is None or time.monotonic() - since < self._config.max_lag_seconds

    async def _ask(
        self, endpoint: Endpoint, requests: Sequence[Request], at_least_block: int | None
    ) -> list[Any]:
        if not endpoint.is_verified:
            await self._verify(endpoint)
        if at_least_block is None:
            return await endpoint.ask(requests)
        # In one batch, so that the same node behind a load balancer answers for both.
        height = Request("eth_blockNumber", [], _at_least(at_least_block))
        return (await endpoint.ask([height, *requests]))[1:]

    async def _verify(self, endpoint: Endpoint) -> None:
        """Check that the endpoint serves our chain and our contracts, or refuse it for a while."""
        identity = self._identity
        requests = [Request("eth_chainId", [], parse_quantity)]
        if identity.genesis_hash is not None:
            requests.append(Request("eth_getBlockByNumber", ["0x0", False], parse_block))
        for contract in identity.contracts:
            requests.append(Request("eth_getCode", [contract.address, "latest"], parse_data))
        results = await endpoint.ask(requests)
        endpoint.wrong = identity.mismatch(
            chain_id=results[0],
            genesis_hash=results[1].hash if identity.genesis_hash is not None else None,
            codes=results[len(results) - len(identity.contracts) :],
        )
        if endpoint.wrong is not None:
            endpoint.fail(Trouble.WRONG_CHAIN, _WRONG_CHAIN_PAUSE)
            log.error("endpoint refused", endpoint=endpoint.name, error=endpoint.wrong)
            raise WrongChainError(f"{endpoint.name}: {endpoint.wrong}")
        endpoint.is_verified = self._was_right = True

    async def _watch(self, endpoint: Endpoint) -> None:
        """Compare the endpoint's head with the others' for as long as the pool is open."""
        while True:
            if endpoint.is_open:
                with suppress(RpcError, StaleBlockError, WrongChainError):
                    await self._probe(endpoint)
            await asyncio.sleep(self._config.probe_seconds)

    async def _probe(self, endpoint: Endpoint) -> None:
        best = self._best_head(endpoint)
        chain_id, head = await self._ask(
            endpoint,
            [
                Request("eth_chainId", [], parse_quantity),
                Request("eth_blockNumber", [], parse_quantity),
            ],
            None,
        )
        if chain_id != self._identity.chain_id:
            endpoint.fail(Trouble.WRONG_CHAIN, 0.0)  # verified anew, and refused, at the next use
            return
        endpoint.note_head(head, best)
        self._note_head(head)

    def _summary(self, troubles: Sequence[tuple[Endpoint, Exception]]) -> Exception:
        """Return one error for what the endpoints said. Where all are on another chain a person
        must look, unless one was on ours before: that one may come back."""
        text = "; ".join(f"{one.name}: {_short(error, one)}" for one, error in troubles)
        kinds = {type(error) for _, error in troubles}
        is_nowhere = len(troubles) == len(self._endpoints) and not self._was_right
        if kinds == {WrongChainError} and is_nowhere:
            return WrongChainError(text)
        if kinds == {StaleBlockError}:
            return StaleBlockError(text)
        return RpcError(f"no endpoint gave a usable answer: {text}")

    def _best_head(self, other_than: Endpoint) -> int:
        """Return the best head of the other endpoints that are alive.

        Of three or more endpoints the second best counts, so that none can discredit the rest.
        """
        heads = sorted(
            one.head
            for one in self._endpoints
            if one is not other_than and one.head is not None and one.is_open
        )
        if not heads:
            return 0
        return heads[-2] if len(heads) > 1 else heads[-1]

    def _note_head(self, number: int) -> None:
        if number != self._head_number:
            self._head_number = number
            self._head_at = time.monotonic()


def _at_least(block: int) -> Callable[[Any], int]:
    def parse(value: Any) -> int:
        height = parse_quantity(value)
        if height < block:
            raise StaleBlockError(f"is at block {height}, not yet at {block}")
        return height

    return parse


def _parse_hash(value: Any) -> bytes:
    return parse_data(value, "transaction hash", 32)


def _short(error: Exception, endpoint: Endpoint) -> str:
    return str(error).removeprefix(f"{endpoint.name}: ")
