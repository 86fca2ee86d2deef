"""A requester at the command line, real workers: submit, fetch, verify, receipt, publish."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tests.e2e.network import RAYTRACE, write_picture
from tests.e2e.person import Person
from worker.cli.devnet.anvil import free_port
from worker.cli.devnet.network import Network
from worker.cli.exits import Exit

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.fixture
def person(network: Network, tmp_path: Path) -> Person:
    write_picture(tmp_path, price=0.5, bond=2)
    return Person(network.write_requester_settings(), tmp_path)


async def _start_workers(network: Network, count: int = 3) -> None:
    for operator in network.operators[:count]:
        await network.start(operator)
    for operator in network.operators[:count]:
        await network.until_ready(operator)


async def test_requester__served_from_here__gets_checked_results_and_proof(
    network: Network, person: Person
) -> None:
    await _start_workers(network)
    port = free_port()
    serve = ("--serve", f"127.0.0.1:{port}", "--public-url", f"http://127.0.0.1:{port}")
    key = (await person.run("job", "submit", "job.yaml", *serve, "--wait", "final", "-q")).strip()

    shown = await person.data("job", "show", "picture")
    assert (shown["job"], shown["state"]) == (key, "paid")
    assert (shown["result_delivered"], shown["payment_final"]) == (True, True)

    fetched = await person.data("job", "fetch", "picture", "--to", "tiles")
    assert [one["task"] for one in fetched] == [0, 1]
    tile = person.folder / "tiles" / "task-00000" / "out" / "tile.ppm"
    assert tile.read_bytes().startswith(b"P6\n24 32\n")
    verified = await person.data("job", "verify", "picture", "--task", 1)
    assert [(one["task"], one["agrees"]) for one in verified] == [(1, True)]
    assert await person.run("job", "logs", "picture", 0, "--stream", "stdout") == ""

    (receipt,) = await person.data("job", "receipt", "picture", "--to", "receipts")
    await _check_offline(network, person, key, receipt)

    left = await person.data("job", "publish", "picture", "--copies", 2)
    assert left["workers"] == 2


async def _check_offline(
    network: Network, person: Person, key: str, receipt: dict[str, Any]
) -> None:
    """Check a receipt without any endpoint, by the deployment file and by a named contract."""
    offline = {"PROOFMESH_CONFIG": str(person.folder / "offline.toml")}
    check = ("job", "receipt", "--check", receipt["file"], "--block", receipt["block"])
    service = network.deployment.address("ReplicatedJobs")

    nothing = await person.run(*check, expect=Exit.USAGE, **offline)
    assert "give --service, the jobs contract that you trust" in nothing
    proven = await person.data(*check, "--service", service, **offline)
    assert (proven["valid"], proven["job"], list(proven["values"])) == (True, key, ["0", "1"])

    (person.folder / "offline.toml").write_text(f'deployment = "{network.deployment_file}"\n')
    assert (await person.run(*check, "-q", **offline)).strip() == key
    other = network.deployment.address("Registry")
    refused = await person.run(*check, "--service", other, expect=Exit.VERIFICATION, **offline)
    assert f"receipt: of the contract {service.lower()}, not of {other.lower()}" in refused

    elsewhere = json.loads(network.deployment_file.read_text()) | {"chain_id": 1}
    (person.folder / "other.json").write_text(json.dumps(elsewhere))
    (person.folder / "offline.toml").write_text('deployment = "other.json"\n')
    refused = await person.run(*check, expect=Exit.VERIFICATION, **offline)
    assert "receipt: of chain 31337, not of 1 as in other.json" in refused


async def test_requester__digits__classified_paid_and_verified(
    network: Network, person: Person
) -> None:
    await _start_workers(network, len(network.operators))
    digits = RAYTRACE.parent / "digits"
    shutil.copytree(digits / "images", person.folder / "images")
    shutil.copy(digits / "mlp.ptp", person.folder)
    fields = yaml.safe_load((digits / "job.yaml").read_text())
    fields["windows"] = {"claim": "6s", "run": "12s", "reveal": "12s", "challenge": "4s"}
    (person.folder / "digits.yaml").write_text(yaml.safe_dump(fields))

    key = (await person.run("job", "submit", "digits.yaml", "--wait", "final", "-q")).strip()

    shown = await person.data("job", "show", "digits")
    assert (shown["job"], shown["state"], shown["service"]) == (key, "paid", "ProvableJobs")
    fetched = await person.data("job", "fetch", "digits", "--to", "results")
    assert [(one["task"], one["final"]) for one in fetched] == [(task, True) for task in range(4)]
    found = [np.load(person.folder / one["files"][0]).argmax(1) for one in fetched]
    labels = np.loadtxt(digits / "labels.txt", dtype=int)
    assert (np.array(found) == labels).sum() == 63  # of 64, as the float model
    verified = await person.data("job", "verify", "digits")
    assert [one["agrees"] for one in verified] == [True] * 4
    (receipt,) = await person.data("job", "receipt", "digits", "--to", "receipts", "--batch", 1)
    check = ("job", "receipt", "--check", receipt["file"], "--block", receipt["block"])
    proven = await person.data(*check)
    assert (proven["job"], list(proven["values"])) == (key, ["2", "3"])
    assert proven["stands_because"] == "nobody proved it wrong in 4 s or more"
    await _check_market(person, len(proven["values"]))


async def _check_market(person: Person, batch: int) -> None:
    """See the digits in the market: what they cost, who came, and what a machine would cost."""
    prices = {
        "currency": "EUR",
        "tokens": {0: "0.5"},
        "machines": [{"name": "m", "lane": "ProvableJobs", "per_hour": 1, "task_seconds": 36}],
    }
    (person.folder / "prices.yaml").write_text(yaml.safe_dump(prices))
    program = (await person.data("job", "validate", "digits.yaml"))["program"]
    rows = await person.data("market", "--program", program, "--cloud", "prices.yaml")
    found = {row["market"]: row for row in rows}
    provable, tensor = found["ProvableJobs"], found["ProvableJobs tensor"]
    assert provable["jobs"] >= 1 and provable["rounds"]["filled"] >= 2  # other tests post them, too
    assert min(one["tasks"]["done"] for one in (provable, tensor)) >= 2 * batch
    assert provable["seconds_to_fill"]["low"] >= 0
    (machine,) = provable["elsewhere"]
    assert (machine["there"], float(machine["here"]) > 0) == ("0.01", True)
