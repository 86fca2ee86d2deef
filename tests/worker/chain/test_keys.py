"""Keystores, passwords, development accounts and signatures."""

import json

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from structlog.testing import capture_logs

from worker.chain.config import KeyConfig
from worker.chain.keys import (
    ape_keystore,
    dev_signer,
    exposures,
    load_keystore,
    new_signer,
    open_signer,
    read_password,
    save_keystore,
)
from worker.errors import ConfigError, KeyAccessError
from worker.protocol.eip712 import Domain, permit, set_worker


@pytest.fixture
def cheap(monkeypatch):
    """A keystore's strength is not under test."""
    monkeypatch.setenv("ETH_ACCOUNT_KDF", "pbkdf2")
    monkeypatch.setattr(Account, "_default_kdf", "pbkdf2")


@pytest.fixture
def saved(tmp_path, cheap):
    path, signer = tmp_path / "keys" / "worker.json", new_signer()
    save_keystore(path, signer, "correct horse")
    return path, signer


def test_keystore__saved_and_loaded__same_account_and_private(saved):
    path, signer = saved
    assert load_keystore(path, "correct horse").address == signer.address
    assert path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["version"] == 3


def test_save_keystore__file_exists__refused(saved):
    path, _ = saved
    with pytest.raises(ConfigError, match="File exists"):
        save_keystore(path, new_signer(), "other")


def test_load_keystore__wrong_password__says_so(saved):
    with pytest.raises(ConfigError, match="wrong password"):
        load_keystore(saved[0], "battery staple")


@pytest.mark.parametrize("mode", [0o644, 0o604, 0o602])
def test_load_keystore__open_to_everyone__refused_with_what_to_do(tmp_path, mode):
    path = tmp_path / "worker.json"
    path.write_text("{}")
    path.chmod(mode)
    with pytest.raises(KeyAccessError, match=f"other users may read it: chmod 600 {path}"):
        load_keystore(path, "correct horse")


@pytest.mark.parametrize(("mode", "exposed"), [(0o600, 0), (0o640, 1), (0o620, 1), (0o400, 0)])
def test_exposures__open_to_the_group__names_the_command(tmp_path, mode, exposed):
    path = tmp_path / "worker.json"
    path.write_text("{}")
    path.chmod(mode)
    for config in (KeyConfig(keystore=path), KeyConfig(keystore=tmp_path, password_file=path)):
        tmp_path.chmod(0o700)
        assert exposures(config) == [f"chmod 600 {path}"] * exposed


def test_open_signer__open_to_the_group__warns_and_opens(saved, tmp_path):
    path, signer = saved
    password = tmp_path / "password"
    password.write_text("correct horse\n")
    password.chmod(0o600)
    path.chmod(0o640)

    with capture_logs() as logs:
        opened = open_signer(KeyConfig(keystore=path, password_file=password), 31337)

    assert opened.address == signer.address
    assert [log["todo"] for log in logs] == [f"chmod 600 {path}"]


@pytest.mark.parametrize("content", ["", "{}", "[]", "null", '{"version": 3}', "\xff"])
def test_load_keystore__malformed__says_so(tmp_path, content):
    path = tmp_path / "key.json"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(ConfigError, match="not a version 3 keystore"):
        load_keystore(path, "x")


def test_load_keystore__missing__says_so(tmp_path):
    with pytest.raises(ConfigError, match="No such file"):
        load_keystore(tmp_path / "no.json", "x")


def test_read_password__sources__first_given_wins(tmp_path, monkeypatch):
    file = tmp_path / "password"
    file.write_text("from file\n")
    file.chmod(0o600)
    monkeypatch.setenv("PROOFMESH_TEST_PASSWORD", "from environment")

    assert read_password(file=file, variable="PROOFMESH_TEST_PASSWORD") == "from file"
    assert read_password(variable="PROOFMESH_TEST_PASSWORD") == "from environment"
    assert read_password(variable="PROOFMESH_NO_SUCH", prompt=lambda: "typed") == "typed"
    with pytest.raises(ConfigError, match="no password"):
        read_password()
    file.chmod(0o604)
    with pytest.raises(ConfigError, match="other users may read it"):
        read_password(file=file)


def test_dev_signer__local_chain_only():
    assert dev_signer(0, 31337).address == "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
    with pytest.raises(ConfigError, match="not used on chain 1"):
        dev_signer(0, 1)


def test_ape_keystore__alias__its_file(tmp_path, monkeypatch):
    monkeypatch.delenv("APE_DATA_FOLDER", raising=False)
    assert ape_keystore("me", home=tmp_path) == tmp_path / ".ape/accounts/me.json"
    with pytest.raises(ConfigError):
        ape_keystore("../me")


def test_repr__shows_no_key():
    signer = new_signer()
    assert repr(signer) == f"Signer({signer.address})"
    assert signer._account.key.hex() not in repr(signer.__dict__)


@pytest.mark.parametrize("kind", ["set_worker", "permit"])
def test_sign_typed_data__message__recovers_the_signer(kind):
    signer = dev_signer(1, 31337)
    domain = Domain("Proofmesh Staking", "1", 31337, signer.address)
    if kind == "set_worker":
        message = set_worker(domain, 5, signer.address, 1_000)
    else:
        message = permit(domain, signer.address, signer.address, 10**18, 0, 1_000)

    signature = signer.sign_typed_data(message)

    assert len(signature) == 65
    signable = encode_typed_data(full_message=message)
    assert Account.recover_message(signable, signature=signature) == signer.address


def test_sign_typed_data__same_as_the_node(anvil):
    signer = dev_signer(1, 31337)
    message = set_worker(Domain("Staking", "1", 31337, signer.address), 5, signer.address, 1_000)

    by_node = anvil.rpc("eth_signTypedData_v4", signer.address, message)

    assert "0x" + signer.sign_typed_data(message).hex() == by_node
