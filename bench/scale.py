"""How far Proofmesh scales, simulated: seats drawn in networks of up to 13 million operators.

    python bench/scale.py     writes results/scale.json and docs/scale-*.svg; some minutes

Everything is drawn by the protocol's own rule (_sortition.py, tested against the worker's). Gas is
that of results/gas.json. docs/scale.md says what the figures mean and what is assumed.
"""

import json
import os
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "bench")]

from _capture_trials import Races, captured  # noqa: E402
from _limits import cents, storage, throughput  # noqa: E402
from _market import Network, Outcome, Rules, bursts, play, poisson  # noqa: E402
from _scale_plots import draw_plots  # noqa: E402
from _sortition import NEVER, Words, capped, draw, edges, stakes, thirds  # noqa: E402
from capture import SHARES, TERMS, capture  # noqa: E402

RESULT = ROOT / "bench" / "results" / "scale.json"
SEED = 20_261_121
LEAST, CAP = 1_000, 1_000_000  # whole tokens: the parameters for public networks
SIZES = (10, 30, 100, 300, 1_000, 10_000, 100_000, 1_000_000, 13_000_000)
NETWORKS = {10: 200, 30: 100, 100: 40, 300: 20, 1_000: 10}  # small ones differ from draw to draw
BATCHES = 2_000
BATCHES_IN_LARGE = 600
LOADED = 300  # operators of the loaded network
TERMS_BATCHES = 1_500
PLACES = 4
LOADS = (0.25, 0.5, 0.75, 1.0)
LOADED_BATCHES = 4_000
BURST = 200
TRIALS = 6_000
CLASSES = {
    "1 k to 10 k": LEAST,
    "10 k to 100 k": 10 * LEAST,
    "100 k to the cap of 1 M": 100 * LEAST,
    "above the cap": CAP,
}
"""Classes of stakes, each from so many tokens on."""

FAIR_SIZES = {30: (400, 100), 300: (40, 500), 10_000: (4, 1_000)}  # networks, batches of each


def network(chance: np.random.Generator, operators: int, equal: bool = False) -> Network:
    """Return a network without limits on what each may hold."""
    held = np.full(operators, LEAST, np.uint64) if equal else stakes(chance, operators, LEAST)
    return Network(capped(held, CAP), None)


def by_size(chance: np.random.Generator) -> dict[str, Any]:
    """Return how long idle networks take to fill batches, by their size and stakes."""
    rules, found = Rules(), {}
    for name, equal in (("heavy-tailed", False), ("equal", True)):
        for size in SIZES:
            outcome, networks = Outcome(), NETWORKS.get(size, 1)
            count = BATCHES // networks if networks > 1 else BATCHES_IN_LARGE
            for _ in range(networks):
                posts = poisson(chance, 1, count)
                outcome.add(play(chance, network(chance, size, equal), rules, posts))
            found[f"{name}, {size}"] = summary(outcome)
    return found


def by_load(chance: np.random.Generator) -> dict[str, Any]:
    """Return the same of a network whose operators have few places, by load and arrival.

    Load is the share of all places that the batches would hold if none went unfilled. Places are
    alike for all operators, or in proportion to their weight.
    """
    weights = capped(stakes(chance, LOADED, LEAST), CAP)
    share = weights / weights.mean()
    capacities = {
        "alike": np.full(LOADED, PLACES),
        "as the stake": np.maximum(1, np.round(PLACES * share)).astype(int),
    }
    found = {}
    for name, places in capacities.items():
        for load in LOADS:
            for kind in ("poisson", "bursts"):
                outcome = _loaded(chance, Network(weights, places), load, kind)
                found[f"{name}, {kind}, {load}"] = summary(outcome)
    return found


def _loaded(chance: np.random.Generator, crowd: Network, load: float, kind: str) -> Outcome:
    rules = Rules()
    assert crowd.places is not None
    rate = load * int(crowd.places.sum()) / (rules.seats * rules.held)
    if kind == "poisson":
        return play(chance, crowd, rules, poisson(chance, rate, LOADED_BATCHES))
    return play(chance, crowd, rules, bursts(chance, rate, LOADED_BATCHES, BURST))


def by_terms(chance: np.random.Generator) -> dict[str, Any]:
    """Return how the window, the seats and the operators that are there move the waiting."""
    crowd = network(chance, 10_000)
    plans = {
        "3 seats, 60 s": Rules(window=60),
        "3 seats, 300 s": Rules(window=300),
        "3 seats, 600 s": Rules(),
        "1 seat, 600 s": Rules(seats=1),
        "2 seats, 600 s": Rules(seats=2),
        "5 seats, 600 s": Rules(seats=5),
        "7 seats, 600 s": Rules(seats=7),
        "3 seats, 600 s, blocks of 12 s": Rules(block=12),
    }
    found = {
        name: summary(play(chance, crowd, rules, poisson(chance, 1, TERMS_BATCHES)))
        for name, rules in plans.items()
    }
    for online in (0.7, 0.5, 0.25):
        places = (chance.random(len(crowd.weights)) < online) * 10**6
        partly = Network(crowd.weights, places.astype(int))
        outcome = play(chance, partly, Rules(), poisson(chance, 1, TERMS_BATCHES))
        found[f"3 seats, 600 s, {online:.0%} online"] = summary(outcome)
    return found


