"""Prove statements about the contracts' words and money for every input there is, with halmos.

python -m tests.symbolic.run, which `make symbolic` does; writes bench/results/symbolic.json.
Each function `check_…` of the contracts here is a statement about modules of the real contracts, as
Vyper compiles them; halmos runs the bytecode on symbols and asks a solver for an input that makes
it panic. Exits 1 when one is found or none is ruled out; and when a statement of Control.vy, which
are all false, is not refuted.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import vyper
from vyper.compiler.input_bundle import FilesystemInputBundle
from vyper.compiler.settings import Settings

from bench._results import RESULTS
from tests.conftest import ROOT

HERE = Path(__file__).parent
HALMOS = ROOT / ".venv" / "symbolic" / "bin" / "halmos"
FALSE = "Control"
_PROVED, _REFUTED = 0, 1  # exit codes of halmos
_OPTIONS = (
    *("--function", "check_"),
    *("--loop", "32"),  # the bits of a mask: no loop here is longer
    *("--storage-layout", "generic"),  # Vyper hashes a map's slot before the key
    *("--solver-timeout-assertion", "300s"),
)


def artifact(path: Path) -> dict[str, Any]:
    """Return what halmos reads of a contract, in the form in which forge would have built it."""
    built = vyper.compile_code(
        path.read_text(),
        contract_path=path,
        input_bundle=FilesystemInputBundle([ROOT, ROOT / "contracts"]),
        output_formats=["abi", "bytecode", "bytecode_runtime", "method_identifiers"],
        settings=Settings(evm_version="cancun"),
    )
    contract = {"nodeType": "ContractDefinition", "name": path.stem, "contractKind": "contract"}
    selectors = built["method_identifiers"].items()
    return {
        "abi": built["abi"],
        "bytecode": {"object": built["bytecode"], "linkReferences": {}},
        "deployedBytecode": {"object": built["bytecode_runtime"], "linkReferences": {}},
        "methodIdentifiers": {name: f"{int(selector, 16):08x}" for name, selector in selectors},
        "metadata": {"compiler": {"version": vyper.__version__}},
        "ast": {"absolutePath": path.name, "nodes": [{**contract, "nodes": []}]},
    }


def prove(name: str, folder: Path) -> dict[str, dict[str, Any]]:
    """Return what became of each statement of a contract, by its name."""
    built = folder / "out" / f"{name}.sol" / f"{name}.json"
    built.parent.mkdir(parents=True)
    built.write_text(json.dumps(artifact(HERE / f"{name}.vy")))
    report = folder / f"{name}.json"
    where = ("--root", str(folder), "--contract", name, "--json-output", str(report))
    path = f"{folder}{os.pathsep}{HALMOS.parent}{os.pathsep}{os.environ['PATH']}"
    subprocess.run([HALMOS, *where, *_OPTIONS], env={**os.environ, "PATH": path}, check=False)
    (results,) = json.loads(report.read_text())["test_results"].values()
    return {result["name"].partition("(")[0]: _told(result) for result in results}


def _told(result: dict[str, Any]) -> dict[str, Any]:
    code = result["exitcode"]
    is_whole = not result["num_bounded_loops"]
    outcome = {_PROVED: "proved", _REFUTED: "refuted"}.get(code, "undecided")
    return {
        "outcome": outcome if is_whole else "undecided",
        "paths": result["num_paths"][0],
        "seconds": round(result["time"][0], 1),
    }


def main() -> int:
    """Prove what can be proved; return the exit code."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        forge = folder / "forge"  # halmos asks it to build; that is done
        forge.write_text("#!/bin/sh\n")
        forge.chmod(0o755)
        names = sorted(path.stem for path in HERE.glob("[A-Z]*.vy"))
        found = {name: prove(name, folder) for name in names}
    control = found.pop(FALSE)
    proofs = {
        f"{name}.{check}": result
        for name, checks in found.items()
        for check, result in checks.items()
    }
    said = {"proofs": proofs, "vyper": vyper.__version__}
    (RESULTS / "symbolic.json").write_text(json.dumps(said, indent=1, sort_keys=True) + "\n")
    wrong = [name for name, result in proofs.items() if result["outcome"] != "proved"]
    wrong += [
        f"{FALSE}.{name}" for name, result in control.items() if result["outcome"] != "refuted"
    ]
    told = [f"{len(proofs) - len(wrong)} of {len(proofs)} proved", *wrong]
    sys.stdout.write("\n".join(told) + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
