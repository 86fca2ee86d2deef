import json
import os
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence

import pytest
from eth_abi import encode
from eth_utils import keccak

from bench._results import merge
from worker.tensor.proof import Claim

CLAIM = "(bytes32,bytes32,uint256,uint256,bytes32,uint256,bytes32)"
SELECTOR = keccak(text=f"judge({CLAIM},bytes)")[:4]
GAS = 30_000_000
CALLS = 200  # in one request


class Court:
    """A deployed court, asked many questions at once."""

    def __init__(self, contract, uri: str) -> None:
        self.contract = contract
        self._uri = uri

    def judge(self, claim: Claim, proof: bytes) -> str | None:
        """Return why the proof is refused, or None when it convicts."""
        return self.judge_all([(claim, proof)])[0]

    def judge_all(self, cases: Sequence[tuple[Claim, bytes]]) -> list[str | None]:
        """Return for each case why the proof is refused, or None when it convicts."""
        answers = []
        for start in range(0, len(cases), CALLS):
            answers += self._ask(cases[start : start + CALLS])
        return answers

    def _ask(self, cases: Sequence[tuple[Claim, bytes]]) -> list[str | None]:
        requests = [
            {
                "jsonrpc": "2.0",
                "id": index,
                "method": "eth_call",
                "params": [
                    {"to": self.contract.address, "data": self._data(*case), "gas": hex(GAS)},
                    "latest",
                ],
            }
            for index, case in enumerate(cases)
        ]
        body = json.dumps(requests).encode()
        request = urllib.request.Request(self._uri, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as response:
            answers = {answer["id"]: answer for answer in json.load(response)}
        return [_reason(answers[index]) for index in range(len(cases))]

    def _data(self, claim: Claim, proof: bytes) -> str:
        arguments = encode([CLAIM, "bytes"], [tuple(claim), proof])
        return "0x" + (SELECTOR + arguments).hex()


def _reason(answer) -> str | None:
    if "error" not in answer:
        return None
    message = answer["error"]["message"]
    assert message.startswith("execution reverted"), message
    return message.removeprefix("execution reverted").removeprefix(": ")


@pytest.fixture(scope="session")
def court(project, owner, chain) -> Court:
    return Court(owner.deploy(project.TensorCourt), chain.provider.uri)


@pytest.fixture(scope="session")
def tally() -> Iterator[Counter[str]]:
    """What was judged; goes to bench/results when COURT_REPORT is set (`make bench-tensor`)."""
    counts: Counter[str] = Counter()
    yield counts
    if os.environ.get("COURT_REPORT"):
        merge("tensor.json", _soundness(counts))


def _soundness(counts: Counter[str]) -> dict[str, object]:
    return {
        "convicted_share": counts["convicted"] / counts["corruptions"],
        "corruptions": counts["corruptions"],
        "wrongly_convicted": counts["wrongly convicted"],
        "refusals": counts["refusals"],
        "differential": {
            "elements": counts["elements"],
            "equal_share": counts["equal elements"] / counts["elements"],
        },
    }
