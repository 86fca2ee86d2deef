"""Keys: where they come from, and what they sign. No key ever leaves this file."""

import json
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import structlog
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount

from worker.chain.config import KeyConfig
from worker.errors import ConfigError, KeyAccessError
from worker.protocol.seals import salt_for
from worker.types import Address

log = structlog.get_logger(__name__)

LOCAL_CHAIN_ID = 31337
PASSWORD_VARIABLE = "PROOFMESH_PASSWORD"  # noqa: S105 - a name
_GROUP = stat.S_IRGRP | stat.S_IWGRP
_OTHERS = stat.S_IROTH | stat.S_IWOTH
_DEV_MNEMONIC = "test test test test test test test test test test test junk"


class Signer:
    """Signs for one account."""

    def __init__(self, account: LocalAccount) -> None:
        self._account = account
        self.address = Address(account.address)

    def __repr__(self) -> str:
        return f"Signer({self.address})"

    def sign_transaction(self, fields: Mapping[str, Any]) -> tuple[bytes, bytes]:
        """Return the raw signed transaction and its hash."""
        signed = self._account.sign_transaction(dict(fields))
        return bytes(signed.raw_transaction), bytes(signed.hash)

    def seal_salt(self, job: bytes, batch: int, round_number: int) -> bytes:
        """Return the salt of this key's seal in a batch's round."""
        return salt_for(bytes(self._account.key), job, batch, round_number)

    def sign_typed_data(self, message: Mapping[str, Any]) -> bytes:
        """Return the 65-byte signature (r, s, v) of a full EIP-712 message."""
        signable = encode_typed_data(full_message=dict(message))
        return bytes(self._account.sign_message(signable).signature)


def open_signer(
    config: KeyConfig, chain_id: int, prompt: Callable[[], str] | None = None
) -> Signer:
    """Open the key that `config` names; raises ConfigError. `prompt` asks for the password."""
    if config.dev_account is not None:
        return dev_signer(config.dev_account, chain_id)
    path = _keystore(config)
    _read_private(path, "keystore")  # nobody types a password for a file that is not there
    for warning in exposures(config):
        log.warning("key file is not private", todo=warning)
    return load_keystore(path, read_password(config.password_file, PASSWORD_VARIABLE, prompt))


def exposures(config: KeyConfig) -> list[str]:
    """Return what to do about files of this key that their group may read or write.

    Those that everyone may are refused when they are opened.
    """
    if config.dev_account is not None:
        return []
    files = (_keystore(config), config.password_file)
    return [f"chmod 600 {file}" for file in files if file is not None and _mode(file) & _GROUP]


def load_keystore(path: Path, password: str) -> Signer:
    """Open a version 3 keystore; raises KeyAccessError when it is missing, exposed or locked."""
    content = _read_private(path, "keystore")
    try:
        fields = json.loads(content)
        key = Account.decrypt(fields, password)
    except (ValueError, KeyError, TypeError, NotImplementedError) as error:
        is_locked = "MAC mismatch" in str(error)
        trouble = "wrong password" if is_locked else "not a version 3 keystore"
        raise KeyAccessError(f"keystore {path}: {trouble}") from None
    return Signer(Account.from_key(key))


def save_keystore(path: Path, signer: Signer, password: str) -> None:
    """Write a new keystore readable by its owner only; raises KeyAccessError when one is there."""
    content = json.dumps(signer._account.encrypt(password))
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise KeyAccessError(f"keystore {path}: {error.strerror}") from error
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def new_signer() -> Signer:
    """Return a signer with a fresh random key."""
    return Signer(Account.create())


def ape_keystore(alias: str, home: Path | None = None) -> Path:
    """Return where ape keeps the account of that alias; its files are version 3 keystores."""
    if not alias or "/" in alias or alias.startswith("."):
        raise ConfigError(f"not an account alias: {alias!r}")
    folder = os.environ.get("APE_DATA_FOLDER")
    root = Path(folder) if folder else (home or Path.home()) / ".ape"
    return root / "accounts" / f"{alias}.json"


def read_password(
    file: Path | None = None,
    variable: str | None = None,
    prompt: Callable[[], str] | None = None,
) -> str:
    """Return the password from the first source given: private file, environment, person."""
    if file is not None:
        return _read_private(file, "password file").decode().rstrip("\r\n")
    if variable is not None and (value := os.environ.get(variable)) is not None:
        return value
    if prompt is not None:
        return prompt()
    raise KeyAccessError("no password given for the keystore")


def dev_signer(index: int, chain_id: int) -> Signer:
    """Return one of the accounts that every local anvil funds; refused on any other chain."""
    if chain_id != LOCAL_CHAIN_ID:
        raise ConfigError(f"development accounts are public: not used on chain {chain_id}")
    Account.enable_unaudited_hdwallet_features()
    path = f"m/44'/60'/0'/0/{index}"
    return Signer(Account.from_mnemonic(_DEV_MNEMONIC, account_path=path))


def _keystore(config: KeyConfig) -> Path:
    return config.keystore or ape_keystore(config.account or "")


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except OSError:
        return 0


def _read_private(path: Path, what: str) -> bytes:
    """Return the file's bytes, refusing one that other users may read."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if mode & _OTHERS:
                raise KeyAccessError(f"{what} {path}: other users may read it: chmod 600 {path}")
            return file.read(1_000_000)
    except OSError as error:
        raise KeyAccessError(f"{what} {path}: {error.strerror}") from error
