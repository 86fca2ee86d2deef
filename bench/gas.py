"""What Proofmesh costs in gas: real transactions on a local chain, everybody's added.

    python bench/gas.py        writes bench/results/gas.json; run `ape compile` first

Three seats that may grow to five, permits and calldata included. Payees and operators are warm: a
first job of the same kind ran before, and what that one cost more is reported apart.
"""

import json
from collections.abc import Callable
from pathlib import Path

from _chain import STAKE, Chain, fresh_chain
from _jobs import Bench, failures, results

OUTPUT = Path(__file__).parent / "results" / "gas.json"
BATCH = 32
LIMITS = {
    "single_separate": 700_000,
    "single_short": 500_000,
    "batch32_separate": 80_000,
    "batch32_conclude": 60_000,
    "stake": 100_000,
    "largest_call": 8_000_000,
}


def separate(chain: Chain, tasks: int) -> None:
    """Post, three claims, three seals, three reveals, settle."""
    job = Bench.post(chain, tasks)
    found = dict.fromkeys((1, 2, 3), results("a", tasks))
    job.play(found)
    job.settle(found)


def short(chain: Chain) -> None:
    """Post, three sealed claims, conclude."""
    job = Bench.post(chain)
    job.last_third()
    for operator in (1, 2, 3):
        job.claim_sealed(operator, results("a", 1))
    job.conclude(results("a", 1))


def concluded(chain: Chain, tasks: int) -> None:
    """Post, three claims, three seals, conclude."""
    job = Bench.post(chain, tasks)
    job.last_third()
    for operator in (1, 2, 3):
        job.claim(operator)
    for operator in (1, 2, 3):
        job.seal(operator, results("a", tasks))
    job.conclude(results("a", tasks))


def contested(chain: Chain) -> None:
    """One of three dissents, and the terms settle by the majority of two."""
    job = Bench.post(chain, on_dissent=1)
    found = {1: results("a", 1), 2: results("a", 1), 3: results("b", 1)}
    job.play(found)
    job.settle(found)


def escalated(chain: Chain) -> None:
    """One of three dissents, the batch grows to five, the liar is slashed."""
    job = Bench.post(chain)
    found = {1: results("a", 1), 2: results("a", 1), 3: results("b", 1)}
    job.play(found)
    job.settle(found)
    grown = dict.fromkeys((4, 5), results("a", 1))
    job.play(grown)
    job.settle(found | grown)


def failed(chain: Chain) -> None:
    """All three hosts could not finish the run."""
    job = Bench.post(chain)
    found = dict.fromkeys((1, 2, 3), failures(1))
    job.play(found)
    job.settle(found)


def expired(chain: Chain) -> None:
    """One seat of three is taken, then anyone ends the batch."""
    job = Bench.post(chain)
    job.last_third()
    job.claim(1)
    job.expire([0])


def raised(chain: Chain) -> None:
    """One seat of three is taken, the price is raised, the short path follows."""
    job = Bench.post(chain)
    job.last_third()
    job.claim(1)
    job.raise_price([0])
    job.last_third()
    for operator in (1, 2, 3):
        job.claim_sealed(operator, results("a", 1))
    job.conclude(results("a", 1))


def stake(chain: Chain) -> None:
    """A new operator stakes by permit."""
    owner, staking = chain.keys[19], chain.contracts["Staking"]
    permit = chain.permit(owner, staking, STAKE)
    chain.send(staking.functions.stake(0, STAKE, permit), owner.address)


def worst_settlement(chain: Chain) -> None:
    """Seven seats that find seven different results for each of 32 tasks, twice settled."""
    job = Bench.post(chain, BATCH, max_seats=7)
    found = {operator: results(f"own {operator}", BATCH) for operator in range(1, 8)}
    base, grown = dict(list(found.items())[:3]), dict(list(found.items())[3:])
    job.play(base)
    job.settle(base)
    job.play(grown)
    job.settle(found)


def worst_lists(chain: Chain) -> None:
    """Thirty-two batches with six seats of seven each: raised at once, then expired at once."""
    job = Bench.post(chain, BATCH, b"x" * 2_048, batch_log2=0, seats=7, max_seats=7, on_dissent=1)
    job.last_third()
    batches = list(range(BATCH))
    for moment in range(2):
        for batch in batches:
            for operator in range(1, 7):
                job.claim(operator, batch)
        if moment == 0:
            job.raise_price(batches)
            job.last_third()
    job.expire(batches)


def measure(chain: Chain) -> dict[str, object]:
    """Run every scenario and return the report."""

    def total(scenario: Callable[[], object]) -> int:
        return sum(gas for _, gas in chain.measured(scenario))

    first = total(lambda: separate(chain, 1))
    total(lambda: escalated(chain))
    token, admin = chain.contracts["Token"], chain.admin.address
    chain.send(token.functions.transfer(chain.keys[19].address, 2 * STAKE), admin)
    steps = chain.measured(lambda: separate(chain, 1))
    report: dict[str, object] = {
        "single_separate": sum(gas for _, gas in steps),
        "single_short": total(lambda: short(chain)),
        "batch32_separate": total(lambda: separate(chain, BATCH)) // BATCH,
        "batch32_conclude": total(lambda: concluded(chain, BATCH)) // BATCH,
        "stake": total(lambda: stake(chain)),
        "contested": total(lambda: contested(chain)),
        "escalated": total(lambda: escalated(chain)),
        "failed": total(lambda: failed(chain)),
        "expired": total(lambda: expired(chain)),
        "raised": total(lambda: raised(chain)),
        "first_job_extra": first - sum(gas for _, gas in steps),
        "single_separate_steps": _mean(steps),
    }
    heavy = chain.measured(lambda: worst_settlement(chain))
    heavy += chain.measured(lambda: worst_lists(chain))
    name, report["largest_call"] = max(heavy, key=lambda step: step[1])
    report["largest_call_is"] = name
    return report


def _mean(steps: list[tuple[str, int]]) -> dict[str, int]:
    gas: dict[str, list[int]] = {}
    for name, used in steps:
        gas.setdefault(name, []).append(used)
    return {name: sum(used) // len(used) for name, used in gas.items()}


def main() -> int:
    """Measure, write the result, say which limits are broken; return the exit code."""
    with fresh_chain(operators=7) as chain:
        report = measure(chain)
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps(report, indent=1) + "\n")
    print(OUTPUT.read_text(), end="")
    broken = [name for name, limit in LIMITS.items() if int(str(report[name])) > limit]
    for name in broken:
        print(f"{name}: {report[name]} is above {LIMITS[name]}")
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
