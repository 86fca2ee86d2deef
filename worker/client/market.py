"""What work cost lately, how soon it found operators, and how it ended."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from worker.client.lane import Lane
from worker.client.market_rounds import Fill, Round
from worker.client.view import TaskState
from worker.types import OperatorId, Wei


@dataclass(frozen=True)
class Spread:
    """Some values in order: the lowest, the middle, that of nine in ten, the highest."""

    low: int
    median: int
    nine_in_ten: int
    high: int

    @classmethod
    def of(cls, values: Iterable[int]) -> "Spread":
        """Return the spread of some values, at least one."""
        ordered = sorted(values)
        last = len(ordered) - 1
        return cls(ordered[0], ordered[last // 2], ordered[-(-9 * last // 10)], ordered[-1])


@dataclass(frozen=True)
class Market:
    """One lane's jobs in one token; with a capability only the rounds in which an operator that
    announces it took a seat, and of the seats only those of such operators.

    `price` is wei of the token per task and seat, `cost` per task with all seats that are usual.
    `fills_from` is the lowest price from which on nine in ten of the rounds were filled.
    `seconds` is from a round's opening to its last seat. Of `seats`, `punished` lost some bond.
    """

    lane: Lane
    token: int
    capability: str | None
    jobs: int
    rounds: Mapping[Fill, int]
    price: Spread
    cost: Spread
    fills_from: Wei | None
    seconds: Spread | None
    tasks: Mapping[TaskState, int]
    seats: int
    punished: int


def summarise(
    rounds: Sequence[Round], capabilities: Mapping[OperatorId, frozenset[str]], now: int
) -> list[Market]:
    """Return a market for each lane and token with rounds, and one for each capability there."""
    markets: list[Market] = []
    for lane, token in sorted({(one.lane, one.token) for one in rounds}):
        of_lane = [one for one in rounds if (one.lane, one.token) == (lane, token)]
        seen = {who for one in of_lane for who, _ in one.claims}
        markets.append(_market(of_lane, seen, None, now))
        for name in sorted({name for who in seen for name in capabilities.get(who, ())}):
            able = {who for who in seen if name in capabilities.get(who, ())}
            theirs = [one for one in of_lane if any(who in able for who, _ in one.claims)]
            markets.append(_market(theirs, able, name, now))
    return markets


def _market(
    rounds: Sequence[Round], operators: set[OperatorId], capability: str | None, now: int
) -> Market:
    waits = [one.filled_at - one.opened_at for one in rounds if one.filled_at is not None]
    tasks: Counter[TaskState] = Counter()
    for one in rounds:
        tasks.update(one.tasks)
    return Market(
        lane=rounds[0].lane,
        token=rounds[0].token,
        capability=capability,
        jobs=len({one.job for one in rounds}),
        rounds=Counter(one.fill(now) for one in rounds),
        price=Spread.of(one.price for one in rounds),
        cost=Spread.of(one.cost for one in rounds),
        fills_from=_fills_from(rounds, now),
        seconds=Spread.of(waits) if waits else None,
        tasks=tasks,
        seats=sum(who in operators for one in rounds for who, _ in one.claims),
        punished=sum(who in operators for one in rounds for who in one.punished),
    )


def _fills_from(rounds: Sequence[Round], now: int) -> Wei | None:
    """Return the lowest price from which on nine in ten rounds were filled, None if none is."""
    found: Wei | None = None
    filled = asked = 0
    decided = [one for one in rounds if one.fill(now) in (Fill.FILLED, Fill.UNFILLED)]
    for price, group in groupby(sorted(decided, key=_by_price, reverse=True), _by_price):
        fills = [one.fill(now) is Fill.FILLED for one in group]
        asked, filled = asked + len(fills), filled + sum(fills)
        if 10 * filled >= 9 * asked:
            found = price
    return found


def _by_price(one: Round) -> Wei:
    return one.price
