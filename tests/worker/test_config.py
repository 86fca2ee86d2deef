"""Settings: file, then environment; a mistake names its file and field."""

from pathlib import Path

import pytest

from worker.config import load_config, origins
from worker.errors import ConfigError

GOOD = """
deployment = "deployments/31337.json"
[chain]
rpc_urls = ["http://127.0.0.1:8545"]
confirmations = 2
[wallet]
dev_account = 3
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(GOOD)
    return path


def test_load__file__is_read(file: Path) -> None:
    config = load_config(file)
    assert config.chain.confirmations == 2
    assert config.require_wallet().dev_account == 3


def test_load__environment__stands_above_the_file(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROOFMESH_CHAIN__CONFIRMATIONS", "9")
    config = load_config(file)
    assert config.chain.confirmations == 9
    assert [str(url) for url in config.chain.rpc_urls] == ["http://127.0.0.1:8545/"]
    found = {name: origin for name, _, origin in origins(config, file)}
    assert found["chain.confirmations"] == "PROOFMESH_CHAIN__CONFIRMATIONS"
    assert found["wallet.dev_account"] == str(file)
    assert found["chain.poll_seconds"] == "default"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("confirmations", "confirmation", "chain.confirmation: Extra inputs"),
        ("= 2", "= -2", "chain.confirmations: Input should be greater"),
        ("dev_account = 3", "", "wallet: Value error, give exactly one of"),
        ("[wallet]", "[wallet", "config.toml: "),
        ('deployment = "deployments/31337.json"', "", "deployment: Field required"),
    ],
)
def test_load__mistake__names_file_and_field(file: Path, old: str, new: str, words: str) -> None:
    file.write_text(GOOD.replace(old, new))
    with pytest.raises(ConfigError, match=r"config\.toml") as error:
        load_config(file)
    assert words in str(error.value)


def test_load__no_file__says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="run `proofmesh config init`"):
        load_config(tmp_path / "none.toml")


def test_require_node__none_set__says_what_to_run(file: Path) -> None:
    with pytest.raises(ConfigError, match="proofmesh node init"):
        load_config(file).require_node()
