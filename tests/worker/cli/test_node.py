"""`proofmesh node`: from an empty folder to a worker that runs, drains, and takes its stake out."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from eth_account import Account

from tests.conftest import LocalNetwork
from tests.worker.cli.conftest import Run
from worker.chain.keys import dev_signer, load_keystore, save_keystore
from worker.cli.devnet.anvil import free_port
from worker.cli.exits import Exit

PASSWORD = "correct horse"
OWNER = dev_signer(0, 31337)


@pytest.fixture
def owner_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The keystore of an account with tokens; one password for all keys of the test."""
    monkeypatch.setattr(Account, "_default_kdf", "pbkdf2")
    monkeypatch.setenv("PROOFMESH_PASSWORD", PASSWORD)
    monkeypatch.setenv("PROOFMESH_CONFIG", str(tmp_path / "home" / "config.toml"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "state"))
    path = tmp_path / "owner.json"
    save_keystore(path, OWNER, PASSWORD)
    return path


@pytest.fixture
def node(run: Run, chain: LocalNetwork, owner_key: Path, tmp_path: Path) -> Path:
    """A worker's settings as `node init` writes them, on a fast chain; returns the file."""
    given = ("--rpc", chain.url, "--deployment", chain.deployment, "--owner", owner_key)
    made = run("node", "init", *given, "--public-url", "http://127.0.0.1:1", "-q")
    assert made.code == Exit.OK, made.err
    file = tmp_path / "home" / "config.toml"
    ports = {"public_port": free_port(), "admin_port": free_port()}
    for name, value in {
        "chain.confirmations": 0,
        "chain.poll_seconds": 0.05,
        "node.min_free_bytes": 1_000_000,
        **{f"node.api.{name}": port for name, port in ports.items()},
    }.items():
        assert run("config", "set", name, value).code == Exit.OK
    _give_gas(chain, made.out.strip())
    return file


@pytest.fixture
def staked(run: Run, node: Path) -> Path:
    assert run("node", "stake", 500, "-q").out == "1\n"
    return node


def _give_gas(chain: LocalNetwork, address: str) -> None:
    asyncio.run(chain.anvil.ask("anvil_setBalance", address, hex(10**18)))


def checks(result) -> dict[str, tuple[str, str]]:
    return {one["check"]: (one["state"], one["detail"]) for one in result.data}


# Settings and key


def test_init__new_machine__private_key_file_and_settings(run, chain, owner_key, tmp_path):
    given = ("--rpc", chain.url, "--rpc", "http://127.0.0.1:9", "--deployment", chain.deployment)
    result = run("node", "init", *given, "--public-url", "https://w.example", "-o", "json")

    key = tmp_path / "home" / "worker.json"
    assert result.code == Exit.OK
    assert "send gas money to the worker key, then `proofmesh node stake`" in result.err
    assert result.data["worker_key"] == load_keystore(key, PASSWORD).address
    assert key.stat().st_mode & 0o777 == 0o600
    shown = {row["name"]: row["value"] for row in run("config", "show", "-o", "json").data}
    assert shown["node.public_url"] == "https://w.example"
    assert shown["node.key.keystore"] == str(key)


def test_init__again__keeps_the_key_that_is_there(run, node, chain):
    before = (node.parent / "worker.json").read_bytes()
    given = ("--rpc", chain.url, "--deployment", chain.deployment)
    again = run("node", "init", *given, "--public-url", "https://w.example")

    assert again.code == Exit.USAGE
    assert "worker.json already: give it with --keystore" in again.err
    assert (node.parent / "worker.json").read_bytes() == before


def test_init__public_url_that_is_none__usage_and_nothing_written(run, chain, owner_key, tmp_path):
    given = ("--rpc", chain.url, "--deployment", chain.deployment)
    result = run("node", "init", *given, "--public-url", "worker.example")

    assert result.code == Exit.USAGE
    assert "node.public_url" in result.err
    assert not (tmp_path / "home" / "config.toml").exists()
    assert not (tmp_path / "home" / "worker.json").exists()


# Stake


def test_stake__first_time__makes_an_operator_and_remembers_it(run, node):
    result = run("node", "stake", 500)

    assert result.code == Exit.OK
    assert result.out == "operator  1\n"
    said = result.err.splitlines()
    assert said[0] == "staked 500 tokens for operator 1"
    assert said[1].endswith("is its worker key")
    assert said[2] == "opted in to ReplicatedJobs, up to 500 tokens"
    again = run("node", "stake", 100)
    assert "staked 100 tokens for operator 1" in again.err


@pytest.mark.parametrize(
    ("amount", "code", "words"),
    [
        ("0.5", Exit.REVERTED, "staking: below the minimum stake"),
        ("2000000000", Exit.FUNDS, "holds 1000000000 tokens, needs 2000000000"),
        ("lots", Exit.USAGE, "'lots' is not a number of tokens"),
        ("-1", Exit.USAGE, "No such option"),
    ],
)
def test_stake__amount_that_cannot_be__said_with_its_code(run, node, amount, code, words):
    result = run("node", "stake", amount)
    assert (result.code, words in result.err) == (code, True), result.err


def test_stake__nothing_staked_and_no_amount__says_what_to_give(run, node):
    result = run("node", "stake")
    assert result.code == Exit.FUNDS
    assert "nothing is staked: give an amount" in result.err


def test_stake__wrong_password__exit_of_wallet(run, node, monkeypatch):
    monkeypatch.setenv("PROOFMESH_PASSWORD", "battery staple")
    result = run("node", "stake", 500)
    assert result.code == Exit.WALLET
    assert "owner.json: wrong password" in result.err


