"""`proofmesh job`: what people and programs read, and with which exit code it ends."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import LocalNetwork
from worker.cli.exits import Exit
from worker.client.spec import parse_spec

JOB = {
    "name": "try",
    "program": "p.wasm",
    "tasks": {"range": {"to": 3}},
    "batch": 2,
    "price": "0.5",
    "windows": {"claim": "30s", "run": "60s", "reveal": "30s"},
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return job_file(tmp_path / "job")


def job_file(folder: Path, **changes) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "p.wasm").write_bytes(b"\0asm\1\0\0\0")
    path = folder / "job.yaml"
    path.write_text(yaml.safe_dump({**JOB, **changes}))
    return path


def sent(chain: LocalNetwork) -> int:
    """Return how many blocks there are: each transaction makes one."""
    return int(asyncio.run(chain.anvil.ask("eth_blockNumber")), 16)


def test_init__new_file__is_a_valid_job(run, tmp_path):
    path = tmp_path / "job.yaml"

    assert run("job", "init", path, "-q").out == f"{path}\n"
    assert parse_spec(path.read_bytes()).name == "my-job"
    (tmp_path / "program.wasm").write_bytes(b"\0asm\1\0\0\0")
    assert run("job", "validate", path).code == Exit.OK
    again = run("job", "init", path)
    assert again.code == Exit.USAGE and "File exists" in again.err


def test_validate__good_file__tells_what_would_be_posted(run, file):
    result = run("job", "validate", file, "-o", "json")

    assert result.code == Exit.OK
    assert (result.data["tasks"], result.data["batches"]) == (3, 2)
    assert run("job", "validate", file, "-q").out == result.data["manifest"] + "\n"


def test_validate__from_stdin__reads_it(file):
    result = subprocess.run(
        [sys.executable, "-m", "worker", "job", "validate", "-", "-o", "yaml"],
        input=file.read_bytes(),
        cwd=file.parent,
        env={"PYTHONPATH": str(Path.cwd()), "PATH": ""},
        capture_output=True,
        timeout=60,
        check=True,
    )
    assert yaml.safe_load(result.stdout)["name"] == "try"


@pytest.mark.parametrize("verb", ["validate", "submit"])
def test_bad_file__named_field__one_line_and_nothing_sent(run, chain, settings, tmp_path, verb):
    bad = job_file(tmp_path / "bad", tasks={"range": {"to": "many"}})
    before = sent(chain)

    result = run("job", verb, bad)

    assert result.code == Exit.BAD_SPEC
    assert result.err.splitlines()[0] == ("error: tasks.range.to: Input should be a valid integer")
    assert "hint: nothing was sent" in result.err
    assert sent(chain) == before


def test_submit__dry_run__shows_cost_and_sends_nothing(run, chain, settings, file):
    before = sent(chain)

    table = run("job", "submit", file, "--dry-run")
    data = run("job", "submit", file, "--dry-run", "-o", "json").data

    assert table.code == Exit.OK and "escrow         7.5" in table.out
    assert "public: every operator" in table.err
    assert (data["escrow"], data["expected_cost"]) == ("7.5", "4.5")
    assert data["gas"] > 100_000
    assert data["eligible"] == "0 of 0"
    assert sent(chain) == before


def test_submit__then_list_show_follow_cancel__one_job_in_all(run, chain, settings, file):
    key = run("job", "submit", file, "-q").out.strip()
    shown = run("job", "show", key[:10], "-o", "json").data

    assert run("job", "list", "-q").out == f"{key}\n"
    assert (shown["job"], shown["state"]) == (key, "open")
    assert (shown["result_delivered"], shown["payment_final"]) == (False, False)
    assert [batch["state"] for batch in shown["batches"]] == ["open", "open"]
    assert "result delivered" in run("job", "show", "try").out
    listed = run("job", "list", "-o", "yaml")
    assert yaml.safe_load(listed.out)[0]["job"] == key

    assert run("job", "cancel", key, "-o", "json").data["cancelled"] == [0, 1]
    followed = run("job", "follow", key, "--until", "final", "-o", "json")
    steps = [json.loads(line)["step"] for line in followed.out.splitlines()]
    assert steps == ["posted: 3 tasks in 2 batches", *["cancelled, refunded"] * 2]
    assert followed.code == Exit.REFUNDED
    assert followed.err == "the job is refunded: 0 of 3 tasks have a result\n"
    assert run("credits", "withdraw").code == Exit.OK


def test_submit__wait_runs_out__job_lives_and_code_says_so(run, settings, file):
    result = run("job", "submit", file, "--wait", "accepted", "--timeout", "1s", "-o", "json")

    assert result.code == Exit.TIMED_OUT
    assert "the job is not accepted after 1 s" in result.err
    assert run("job", "show", "try", "-o", "json").data["state"] == "open"


def test_submit__without_tokens__exit_of_funds(run, settings, file):
    settings(wallet="dev_account = 7")
    result = run("job", "submit", file)
    assert result.code == Exit.FUNDS
    assert "holds 0 of token" in result.err


def test_submit__no_wallet__says_so(run, settings, file, tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(path.read_text().replace("[wallet]\ndev_account = 0", ""))
    result = run("job", "submit", file)
    assert result.code == Exit.USAGE
    assert "no wallet is configured" in result.err


def test_submit__keystore_gone__named(run, settings, file, tmp_path):
    settings(wallet=f'keystore = "{tmp_path / "none.json"}"')
    result = run("job", "submit", file)
    assert result.code == Exit.WALLET
    assert f"keystore {tmp_path / 'none.json'}: No such file" in result.err


def test_submit__nobody_answers__exit_of_chain(run, settings, file):
    settings(url="http://127.0.0.1:9")
    result = run("job", "submit", file)
    assert result.code == Exit.CHAIN
    assert "no endpoint gave a usable answer" in result.err


def test_submit__other_chain_than_the_deployments__refused(run, settings, file, chain, tmp_path):
    other = tmp_path / "other.json"
    fields = json.loads(chain.deployment.read_text())
    other.write_text(json.dumps({**fields, "chain_id": 11_155_111}))
    path = tmp_path / "config.toml"
    path.write_text(path.read_text().replace(str(chain.deployment), str(other)))
    path.write_text(path.read_text().replace("[wallet]\ndev_account = 0\n", ""))

    result = run("job", "show", "ab" * 32)

    assert result.code == Exit.CHAIN
    assert "is on chain 31337, not 11155111" in result.err


def test_submit__serve_without_public_url__usage(run, settings, file):
    result = run("job", "submit", file, "--serve", "127.0.0.1:0")
    assert result.code == Exit.USAGE
    assert "--serve and --public-url belong together" in result.err


def test_submit__port_in_use__says_so_and_sends_nothing(run, chain, settings, file):
    port = chain.url.rpartition(":")[2]
    before = sent(chain)
    result = run(
        *("job", "submit", file, "--serve", f"127.0.0.1:{port}"),
        *("--public-url", "http://127.0.0.1:1"),
    )
    assert result.code == Exit.USAGE
    assert f"cannot listen on 127.0.0.1:{port}" in result.err
    assert sent(chain) == before


def test_show__unknown_job__not_found(run, settings):
    assert run("job", "show", "nobody").code == Exit.NOT_FOUND


def test_receipt__neither_job_nor_file__usage(run, settings, tmp_path):
    assert run("job", "receipt").code == Exit.USAGE
    assert run("job", "receipt", "--check", tmp_path / "x").code == Exit.USAGE
    check = ("job", "receipt", "--check", tmp_path / "x", "--block")
    for block in ("00", "00" * 31, "xyz"):
        short = run(*check, block)
        assert (short.code, "--block: not the hash of a block" in short.err) == (Exit.USAGE, True)
    wrong = run(*check, "00" * 32, "--service", "0x12")
    assert (wrong.code, "--service: not an address" in wrong.err) == (Exit.USAGE, True)
    assert run(*check, "00" * 32).code == Exit.VERIFICATION


def test_command_line__takes_no_private_key():
    words = subprocess.run(
        [sys.executable, "-m", "worker", "job", "submit", "--help"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    assert "key" not in words.replace("keystore", "")
