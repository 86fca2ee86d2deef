"""The contracts' real ABIs, as they were compiled, under addresses that stand for a deployment."""

import json
from functools import cache
from typing import Any

from tests.conftest import ROOT
from worker.chain.contracts import Contracts
from worker.chain.deployment import Deployment

CONTRACTS = ("Demands", "Escrow", "ProvableJobs", "Registry", "ReplicatedJobs", "Staking", "Token")


@cache
def document() -> dict[str, Any]:
    """Return a deployment file's document."""
    types = json.loads((ROOT / ".build" / "__local__.json").read_text())["contractTypes"]
    return {
        "chain_id": 31337,
        "genesis_hash": "0x" + "11" * 32,
        "block": 1,
        "contracts": {
            name: {
                "address": f"0x{number:040x}",
                "abi": types[name]["abi"],
                "code_hash": "0x" + "22" * 32,
            }
            for number, name in enumerate(CONTRACTS, 1)
        },
    }


@cache
def contracts() -> Contracts:
    """Return what reads these contracts' calls and events; nothing is asked of a chain."""
    deployment = Deployment.model_validate(document())
    return Contracts(deployment, pool=None)  # type: ignore[arg-type]
