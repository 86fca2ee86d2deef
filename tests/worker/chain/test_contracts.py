"""Calls and deployment files."""

import json

import pytest

from tests.faults import proxy as faults
from worker.chain.deployment import Deployment
from worker.errors import ConfigError, RevertedError, RpcError


async def test_call__one_value_and_several__plain_python(bench):
    assert await bench.contracts.call("Notes", "total") == 0
    who, terms, totals = await bench.contracts.call("Notes", "latest", bench.address)
    assert (who, terms, totals) == (bench.address, (0, bytes(32)), (0,))


async def test_call__revert__the_contracts_words(bench):
    with pytest.raises(RevertedError, match="notes: unlucky") as caught:
        await bench.contracts.call("Notes", "note", (13, bytes(32)), sender=bench.address)
    assert caught.value.reason == "notes: unlucky"


async def test_call__overloads__picked_by_the_number_of_arguments(bench):
    await bench.contracts.call("Notes", "note", (13, bytes(32)), "words", 5)
    with pytest.raises(RevertedError):
        await bench.contracts.call("Notes", "note", (5, bytes(32)), "words", 5)


@pytest.mark.parametrize("answer", ["0x", "0x01", 7, "0x" + "ff" * 31])
async def test_call__malformed_answer__rpc_error(bench, answer):
    bench.proxy.inject(faults.result(answer), "eth_call")
    with pytest.raises(RpcError, match="malformed result of"):
        await bench.contracts.call("Notes", "total")


def test_encode__wrong_arguments__value_error(bench):
    with pytest.raises(ValueError, match="note"):
        bench.contracts.encode("Notes", "note", (-1, bytes(32)))


def test_encode__unknown_names__config_error(bench):
    with pytest.raises(ConfigError, match=r"contracts\.Votes: missing"):
        bench.contracts.encode("Votes", "vote")
    with pytest.raises(ConfigError, match="no vote of 0 arguments"):
        bench.contracts.encode("Notes", "vote")


def test_load__written_and_read__same(deployment, tmp_path):
    path = tmp_path / "31337.json"
    path.write_text(deployment.model_dump_json())
    assert Deployment.load(path) == deployment


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda d: d.pop("chain_id"), "chain_id"),
        (lambda d: d.update(block=-1), "block"),
        (lambda d: d.update(genesis_hash="0x12"), "genesis_hash"),
        (lambda d: d["contracts"]["Notes"].update(address="0x12"), "contracts.Notes.address"),
        (lambda d: d["contracts"]["Notes"].pop("code_hash"), "contracts.Notes.code_hash"),
        (lambda d: d["contracts"]["Notes"].update(abi={}), "contracts.Notes.abi"),
        (lambda d: d.update(contracts=[]), "contracts"),
    ],
)
def test_load__field_wrong__config_error_names_it(deployment, tmp_path, change, field):
    fields = json.loads(deployment.model_dump_json())
    change(fields)
    path = tmp_path / "31337.json"
    path.write_text(json.dumps(fields))
    with pytest.raises(ConfigError, match=rf"31337\.json: {field}: "):
        Deployment.load(path)


@pytest.mark.parametrize("content", ["", "{", "[]", "null"])
def test_load__not_a_deployment__config_error(tmp_path, content):
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(ConfigError, match=r"x\.json"):
        Deployment.load(path)


def test_load__missing_file__config_error(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        Deployment.load(tmp_path / "no.json")
