"""`node doctor`: everything that a worker needs, tried one by one."""

import shutil
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum

from worker.chain.contracts import Contracts
from worker.chain.deployment import Deployment
from worker.chain.endpoint import Request
from worker.chain.endpoints import RpcPool
from worker.chain.keys import exposures, open_signer
from worker.chain.standing import Standing, fetch_standing
from worker.chain.wire import parse_amount
from worker.cli.runtime import ask_password
from worker.client.operator import SERVICES
from worker.client.wallet import as_tokens
from worker.config import Config, NodeConfig
from worker.errors import ProofmeshError
from worker.executors.sandbox import open_sandbox
from worker.protocol.words import GWEI
from worker.types import Address

_MAX_SKEW_SECONDS = 15


class State(StrEnum):
    """How a check ended; only WRONG keeps a worker from working."""

    OK = "ok"
    WEAK = "weak"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """One check: what, how it ended, and what to know or do."""

    check: str
    state: State
    detail: str

    @property
    def is_wrong(self) -> bool:
        """Whether a worker cannot work like this."""
        return self.state is State.WRONG

    def row(self) -> dict[str, str]:
        """Return it as a row of output."""
        return {"check": self.check, "state": self.state, "detail": self.detail}


async def examine(config: Config) -> list[Finding]:
    """Try everything; each trouble is a finding, none ends the examination."""
    node = config.require_node()
    findings = [_disk(config, node), *_ports(node)]
    findings += [finding async for finding in _sandbox()]
    try:
        deployment = Deployment.load(config.deployment)
        key = open_signer(node.key, deployment.chain_id, ask_password).address
        findings += _key(key, node)
        async with RpcPool(config.chain, deployment.identity) as pool:
            findings += [finding async for finding in _chain(pool)]
            contracts = Contracts(deployment, pool)
            findings += [finding async for finding in _money(pool, key, node)]
            findings += [finding async for finding in _operator(contracts, key, node)]
    except ProofmeshError as error:
        findings.append(Finding("chain", State.WRONG, str(error)))
    return findings


def _key(key: Address, node: NodeConfig) -> list[Finding]:
    exposed = [Finding("key files", State.WEAK, todo) for todo in exposures(node.key)]
    return [Finding("key", State.OK, key), *exposed]


def _disk(config: Config, node: NodeConfig) -> Finding:
    folder = next(path for path in (config.data, *config.data.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    state = State.OK if free >= node.min_free_bytes else State.WRONG
    return Finding("disk", state, f"{free / 2**30:.1f} GiB free at {folder}")


def _ports(node: NodeConfig) -> list[Finding]:
    listeners = [
        ("public port", node.api.public_host, node.api.public_port),
        ("admin port", "127.0.0.1", node.api.admin_port),
    ]
    return [_port(name, host, port) for name, host, port in listeners]


def _port(name: str, host: str, port: int) -> Finding:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            detail = f"{host}:{port}: {error.strerror}; is a worker running already?"
            return Finding(name, State.WEAK, detail)
    return Finding(name, State.OK, f"{host}:{port} is free")


async def _sandbox() -> AsyncIterator[Finding]:
    try:
        sandbox = await open_sandbox()
    except ProofmeshError as error:
        yield Finding("sandbox", State.WRONG, str(error))
        return
    try:
        for layer in sandbox.layers:
            state = State.OK if layer.active else State.WEAK
            yield Finding(f"sandbox: {layer.name}", state, layer.detail)
    finally:
        await sandbox.close()


async def _chain(pool: RpcPool) -> AsyncIterator[Finding]:
    head = await pool.head()
    for status in pool.status():
        state = State.OK if status.error is None else State.WEAK
        yield Finding("endpoint", state, f"{status.name}: {status.error or 'in use'}")
    skew = abs(time.time() - head.timestamp)
    state = State.OK if skew <= _MAX_SKEW_SECONDS else State.WEAK
    yield Finding("clock", state, f"{skew:.0f} s from block {head.number}")


async def _money(pool: RpcPool, key: Address, node: NodeConfig) -> AsyncIterator[Finding]:
    request = Request("eth_getBalance", [key, "latest"], parse_amount)
    balance = (await pool.batch([request]))[0]
    state = State.OK if balance >= node.min_balance_wei else State.WRONG
    yield Finding("gas money", state, f"{as_tokens(balance)} of the chain's coin")


async def _operator(contracts: Contracts, key: Address, node: NodeConfig) -> AsyncIterator[Finding]:
    number = await contracts.call("Staking", "operator_of", key)
    if number == 0 or number != node.operator:
        detail = "this key works for nobody" if number == 0 else f"this key works for {number}"
        yield Finding("operator", State.WRONG, f"{detail}: run `proofmesh node stake`")
        return
    standing = await fetch_standing(contracts, number)
    backing = standing.backing
    detail = f"operator {number}: {as_tokens(backing.own * GWEI)} tokens"
    if backing.delegated:
        detail += f" and {as_tokens(backing.delegated * GWEI)} delegated"
    yield Finding("stake", State.OK, f"{detail}, {as_tokens(backing.locked * GWEI)} locked")
    yield _opt_ins(standing)


def _opt_ins(standing: Standing) -> Finding:
    """Which services the operator works for; one is enough."""
    found = [
        f"{service} up to {as_tokens(standing.lanes[service].ceiling * GWEI)} tokens"
        for service in SERVICES
        if service in standing.lanes and standing.lanes[service].ceiling
    ]
    words = ", ".join(found) or "run `proofmesh node stake`"
    return Finding("opt-in", State.OK if found else State.WRONG, words)
