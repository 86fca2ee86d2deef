"""`proofmesh config`: settings from nothing, shown with their origin, never left broken."""

from pathlib import Path

import pytest

from tests.conftest import ROOT
from worker.cli.exits import Exit

DEPLOYMENT = ROOT / "ape-config.yaml"  # only named, not read


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "home" / "config.toml"
    monkeypatch.setenv("PROOFMESH_CONFIG", str(path))
    return path


@pytest.fixture
def made(run, file: Path) -> Path:
    urls = ("--rpc", "https://one.example", "--rpc", "https://two.example")
    assert run("config", "init", *urls, "--deployment", DEPLOYMENT, "-q").out == f"{file}\n"
    return file


def test_init__new_machine__shown_with_origins(run, made, monkeypatch):
    monkeypatch.setenv("PROOFMESH_CHAIN__CONFIRMATIONS", "12")
    rows = {row["name"]: row for row in run("config", "show", "-o", "json").data}

    assert "one.example" in rows["chain.rpc_urls"]["value"]
    assert rows["deployment"]["origin"] == str(made)
    assert rows["chain.confirmations"]["origin"] == "PROOFMESH_CHAIN__CONFIRMATIONS"
    assert rows["chain.bump_percent"]["origin"] == "default"
    assert run("config", "path").out == f"{made}\n"


def test_set__not_valid__says_the_field_and_changes_nothing(run, made):
    before = made.read_bytes()
    result = run("config", "set", "chain.confirmations", "-3")

    assert result.code == Exit.USAGE
    assert run("config", "set", "chain.colour", "red").code == Exit.USAGE
    assert made.read_bytes() == before
    assert [path.name for path in made.parent.iterdir()] == ["config.toml"]


@pytest.mark.parametrize("words", [("config", "show"), ("job", "list"), ("node", "status")])
def test_no_settings__any_verb__says_what_to_run(run, file, words):
    result = run(*words)
    assert result.code == Exit.USAGE
    assert f"no settings in {file}: run `proofmesh config init`" in result.err