def test_stake__not_a_node__says_what_to_run(run, settings):
    result = run("node", "stake", 500)
    assert result.code == Exit.USAGE
    assert "run `proofmesh node init`" in result.err


# Doctor


def test_doctor__staked__finds_nothing_wrong(run, staked):
    result = run("node", "doctor", "-o", "json")

    found = checks(result)
    assert result.code == Exit.OK, found
    assert found["stake"] == ("ok", "operator 1: 500 tokens, 20 locked")
    assert found["opt-in"] == (
        "ok",
        "ReplicatedJobs up to 500 tokens, ProvableJobs up to 500 tokens",
    )
    assert {"disk", "public port", "admin port", "key", "endpoint", "clock", "gas money"} <= set(
        found
    )
    assert "sandbox: seccomp" in found


def test_pool__opened_then_dearer__binds_at_once_then_in_seven_days(run, staked):
    opened = run("node", "pool", "10%", "-o", "json")
    assert opened.code == Exit.OK, opened.err
    assert (opened.data["operator"], opened.data["commission"]) == (1, "10%")
    assert "opted in to ReplicatedJobs, up to 1000 tokens" in opened.err  # twice its own stake
    dearer = run("node", "pool", "12.5", "-o", "json")
    first, then = (datetime.fromisoformat(one.data["from"][:-4]) for one in (opened, dearer))
    assert timedelta(days=7) <= then - first < timedelta(days=7, hours=1)
    too_dear = run("node", "pool", "101%")
    assert (too_dear.code, "101% is more than all" in too_dear.err) == (Exit.USAGE, True)


def test_earnings__no_worker_yet__said_so(run, staked):
    result = run("node", "earnings")
    assert (result.code, "no worker has run here" in result.err) == (Exit.NOT_FOUND, True)
    assert run("node", "collect", "-o", "json").data == {
        "operator": 1,
        "minted": "0",
        "came": "0",
        "staked": "0",
    }


def test_doctor__not_staked_and_no_gas__names_both(run, node, chain):
    key = load_keystore(node.parent / "worker.json", PASSWORD).address
    asyncio.run(chain.anvil.ask("anvil_setBalance", key, "0x0"))
    result = run("node", "doctor", "-o", "json")

    found = checks(result)
    assert result.code == Exit.INTERNAL
    assert found["operator"] == ("wrong", "this key works for nobody: run `proofmesh node stake`")
    assert found["gas money"] == ("wrong", "0 of the chain's coin")


def test_doctor__nobody_answers__one_finding(run, staked):
    assert run("config", "set", "chain.rpc_urls", '["http://127.0.0.1:9"]').code == Exit.OK
    result = run("node", "doctor")
    assert result.code == Exit.INTERNAL
    assert "no endpoint gave a usable answer" in " ".join(result.out.split())


# Start, status, drain


@pytest.fixture
def worker(staked: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "worker", "node", "start"],
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )
    yield process
    if process.poll() is None:
        process.send_signal(signal.SIGKILL)
    process.communicate()


def _wait_until_ready(run: Run, process: subprocess.Popen[bytes]) -> dict:
    ends_at = time.monotonic() + 60
    while True:
        result = run("node", "status", "-o", "json")
        if result.code == Exit.OK and result.data["ready"]:
            return result.data
        assert process.poll() is None, process.communicate()[1].decode()
        assert time.monotonic() < ends_at, result.out + result.err
        time.sleep(0.1)


def test_start__staked__answers_status_refuses_a_second_and_drains(run, worker):
    status = _wait_until_ready(run, worker)
    assert status["operator"] == 1
    assert run("node", "status", "-q").out == "True\n"

    second = run("node", "start")
    assert second.code == Exit.WALLET
    assert f"in use by process {worker.pid}" in second.err
    busy = run("node", "doctor", "-o", "json")
    assert busy.code == Exit.OK
    assert checks(busy)["admin port"][0] == "weak"

    drained = run("node", "drain")
    assert (drained.code, drained.err) == (Exit.OK, "the worker has ended\n")
    assert worker.wait(timeout=10) == 0


def test_start__not_staked__says_what_to_run(run, node):
    result = run("node", "start")
    assert result.code == Exit.FUNDS
    assert "`proofmesh node stake`" in result.err


@pytest.mark.parametrize("verb", ["status", "drain"])
def test_status_and_drain__no_worker__not_found(run, staked, verb):
    result = run("node", verb)
    assert result.code == Exit.NOT_FOUND
    assert result.err.startswith("error: no worker ")


# Unstake


def test_unstake__leave_and_amount__tell_when_and_later_pay(run, staked, chain):
    result = run("node", "unstake", 100, "--leave", "-o", "json")

    assert result.code == Exit.OK
    assert set(result.data) == {"operator", "bond_free_at", "withdrawable_at"}
    early = run("node", "unstake", "--withdraw")
    assert (early.code, "staking: nothing to withdraw" in early.err) == (Exit.REVERTED, True)
    asyncio.run(chain.anvil.skip(60 * 86_400))
    late = run("node", "unstake", "--withdraw", "-o", "json")
    assert late.data == {"operator": "1", "withdrawn": "yes"}


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        ((), Exit.USAGE, "give an amount, --leave or --withdraw"),
        (("499.9",), Exit.REVERTED, "staking: "),
    ],
)
def test_unstake__what_cannot_be__said_with_its_code(run, staked, args, code, words):
    result = run("node", "unstake", *args)
    assert (result.code, words in result.err) == (code, True), result.err


def test_unstake__never_staked__says_so(run, node):
    result = run("node", "unstake", 1)
    assert result.code == Exit.FUNDS
    assert "no operator yet: `proofmesh node stake` makes one" in result.err
