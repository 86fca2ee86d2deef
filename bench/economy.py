"""Which strategy pays, simulated under the shipped parameters, and how far that holds.

    python bench/economy.py     writes results/economy.json; some minutes

Honest, lazy, lying, colluding and washing operators live half a year in one network, for each of
some seeds; then the edges of the region where honesty pays best are computed, and checked by lots
drawn. Money follows the contracts to the wei (_money.py, tested against them). docs/economics.md
says what the tables mean and what is assumed.
"""

import json
import os
import platform
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from _honesty import (  # noqa: E402
    Stakes,
    lazy_share,
    pact_prize,
    provable_prize,
    provable_share,
    rule_p3,
    washed,
)
from _lanes import NAMES, Habits  # noqa: E402
from _money import BPS, TOKEN, least_bond  # noqa: E402
from _society import BATCHES, OPERATORS, SHARES, WEEKS, Society, Work, summary  # noqa: E402
from _wash import SIZES, random_plan, wash  # noqa: E402
from capture import at_least, capture  # noqa: E402

from scripts._params import Params, load  # noqa: E402
from worker.protocol.provable_words import bond_needed  # noqa: E402
from worker.protocol.words import GWEI, OnDissent, Terms  # noqa: E402

RESULT = ROOT / "bench" / "results" / "economy.json"
NETWORK = "sepolia"
SEEDS = tuple(range(1, 13))
PRICE = TOKEN
RUN = 0.6  # of the price: what computing a task costs
SEATS = (3, 5)  # what job.yaml asks for where it says nothing
COALITIONS = (0.05, 0.1, 0.2, 0.33, 0.5, 0.7)
AUDITS = (0.01, 0.05, 0.1, 0.25)
BONDS = (1, 2, 5, 20)  # of a replicated task, in prices; 1 is what job.yaml asks for
TRADERS = 2_000
EXTREMES = ("mean", "least", "most")
COLUMNS = {
    "a_seat": "a seat",
    "a_year_per_100": "a year on 100 staked",
    "burnt_share_of_stake": "of the stake burnt",
    "delegators_a_year_per_100": "delegators, a year on 100",
    "lies_paid_per_1000_seats": "lies paid in 1,000 seats",
}
"""What is printed of each strategy's life, and how it is called."""

POLICIES = {
    "never, but runs a task once for all its seats": Habits(pact_from=9, pact_provable=False),
    "with all first seats": Habits(pact_from=3, pact_provable=False),
    "with two of three": Habits(pact_from=2, pact_provable=False),
    "with any seat": Habits(pact_from=1, pact_provable=False),
    "with all first seats, and in provable jobs": Habits(pact_from=3, pact_provable=True),
}


def work_of(params: Params, seats: tuple[int, int] = SEATS) -> Work:
    """Return a task of one token with the least bonds and audits that the network takes."""
    gas = json.loads((ROOT / "bench" / "results" / "gas.json").read_text())
    steps, price = gas["single_separate_steps"], params.provable.gas_price
    a_seat = steps["claim"] + steps["seal"] + steps["reveal"] + steps["settle"] // seats[0]
    audit = params.provable.least_audit_bps
    proof = least_bond(params.provable.conviction_gas, price)
    return Work(
        price=PRICE,
        run=int(RUN * PRICE),
        gas=a_seat * price,
        proof=gas["convicted"] * price,
        bond=PRICE // GWEI,
        provable_bond=bond_needed(provable_terms(audit), params.provable.capture_bps, proof),
        seats=seats,
        audit_bps=audit,
    )


def provable_terms(audit_bps: int) -> Terms:
    """Return the terms of a provable job of one task that costs PRICE."""
    return Terms(
        **{"price": PRICE, "bond": 0, "tasks": 1, "seats": 1, "max_seats": 1, "batch_log2": 0},
        **{"on_dissent": OnDissent.ESCALATE, "token": 0, "fee_bps": 0, "claim": 600, "run": 600},
        **{"reveal": 600, "expiry": 10**6, "challenge": 600, "audit_bps": audit_bps},
    )


def lives(params: Params) -> dict[str, Any]:
    """Return what each strategy gains, by the coalition's policy: mean, deviation and extremes over
    the seeds."""
    found: dict[str, Any] = {}
    for policy, habits in POLICIES.items():
        rows = []
        for seed in SEEDS:
            society = Society(params, work_of(params), habits, np.random.default_rng(seed))
            society.live()
            rows.append(summary(society))
        found[policy] = {
            name: {key: spread([row[name][key] for row in rows]) for key in rows[0][name]}
            for name in rows[0]
        }
    return found


def spread(values: list[float]) -> dict[str, float]:
    """Return mean, standard deviation and extremes."""
    row = {"mean": np.mean(values), "deviation": np.std(values)}
    row |= {"least": np.min(values), "most": np.max(values)}
    return {key: round(float(value), 4) for key, value in row.items()}


def stakes_of(params: Params, bond: float) -> Stakes:
    """Return what a seat is worth under the shipped fee, burning and emission."""
    rewards = params.rewards
    return Stakes(
        params.escrow.fee_bps / BPS, rewards.burn_bps / BPS, rewards.rate_bps / BPS, RUN, bond
    )


def region_provable(params: Params) -> dict[str, Any]:
    """Return, by audit share, the bond of rule P3, up to which share of the stake honesty pays best
    without a prize, and by a coalition's share from which prize on it does not."""
    found = {}
    for audit in AUDITS:
        stakes = stakes_of(params, rule_p3(audit, params.provable.capture_bps / BPS))
        found[str(audit)] = {
            "bond": round(stakes.bond, 2),
            "honest_up_to": round(provable_share(stakes, audit), 3),
            "prize": {str(s): round(provable_prize(stakes, audit, s), 2) for s in COALITIONS},
        }
    return found


