"""What Proofmesh costs in gas: real transactions on a local chain, everybody's added.

    python bench/gas.py            writes bench/results/gas.json; run `ape compile` first
    python bench/gas.py --steps    prints each scenario's transactions instead

Three seats, permits and calldata included. In the first four figures the batches never grow, so all
of the reserve is earned; the others' may grow to five seats, and what a payer gets back is credited
with the settlement. Payees and operators are warm: a first job of the same kind ran before, and
what that one cost more is reported apart. `convict` is what a conviction takes beyond a transaction
that asks the court alone, `slash_of_a_pool` what a slash of delegated stake takes beyond a release
and the two slots of the votes' checkpoint. Delegations are out of an allowance.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import _economy as economy
import _votes as votes
from _chain import NO_PERMIT, STAKE, Chain, fresh_chain
from _jobs import PLAIN, Bench, failures, results
from _openings import fetch_openings
from _provable import ProvableBench, SeatKind
from _results import merge

OUTPUT = Path(__file__).parent / "results" / "gas.json"
BATCH = 32
CHECKPOINT = 22_100 + 5_000  # a new slot, and the count of them
LIMITS = {
    "single_separate": 700_000,
    "single_short": 500_000,
    "batch32_separate": 80_000,
    "batch32_conclude": 60_000,
    "stake": 100_000,
    "provable_short": 380_000,
    "convict": 120_000,
    "delegate_first": 110_000,
    "delegate_later": 70_000,
    "delegation_claim": 70_000,
    "slash_of_a_pool": 60_000,
    "vote_first": 80_000,
    "largest_call": 8_000_000,
}


Steps = list[tuple[str, int]]


def separate(chain: Chain, tasks: int, **terms: Any) -> None:
    """Post, three claims, three seals, three reveals, settle."""
    job = Bench.post(chain, tasks, **terms)
    found = dict.fromkeys((1, 2, 3), results("a", tasks))
    job.play(found)
    job.settle(found)


def short(chain: Chain, **terms: Any) -> None:
    """Post, three sealed claims, conclude."""
    job = Bench.post(chain, **terms)
    job.last_third()
    for operator in (1, 2, 3):
        job.claim_sealed(operator, results("a", 1))
    conclude(job, 1)


def concluded(chain: Chain, tasks: int, **terms: Any) -> None:
    """Post, three claims, three seals, conclude."""
    job = Bench.post(chain, tasks, **terms)
    job.last_third()
    for operator in (1, 2, 3):
        job.claim(operator)
    for operator in (1, 2, 3):
        job.seal(operator, results("a", tasks))
    conclude(job, tasks)


def conclude(job: Bench, tasks: int) -> None:
    """Gather the three openings as workers do, over their API, and conclude."""
    own = [job.opening(operator, results("a", tasks)) for operator in (1, 2, 3)]
    job.conclude(fetch_openings(job, own))


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
    conclude(job, 1)


def stake(chain: Chain) -> None:
    """A new operator stakes out of an allowance."""
    chain.send(
        chain.contracts["Staking"].functions.stake(0, STAKE, NO_PERMIT), chain.keys[19].address
    )


def stake_by_permit(chain: Chain) -> None:
    """A new operator stakes with its account's first permit."""
    _stake_by_permit(chain, 0, 18)


def top_up(chain: Chain) -> None:
    """An operator that staked by permit before adds to its stake by permit."""
    _stake_by_permit(chain, 1, 2)


def _stake_by_permit(chain: Chain, operator: int, key: int) -> None:
    owner, staking = chain.keys[key], chain.contracts["Staking"]
    permit = chain.permit(owner, staking, STAKE)
    chain.send(staking.functions.stake(operator, STAKE, permit), owner.address)


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


def provable_short(chain: Chain) -> None:
    """Post, a sealed claim, reveal, settle after the challenge; no audit was drawn."""
    job = ProvableBench.sealed(chain)
    job.reveal("a")
    job.settle("a")


