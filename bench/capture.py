"""How likely an adversary with a share of the drawn stake decides a task, exactly.

Seats are drawn by stake, so an adversary with share p holds Binomial(n, p) of n seats. It decides a
settled task with more than half of the seats granted. On `escalate` one dissent makes the batch
grow from r to R seats: it decides with all r seats (nobody dissents), or, after growth, with more
than R / 2 of all.

    python bench/capture.py        prints the table of docs/threat-model.md
"""

import json
from math import comb
from pathlib import Path

SHARES = (0.05, 0.10, 0.20, 0.33, 0.45)
TERMS = (("3, settle", 3, 3), ("2 to 5", 2, 5), ("3 to 5", 3, 5), ("3 to 7", 3, 7))
RESULT = Path(__file__).parent / "results" / "capture.json"


def binomial(n: int, k: int, p: float) -> float:
    """Return the chance of exactly k of n."""
    return comb(n, k) * p**k * (1 - p) ** (n - k)


def at_least(n: int, k: int, p: float) -> float:
    """Return the chance of at least k of n."""
    return sum(binomial(n, j, p) for j in range(max(k, 0), n + 1))


def capture(r: int, grown: int, p: float) -> float:
    """Return the chance that a share p of the stake decides a task of r seats that may grow."""
    if r == grown:
        return at_least(r, r // 2 + 1, p)
    needed = grown // 2 + 1
    contested = sum(binomial(r, k, p) * at_least(grown - r, needed - k, p) for k in range(1, r))
    return binomial(r, r, p) + contested


def main() -> None:
    """Print the table and keep it."""
    table = {name: {str(p): capture(r, grown, p) for p in SHARES} for name, r, grown in TERMS}
    print("| seats | " + " | ".join(f"{p:.0%}" for p in SHARES) + " |")
    for name, row in table.items():
        print(f"| {name} | " + " | ".join(f"{value:.4f}" for value in row.values()) + " |")
    RESULT.write_text(json.dumps({"capture": table}, indent=1) + "\n")


if __name__ == "__main__":
    main()
