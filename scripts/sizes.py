"""Keep contract sizes below the limit of EIP-170, and ABIs and code from changing unseen.

    python scripts/sizes.py            write .contract-snapshot from the compiled contracts
    python scripts/sizes.py --check    exit 1 when it is out of date, or a contract is too large

Run `ape compile` first. A line per contract: name, bytes of runtime code, sha256 of the ABI and of
the runtime code (immutables zero): the same on every machine, or the build is not reproducible.
"""

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import cbor2

ROOT = Path(__file__).parent.parent
COMPILED = ROOT / ".build" / "__local__.json"
SNAPSHOT = ROOT / ".contract-snapshot"
LIMIT = 24_576  # EIP-170


def shipped() -> dict[str, dict[str, Any]]:
    """Return the compiled contracts by name, without those that exist for tests only."""
    contracts: dict[str, dict[str, Any]] = json.loads(COMPILED.read_text())["contractTypes"]
    return {
        name: contract
        for name, contract in sorted(contracts.items())
        if contract["sourceId"].endswith(".vy") and "/mocks/" not in contract["sourceId"]
    }


def code(contract: dict[str, Any]) -> bytes:
    """Return the runtime code."""
    return bytes.fromhex(contract["runtimeBytecode"]["bytecode"].removeprefix("0x"))


def size(contract: dict[str, Any]) -> int:
    """Return the bytes that lie on the chain: the runtime's, and the immutables behind it.

    Vyper ends the deployment's code with a CBOR list that tells both, and that list's length.
    """
    whole = bytes.fromhex(contract["deploymentBytecode"]["bytecode"].removeprefix("0x"))
    _, runtime, _, immutables, _ = cbor2.loads(whole[-int.from_bytes(whole[-2:]) : -2])
    return int(runtime + immutables)


def line(name: str, contract: dict[str, Any]) -> str:
    """Return the contract's line of the snapshot."""
    abi = json.dumps(contract["abi"], sort_keys=True).encode()
    hashes = (hashlib.sha256(part).hexdigest() for part in (abi, code(contract)))
    return f"{name} {size(contract)} {' '.join(hashes)}\n"


def main() -> int:
    """Write or check the snapshot; return the exit code."""
    parser = argparse.ArgumentParser(description="Contract sizes and ABIs.")
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    contracts = shipped()
    too_large = [name for name, contract in contracts.items() if size(contract) > LIMIT]
    snapshot = "".join(line(name, contract) for name, contract in contracts.items())
    for name, contract in contracts.items():
        print(f"{name:<16}{size(contract):>7} bytes, {LIMIT - size(contract):>6} left")
    if too_large:
        print(f"over {LIMIT} bytes: {', '.join(too_large)}", file=sys.stderr)
        return 1
    if not check:
        SNAPSHOT.write_text(snapshot)
    elif not SNAPSHOT.exists() or SNAPSHOT.read_text() != snapshot:
        print("contracts changed: run `python scripts/sizes.py` and commit it", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
