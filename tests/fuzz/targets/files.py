"""Files that people are given by others: job files, task tables, arrays, deployments, settings."""

import json

import numpy as np

from tests.conftest import ROOT
from tests.fuzz.target import Form, Target, scratch
from tests.fuzz.targets.abi import document
from worker.chain.contracts import Contracts
from worker.chain.deployment import Deployment
from worker.client.arrays import read_tensor
from worker.client.fields import Tasks
from worker.client.spec import parse_spec
from worker.client.tasks import expand
from worker.config import load_config
from worker.errors import ConfigError, SpecError
from worker.tensor.tensors import DType, TensorType, type_of

_TYPE = TensorType(DType.I16, 2, 3)
_YAML = (
    b"- ", b": ", b"? ", b"&a ", b"*a", b"<<: *a", b"!!binary ", b"!!timestamp ", b"!!float ",
    b"!!int ", b"!!bool ", b"!!set ", b"!!omap ", b"!!python/name:os.system ", b"!x ", b"|\n",
    b">\n",
    b"---\n", b"...\n", b"%YAML 1.2\n", b"# ", b"\t", b"\xef\xbb\xbf", b"{", b"}", b"[", b"]", b"~",
    b"0.5", b"1e9", b"64MiB", b"2h", b"10%", b".inf", b"{index}", b"{value}", b"\"\\ud800\"",
)  # fmt: skip


def _job(data: bytes) -> bool:
    spec = parse_spec(data)
    assert parse_spec(data) == spec
    if spec.tasks.range is not None:
        assert 1 <= len(spec.tasks.range.values()) <= 1 << 20
    return True


def _jobs() -> list[bytes]:
    return [path.read_bytes() for path in sorted((ROOT / "examples").glob("*/job.yaml"))]


def _table(data: bytes, suffix: str) -> bool:
    path = scratch(data, suffix)
    rows = expand(Tasks(table=path.name), path.parent)
    assert len({frozenset(row.values) for row in rows}) == 1
    return True


def _npy(data: bytes) -> bool:
    tensor = read_tensor(scratch(data, ".npy"), _TYPE)
    assert type_of(tensor) == _TYPE
    return True


def _npys() -> list[bytes]:
    made = []
    for kind in ("<i8", ">i4", "|u1", "<f4"):
        path = scratch(b"", ".npy")
        np.save(path, np.arange(6).reshape(2, 3).astype(kind))
        made.append(path.read_bytes())
    return made


def _deployment(data: bytes) -> bool:
    deployment = Deployment.load(scratch(data, ".json"))
    Contracts(deployment, pool=None)  # type: ignore[arg-type]
    assert deployment.identity.chain_id == deployment.chain_id
    return True


def _deployments() -> list[bytes]:
    """One contract with one function and one event: all else is more of the same."""
    full = document()
    contract = full["contracts"]["Demands"]
    items = [item for item in contract["abi"] if item["type"] in ("event", "function")]
    kinds = {item["type"]: item for item in items}
    small = {**contract, "abi": list(kinds.values())}
    return [json.dumps({**full, "contracts": {"Demands": small}}).encode()]


def _settings(data: bytes) -> bool:
    load_config(scratch(data, ".toml"))
    return True


def _setting_seeds() -> list[bytes]:
    text = (
        'deployment = "d.json"\n[chain]\nrpc_urls = ["https://rpc.example"]\nconfirmations = 3\n'
        '[wallet]\nkeystore = "k.json"\n'
        '[node]\noperator = 7\npublic_url = "https://w.example"\n[node.key]\nkeystore = "n.json"\n'
        "[node.api]\npublic_port = 8440\n[node.limits]\nfuel = 1000\n"
    )
    return [text.encode()]


_CSV = (b'"', b",", b"\r\n", b"index", b"\xef\xbb\xbf", b"\0", b"a,a\n")

TARGETS = (
    Target("job_yaml", _job, _jobs, (SpecError,), Form.TEXT, _YAML),
    Target(
        "table_csv",
        lambda data: _table(data, ".csv"),
        lambda: [
            b"seed,name\n1,a\n2,b\n",
            b'x\n"a ""b"""\n',
            (ROOT / "examples/folding/tasks.csv").read_bytes(),
        ],
        (SpecError,),
        Form.TEXT,
        _CSV,
    ),
    Target(
        "table_json",
        lambda data: _table(data, ".json"),
        lambda: [b'[{"seed":1,"name":"a"},{"seed":2.50,"name":true}]'],
        (SpecError,),
        Form.JSON,
    ),
    Target("npy", _npy, _npys, (ValueError,)),
    Target("deployment", _deployment, _deployments, (ConfigError,), Form.JSON),
    Target("settings", _settings, _setting_seeds, (ConfigError,), Form.TEXT),
)
