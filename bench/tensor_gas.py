"""What a conviction costs: whole transactions with their calldata, the court's check alone.

    python bench/tensor_gas.py     writes into bench/results/tensor.json; run `ape compile` first

The programs have 128 operators and as many constants, the job 32 tasks, activations 512 rows, and
every operand is another operator's tensor. Rules of Prague: a transaction costs at least 10 gas
for each zero byte of calldata, and 40 for any other.
"""

import json

from _chain import Chain, bare_chain
from _court import Lie, dearest, matmul
from _results import merge
from web3.types import RPCEndpoint

WEIGHT_ROWS = {384: 384, 4096: 4096, 11_008: 4096}
TRACER = {"disableStorage": True, "disableMemory": True, "disableStack": True}


class Bench:
    """A court on a chain of its own."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.court = chain.deploy("TensorCourt")

    def convict(self, lie: Lie) -> int:
        """Send a conviction; return the transaction's gas."""
        call = self.court.functions.judge(tuple(lie.claim), lie.proof)
        return int(self.chain.send(call, self.chain.admin.address)["gasUsed"])

    def execution(self, lie: Lie) -> int:
        """Return the gas that the court itself uses: no calldata, no least price."""
        call = self.court.encode_abi("judge", [tuple(lie.claim), lie.proof])
        transaction = {"to": self.court.address, "data": call, "gas": hex(16_000_000)}
        method = RPCEndpoint("debug_traceCall")
        answer = self.chain.web3.provider.make_request(method, [transaction, "latest", TRACER])
        steps = answer["result"]["structLogs"]
        return int(steps[0]["gas"] - steps[-1]["gas"] + steps[-1]["gasCost"])


def main() -> None:
    """Measure, print, write."""
    with bare_chain("prague") as chain:
        bench = Bench(chain)
        lies = {inner: matmul(inner, rows) for inner, rows in WEIGHT_ROWS.items()}
        convictions = {inner: bench.convict(lie) for inner, lie in lies.items()}
        execution = {inner: bench.execution(lie) for inner, lie in lies.items()}
        others = {
            name: max(bench.convict(lie) for lie in candidates)
            for name, candidates in dearest().items()
        }
    small, large = 4096, 11_008
    found = {
        "conviction_gas": {str(inner): gas for inner, gas in convictions.items()},
        "conviction_execution_gas": {str(inner): gas for inner, gas in execution.items()},
        "gas_per_mac": round((execution[large] - execution[small]) / (large - small), 2),
        "dearest_element_gas": others,
    }
    merge("tensor.json", found)
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