def provable_accepted(chain: Chain) -> None:
    """The same, accepted by the payer at once."""
    job = ProvableBench.sealed(chain)
    job.reveal("a")
    job.accept("a")


def provable_audited(chain: Chain) -> None:
    """Both seats of an audited batch find the same and are paid."""
    job = ProvableBench.both_sealed(chain)
    for seat in SeatKind:
        job.reveal("a", seat)
    job.settle("a")


def convicted(chain: Chain, size: int = 32) -> None:
    """An operator is convicted by an announced proof; the court's own check is next to nothing."""
    job = ProvableBench.sealed(chain)
    job.reveal("a")
    job.convict("a", size)


def earned(chain: Chain, then: Callable[[Chain], None]) -> Steps:
    """Have operator 1 earn by a job, then measure what is done about it."""
    separate(chain, 1, **PLAIN)
    return chain.measured(lambda: then(chain))


def measure_economy(chain: Chain) -> dict[str, Steps]:
    """Live through a delegation, its income, its exit, and the slash of another pool."""
    economy.prepare(chain)
    steps = {
        "delegate_opening": chain.measured(
            lambda: economy.delegate(chain, economy.SECOND, economy.VICTIM)
        ),
        "delegate_first": chain.measured(lambda: economy.delegate(chain, economy.FIRST)),
        "delegate_later": chain.measured(lambda: economy.delegate(chain, economy.FIRST)),
        "delegate_joining": chain.measured(lambda: economy.delegate(chain, economy.SECOND)),
        "sync_votes": chain.measured(lambda: economy.sync(chain)),
        "book_first": earned(chain, economy.book),
        "delegation_claim_first": chain.measured(lambda: economy.claim(chain)),
        "book": earned(chain, economy.book),
    }
    epoch = economy.epoch_of(chain)
    steps |= {
        "delegation_claim": chain.measured(lambda: economy.claim(chain)),
        "pay_out": earned(chain, economy.pay_out),
        "delegate_paying_out": earned(chain, lambda c: economy.delegate(c, economy.FIRST)),
        "emission": chain.measured(lambda: economy.emission(chain, epoch)),
        "undelegate": chain.measured(lambda: economy.undelegate(chain)),
    }
    chain.go_to(chain.now + 22 * economy.DAY)
    steps["delegation_withdraw"] = chain.measured(lambda: economy.withdraw(chain))
    economy.prepare_slashes(chain)
    steps["slash_none"] = chain.measured(lambda: economy.release(chain, 1))
    steps["slash_own"] = chain.measured(lambda: economy.slash(chain, economy.OWN // 2))
    steps["slash_both"] = chain.measured(lambda: economy.slash(chain, economy.OWN))
    steps["slash_pool"] = chain.measured(lambda: economy.slash(chain, economy.OWN // 4))
    return steps


def measure_votes(chain: Chain) -> dict[str, Steps]:
    """Vote on a proposal: the first, another, and one that was signed."""
    votes.prepare(chain)
    return {
        "vote_first": chain.measured(lambda: votes.first(chain)),
        "vote": chain.measured(lambda: votes.later(chain)),
        "vote_by_signature": chain.measured(lambda: votes.by_signature(chain)),
    }


SCENARIOS: dict[str, Callable[[Chain], object]] = {
    "single_separate": lambda chain: separate(chain, 1, **PLAIN),
    "single_short": lambda chain: short(chain, **PLAIN),
    "batch32_separate": lambda chain: separate(chain, BATCH, **PLAIN),
    "batch32_conclude": lambda chain: concluded(chain, BATCH, **PLAIN),
    "growing_separate": lambda chain: separate(chain, 1),
    "growing_short": short,
    "growing_batch32_separate": lambda chain: separate(chain, BATCH),
    "growing_batch32_conclude": lambda chain: concluded(chain, BATCH),
    "contested": contested,
    "escalated": escalated,
    "failed": failed,
    "expired": expired,
    "raised": raised,
    "worst_settlement": worst_settlement,
    "provable_short": provable_short,
    "provable_accepted": provable_accepted,
    "provable_audited": provable_audited,
    "convicted": convicted,
    "convicted_long_proof": lambda chain: convicted(chain, 24_000),
    # Last: new stake takes from everybody's chance to be drawn.
    "stake": stake,
    "stake_by_permit": stake_by_permit,
    "stake_top_up": top_up,
}


def warm_up(chain: Chain) -> Steps:
    """Let every payee and operator be paid once; return what a very first job took."""
    first = chain.measured(lambda: separate(chain, 1, **PLAIN))
    escalated(chain)
    provable_short(chain)
    convicted(chain)
    token, staking = chain.contracts["Token"], chain.contracts["Staking"]
    for newcomer in (chain.keys[18].address, chain.keys[19].address):
        chain.send(token.functions.transfer(newcomer, 2 * STAKE), chain.admin.address)
    chain.send(token.functions.approve(staking.address, STAKE), chain.keys[19].address)
    return first


def report(chain: Chain) -> dict[str, object]:
    """Run every scenario and return what stands in gas.json."""
    first = total(warm_up(chain))
    heavy = chain.measured(lambda: worst_lists(chain))
    steps = {name: chain.measured(lambda run=run: run(chain)) for name, run in SCENARIOS.items()}
    steps |= measure_economy(chain) | measure_votes(chain)
    gas: dict[str, object] = {name: total(taken) for name, taken in steps.items()}
    for name in (name for name in SCENARIOS if "batch32" in name):
        gas[name] = total(steps[name]) // BATCH
    heavy += [step for taken in steps.values() for step in taken]
    gas["largest_call_is"], gas["largest_call"] = max(heavy, key=lambda step: step[1])
    conviction = dict(steps["convicted"])
    gas["convict"] = conviction["convict"] - conviction["judge"]
    released = total(steps["slash_none"])
    gas["slash_of_a_pool"] = total(steps["slash_pool"]) - released - CHECKPOINT
    gas["first_job_extra"] = first - total(steps["single_separate"])
    gas["single_separate_steps"] = mean(steps["single_separate"])
    gas["single_short_steps"] = mean(steps["single_short"])
    return gas


def total(steps: Steps) -> int:
    """Return the gas of all transactions."""
    return sum(gas for _, gas in steps)


def mean(steps: Steps) -> dict[str, int]:
    """Return the mean gas of each kind of transaction."""
    gas: dict[str, list[int]] = {}
    for name, used in steps:
        gas.setdefault(name, []).append(used)
    return {name: sum(used) // len(used) for name, used in gas.items()}


def print_steps(chain: Chain) -> None:
    """Print a line for each kind of transaction of each scenario: names and mean gas."""
    warm_up(chain)
    for name, run in SCENARIOS.items():
        print_mean(name, chain.measured(lambda run=run: run(chain)))
    for name, steps in (measure_economy(chain) | measure_votes(chain)).items():
        print_mean(name, steps)


def print_mean(name: str, steps: Steps) -> None:
    """Print a scenario's kinds of transactions with their mean gas."""
    for step, gas in mean(steps).items():
        print(name, step, gas)


def main() -> int:
    """Measure, write the result, say which limits are broken; return the exit code."""
    parser = argparse.ArgumentParser(description="Gas on a local chain.")
    parser.add_argument("--steps", action="store_true")
    if parser.parse_args().steps:
        with fresh_chain(operators=7) as chain:
            print_steps(chain)
        return 0
    with fresh_chain(operators=7) as chain:
        gas = report(chain)
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_text(json.dumps(gas, indent=1) + "\n")
    merge("tensor.json", {"happy_path_gas": gas["provable_short"]})
    print(OUTPUT.read_text(), end="")
    broken = [name for name, limit in LIMITS.items() if int(str(gas[name])) > limit]
    for name in broken:
        print(f"{name}: {gas[name]} is above {LIMITS[name]}")
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