def summary(outcome: Outcome) -> dict[str, float | None]:
    """Return waiting times in seconds, None where that share was never filled, and shares."""

    def finite(value: float) -> float | None:
        return round(value, 1) if np.isfinite(value) else None

    return {
        "first_claim_p50": finite(float(np.nanmedian(outcome.first))),
        "filled_p50": finite(outcome.quantile(0.5)),
        "filled_p90": finite(outcome.quantile(0.9)),
        "filled_p99": finite(outcome.quantile(0.99)),
        "unfilled": round(outcome.unfilled, 4),
        "claims_lost": round(outcome.lost / max(1, outcome.sent), 4),
    }


def fairness(chance: np.random.Generator) -> dict[str, Any]:
    """Return each class of stakes' share of seats ÷ its share of all stake, by network size."""
    found = {}
    for size, (networks, batches) in FAIR_SIZES.items():
        sums = np.zeros((3, len(CLASSES)))
        for _ in range(networks):
            held = stakes(chance, size, LEAST)
            sums += _by_class(held, _seats_won(chance, capped(held, CAP), batches, 3))
        found[str(size)] = {
            name: {
                "operators": round(count / networks, 2),
                "share_of_stake": round(stake / networks, 4),
                "seats_per_stake": round(seats / stake, 3),
            }
            for name, count, stake, seats in zip(CLASSES, *sums, strict=True)
            if count
        }
    return found


def _seats_won(
    chance: np.random.Generator, weights: Words, batches: int, seats: int
) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return how many seats each operator got; who wins in the same third is in random order."""
    won = np.zeros(len(weights), np.int64)
    limits = edges(weights, int(weights.sum()), seats)
    for _ in range(batches):
        third = thirds(draw(chance, 1, len(weights))[0], limits)
        order = third + chance.random(len(weights))
        first = np.argsort(order)[:seats]
        won[first[third[first] < NEVER]] += 1
    return won


def _by_class(held: Words, seats: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return how many operators are in each class, their share of the stake and of the seats."""
    kind = np.digitize(held, list(CLASSES.values())[1:])
    rows = (np.ones(len(held)), held / held.sum(), seats / seats.sum())
    return np.array([np.bincount(kind, row, len(CLASSES)) for row in rows])


def captures(chance: np.random.Generator) -> dict[str, Any]:
    """Return the chance of deciding a batch, exactly and by lots: fair races, races that the
    adversary always wins, and with half of the others away."""
    found: dict[str, Any] = {}
    for name, seats, grown in TERMS:
        found[name] = {}
        for share in SHARES:
            lots = {
                "fair": captured(chance, TRIALS, seats, grown, share, Races.FAIR),
                "first": captured(chance, TRIALS, seats, grown, share, Races.ADVERSARY),
                "half_away": captured(chance, TRIALS, seats, grown, share, Races.FAIR, 0.5),
            }
            rounded = {key: round(value, 5) for key, value in lots.items()}
            found[name][str(share)] = {"exact": capture(seats, grown, share), **rounded}
    return found


def full_draw(chance: np.random.Generator) -> dict[str, float]:
    """Draw every ticket of the largest network: winners by third, and the time of a batch."""
    weights = capped(stakes(chance, SIZES[-1], LEAST), CAP)
    total, rounds = int(weights.sum()), 60
    limits = edges(weights, total, 3)
    began = time.process_time()
    counts = np.zeros(NEVER)
    for _ in range(rounds):
        third = thirds(draw(chance, 1, len(weights))[0], limits)
        counts += np.bincount(third, minlength=NEVER + 1)[:NEVER]
    means = np.cumsum(counts) / rounds
    return {
        "operators": len(weights),
        "total_weight": total,
        "total_weight_bits": total.bit_length(),
        "winners_first_third": float(means[0]),
        "winners_two_thirds": float(means[1]),
        "winners_in_all": float(means[2]),
        "seconds_per_batch": round((time.process_time() - began) / rounds, 2),
    }


def main() -> None:
    """Simulate, write, plot."""
    gas = json.loads((ROOT / "bench" / "results" / "gas.json").read_text())
    parts: dict[str, Callable[[np.random.Generator], Any]] = {
        "full_draw": full_draw,
        "by_size": by_size,
        "by_load": by_load,
        "by_terms": by_terms,
        "fairness": fairness,
        "capture": captures,
    }
    result: dict[str, Any] = {
        "command": "python bench/scale.py",
        "machine": f"{os.cpu_count()} cores, {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "seed": SEED,
        "rules": vars(replace(Rules())),
    }
    for name, part in parts.items():
        began = time.monotonic()
        result[name] = part(np.random.default_rng(SEED))
        print(f"{name}: {time.monotonic() - began:.1f} s", flush=True)
    result["tasks_per_second"] = throughput(gas)
    result["cents_per_task"] = cents(gas)
    result["storage"] = storage()
    RESULT.write_text(json.dumps(result, indent=1) + "\n")
    draw_plots(result, ROOT / "docs")


if __name__ == "__main__":
    main()
