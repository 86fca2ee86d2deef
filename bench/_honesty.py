"""Where honesty pays best: what a lie gains and loses, in closed form.

All in prices of a task. A coalition holds the share `s` of the drawn stake; who draws is the rest.
`Stakes.paid` is what a paid seat is worth to it, fee off and emission on, and `run` what computing
a task costs. A prize is what a wrong result that is paid for brings besides, from outside.
"""

from dataclasses import dataclass
from math import comb

BPS = 10_000


@dataclass(frozen=True)
class Stakes:
    """What the parameters and a job's terms make of one seat, in prices."""

    fee: float
    burn: float
    rate: float
    run: float
    bond: float

    @property
    def paid(self) -> float:
        """What a paid seat brings."""
        return 1 - self.fee + self.fee * self.burn * self.rate


def rule_p3(audit: float, capture: float) -> float:
    """Return the least bond of a provable task: half of it outweighs what a lie expects."""
    seen = audit * (1 - capture)
    return 2 * (1 - seen) / seen


def provable_gain(stakes: Stakes, audit: float, share: float, prize: float = 0) -> float:
    """Return what lying gains over honest work for each seat of an operator in a coalition: it is
    convicted when an outsider audits, else paid without having run anything."""
    seen = audit * (1 - share)
    return stakes.run - seen * (stakes.paid + stakes.bond) + (1 - seen) * prize


def provable_prize(stakes: Stakes, audit: float, share: float) -> float:
    """Return the prize from which on lying pays; none or less: it pays without one."""
    seen = audit * (1 - share)
    return -provable_gain(stakes, audit, share) / (1 - seen)


def provable_share(stakes: Stakes, audit: float) -> float:
    """Return the share of drawn stake up to which honesty pays best, without a prize."""
    return 1 - stakes.run / (audit * (stakes.paid + stakes.bond))


def binomial(n: int, k: int, p: float) -> float:
    """Return the chance of exactly k of n."""
    return comb(n, k) * p**k * (1 - p) ** (n - k)


def pact_gain(
    stakes: Stakes, seats: tuple[int, int], held: int, share: float, prize: float = 0
) -> float:
    """Return what a coalition gains by lying in a replicated batch over running it once for all of
    its `held` first seats, which it sees before it seals. Half of `seats[1]` is outvoted."""
    first, most = seats
    honest = held * stakes.paid - stakes.run
    if held == first:
        return held * stakes.paid + prize - honest
    lying = 0.0
    for more in range(most - first + 1):
        chance = binomial(most - first, more, share)
        ours = held + more
        wins = 2 * ours > most
        lying += chance * (ours * stakes.paid + prize if wins else -ours * stakes.bond)
    return lying - honest


def pact_prize(stakes: Stakes, seats: tuple[int, int], share: float) -> float:
    """Return the prize from which on lying pays with the most first seats that do not decide yet;
    none or less: it pays without one."""
    held = min(seats[0] - 1, seats[1] // 2)
    gain = pact_gain(stakes, seats, held, share)
    wins = pact_gain(stakes, seats, held, share, prize=1) - gain
    return -gain / wins


def lazy_gain(stakes: Stakes, seats: tuple[int, int], share: float) -> float:
    """Return what a lazy operator expects of a seat over an honest one, where lazy ones hold the
    share of drawn stake and all guess alike."""
    first = seats[0]
    honest, lazy = -stakes.run, 0.0
    for others in range(first):
        among = binomial(first - 1, others, share)
        honest += among * _paid_with(stakes, seats, first - 1 - others, share, mine=False)
        lazy += among * _paid_with(stakes, seats, others, share, mine=True)
    return lazy - honest


def _paid_with(
    stakes: Stakes, seats: tuple[int, int], alike: int, share: float, mine: bool
) -> float:
    """Return what my seat brings when `alike` others of the first seats answer as I do."""
    first, most = seats
    if alike + 1 == first:
        return stakes.paid
    joining = share if mine else 1 - share
    total = 0.0
    for more in range(most - first + 1):
        wins = 2 * (alike + 1 + more) > most
        total += binomial(most - first, more, joining) * (stakes.paid if wins else -stakes.bond)
    return total


def lazy_share(stakes: Stakes, seats: tuple[int, int]) -> float:
    """Return the share of lazy ones up to which a seat is worth more to an honest operator."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if lazy_gain(stakes, seats, middle) < 0 else (low, middle)
    return low


def washed(fee: float, burn: float, rate: float) -> float:
    """Return what paying oneself costs, as a share of the volume, gas not counted."""
    return fee * (1 - burn * rate)