def region_replicated(params: Params) -> dict[str, Any]:
    """Return, by seats and bond, up to which share of lazy operators a seat is worth more to an
    honest one, and from which prize on a coalition lies that holds two of three first seats (three
    of five); by seats, how often it is sure to decide, and decides with whatever it is dealt."""
    bonds: dict[str, Any] = {}
    seen: dict[str, Any] = {}
    for seats in ((3, 5), (3, 7), (5, 7)):
        name, sure = f"{seats[0]} to {seats[1]}", min(seats[0], seats[1] // 2 + 1)
        seen[name] = {
            "sure": {str(s): round(at_least(seats[0], sure, s), 5) for s in COALITIONS},
            "decides": {str(s): round(capture(*seats, s), 5) for s in COALITIONS},
        }
        for bond in BONDS:
            stakes = stakes_of(params, bond)
            bonds[f"{name}, bond {bond}"] = {
                "honest_up_to": round(lazy_share(stakes, seats), 3),
                "prize": {str(s): round(pact_prize(stakes, seats, s), 2) for s in COALITIONS},
            }
    return {"bonds": bonds, "seen": seen}


def region_terms(params: Params) -> dict[str, Any]:
    """Return how fee, burning, emission and the cost of a run move what is left of a price, the
    limits above, and what washing 100 tokens costs."""
    found = {}
    shipped = stakes_of(params, 1)
    audit = params.provable.least_audit_bps / BPS
    bond = rule_p3(audit, params.provable.capture_bps / BPS)
    changes: dict[str, dict[str, float]] = {
        "as shipped": {},
        "fee 0": {"fee": 0},
        "fee 10 %, the highest": {"fee": 0.1},
        "nothing minted": {"rate": 0},
        "90 % minted, all burnt: the highest": {"rate": 0.9, "burn": 1},
        "that and a fee of 10 %": {"rate": 0.9, "burn": 1, "fee": 0.1},
        "a run costs 0.2": {"run": 0.2},
        "a run costs 0.9": {"run": 0.9},
    }
    for name, change in changes.items():
        stakes = replace(shipped, **change)
        found[name] = {
            "kept": round(stakes.paid, 4),
            "provable_share": round(provable_share(replace(stakes, bond=bond), audit), 3),
            "lazy_share": round(lazy_share(stakes, SEATS), 3),
            "washed": round(100 * washed(stakes.fee, stakes.burn, stakes.rate), 3),
        }
    return found


def washing(params: Params) -> dict[str, Any]:
    """Return what traders of each shape lose of 100 tokens of volume, and how many gain."""
    chance, rewards, found = np.random.default_rng(1), params.rewards, {}
    rates = (params.escrow.fee_bps, rewards.burn_bps, rewards.rate_bps)
    by_shape: dict[str, list[float]] = {shape: [] for shape in SIZES}
    gainers = 0
    for _ in range(TRADERS):
        plan = random_plan(chance, params.staking.minimum_stake * GWEI)
        outcome = wash(plan, *rates)
        by_shape[plan.shape].append(100 * outcome.lost / outcome.volume)
        gainers += outcome.lost < 0
    found["traders"] = {shape: spread(losses) for shape, losses in by_shape.items()}
    found["gainers"] = gainers
    return found


def main() -> None:
    """Simulate, print, write."""
    params, began = load(NETWORK), time.process_time()
    result = {
        "command": "python bench/economy.py",
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "parameters": params.model_dump(),
        "work": vars(work_of(params)),
        "life": {"weeks": WEEKS, "operators": OPERATORS, "batches": BATCHES, "seeds": len(SEEDS)},
        "shares": {NAMES[kind]: share for kind, share in SHARES.items()},
        "lives": lives(params),
        "provable": region_provable(params),
        "replicated": region_replicated(params),
        "terms": region_terms(params),
        "washing": washing(params),
    }
    result["seconds"] = round(time.process_time() - began, 1)
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    show(result)


def show(result: dict[str, Any]) -> None:
    """Print the tables of docs/economics.md."""
    for policy, strategies in result["lives"].items():
        rows = {name: {COLUMNS[key]: _plain(row[key]) for key in COLUMNS}
                for name, row in strategies.items()}  # fmt: skip
        table(f"the coalition lies {policy}", rows)
    table("audited", {f"{float(key):.0%}": row for key, row in result["provable"].items()})
    table("seats, bond", result["replicated"]["bonds"])
    table("seats", result["replicated"]["seen"])
    table("terms", result["terms"])
    losses = result["washing"]["traders"]
    table("payments", {shape: {key: row[key] for key in EXTREMES} for shape, row in losses.items()})


def table(name: str, rows: dict[str, dict[str, Any]]) -> None:
    """Print rows of one form as Markdown; a value that goes by shares takes a column for each."""
    print()
    for number, (key, row) in enumerate(rows.items()):
        flat = {}
        for column, value in row.items():
            parts = value if isinstance(value, dict) else {"": value}
            flat |= {_heading(column, part): one for part, one in parts.items()}
        if not number:
            print(f"| {name} | {' | '.join(flat)} |\n|{'---|' * (len(flat) + 1)}")
        print(f"| {key} | {' | '.join(map(str, flat.values()))} |")


def _heading(column: str, share: str) -> str:
    named = column.replace("_", " ")
    return f"{named} at {float(share):.0%}" if share else named


def _plain(row: dict[str, float]) -> str:
    return f"{row['mean']:.2f} ± {row['deviation']:.2f}"


if __name__ == "__main__":
    main()
