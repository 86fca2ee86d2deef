"""A network that takes batches as they come: who claims when, who loses the race, who is busy."""

import heapq
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from _sortition import FACTORS, Words, thresholds

_FULL_DRAW = 20_000  # operators up to which every ticket is drawn
_LAST = 2**64 - 1
_END, _MINE, _SEND = 0, 1, 2  # at the same moment places are free first


@dataclass(frozen=True)
class Rules:
    """What batches ask and how fast everybody is; times in seconds.

    A worker acts `confirmations` blocks behind the head, after a look at the chain and after it
    fetched what the job needs. A transaction misses each block with the chance `missed`.
    """

    seats: int = 3
    window: float = 600
    block: float = 2
    confirmations: int = 2
    poll: float = 2
    fetch: float = 3
    missed: float = 0.1
    held: float = 300  # from the claim to the settlement


@dataclass
class Outcome:
    """What became of the batches: seconds from the posting to the first and the last claim, NaN
    where there was none; and of the claims that were sent."""

    first: list[float] = field(default_factory=list)
    filled: list[float] = field(default_factory=list)
    sent: int = 0
    lost: int = 0

    def add(self, other: "Outcome") -> None:
        """Count another's batches and claims too."""
        self.first += other.first
        self.filled += other.filled
        self.sent += other.sent
        self.lost += other.lost

    def quantile(self, share: float) -> float:
        """Return within how many seconds that share of all batches was filled, infinity if fewer
        ever were."""
        waits = np.sort(np.where(np.isnan(self.filled), np.inf, self.filled))
        return float(waits[min(len(waits) - 1, int(share * len(waits)))])

    @property
    def unfilled(self) -> float:
        """The share of batches whose claim window closed with a seat open."""
        return float(np.isnan(self.filled).mean())


class Network:
    """Operators with weights, each with places for some batches at once."""

    def __init__(self, weights: Words, places: Words | None) -> None:
        """`places` are by operator; None: as many as anybody wants."""
        self.weights = weights
        self.places = places
        self.total = int(weights.sum())
        self._heaviest = int(weights.max())

    def winners(self, chance: np.random.Generator, seats: int) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
        """Return the operators whose tickets win in the window, and in which third.

        In large networks only tickets that the heaviest could win with are drawn, in their exact
        number and range: all others lose.
        """
        edge = int(self._edge(np.array([self._heaviest], np.uint64), FACTORS[-1] * seats)[0])
        count = len(self.weights)
        if count <= _FULL_DRAW:
            who, edge = np.arange(count), _LAST
        else:
            who = np.unique(chance.integers(0, count, chance.binomial(count, edge / 2**64)))
        tickets = chance.integers(0, edge, len(who), np.uint64, endpoint=True)
        third = np.full(len(who), len(FACTORS))
        for number, factor in reversed(list(enumerate(FACTORS))):
            third[tickets < self._edge(self.weights[who], factor * seats)] = number
        won = third < len(FACTORS)
        return who[won], third[won]

    def _edge(self, weights: Words, released: int) -> Words:
        return thresholds(weights, self.total, released)


@dataclass
class _Batch:
    posted: float
    seats: int
    granted: list[float] = field(default_factory=list)

    @property
    def is_filled(self) -> bool:
        """Whether no seat is open."""
        return len(self.granted) == self.seats


def play(
    chance: np.random.Generator, network: Network, rules: Rules, posts: list[float]
) -> Outcome:
    """Let the network take batches that are posted at these moments, in the order of time."""
    return _Game(chance, network, rules, posts).run()


class _Game:
    """The events of one simulation: claims are sent, are mined, and free their place again."""

    def __init__(
        self, chance: np.random.Generator, network: Network, rules: Rules, posts: list[float]
    ) -> None:
        self.outcome = Outcome()
        self._chance = chance
        self._rules = rules
        self._places = network.places
        self._load = np.zeros(len(network.weights), np.int32)
        self._waiting: dict[int, deque[int]] = {}  # batches that full operators may still claim
        self._batches = [_Batch(posted, rules.seats) for posted in posts]
        self._events = [
            (at, _SEND, number, operator)
            for number, batch in enumerate(self._batches)
            for at, operator in _wishes(chance, network, rules, batch)
        ]
        heapq.heapify(self._events)

    def run(self) -> Outcome:
        """Play to the end."""
        steps = {_SEND: self._send, _MINE: self._mine, _END: self._free}
        while self._events:
            at, kind, number, operator = heapq.heappop(self._events)
            steps[kind](at, number, operator)
        for batch in self._batches:
            self.outcome.first.append(batch.granted[0] if batch.granted else np.nan)
            self.outcome.filled.append(batch.granted[-1] if batch.is_filled else np.nan)
        return self.outcome

    def _send(self, at: float, number: int, operator: int) -> None:
        batch = self._batches[number]
        if batch.is_filled or at >= batch.posted + self._rules.window:
            return  # the worker looks before it claims
        if not self._has_place(operator):
            self._waiting.setdefault(operator, deque()).append(number)
            return
        self._load[operator] += 1
        missed = int(self._chance.geometric(1 - self._rules.missed)) - 1
        mined = (np.floor(at / self._rules.block) + 1 + missed) * self._rules.block
        heapq.heappush(self._events, (float(mined), _MINE, number, operator))

    def _mine(self, at: float, number: int, operator: int) -> None:
        batch = self._batches[number]
        is_late = batch.is_filled or at >= batch.posted + self._rules.window
        self.outcome.sent += 1
        self.outcome.lost += is_late
        if not is_late:
            batch.granted.append(at - batch.posted)
        until = at if is_late else at + self._rules.held
        heapq.heappush(self._events, (until, _END, number, operator))

    def _free(self, at: float, _number: int, operator: int) -> None:
        self._load[operator] -= 1
        waiting = self._waiting.get(operator)
        while waiting and self._has_place(operator):
            self._send(at, waiting.popleft(), operator)

    def _has_place(self, operator: int) -> bool:
        return self._places is None or self._load[operator] < self._places[operator]


def _wishes(
    chance: np.random.Generator, network: Network, rules: Rules, batch: _Batch
) -> Iterator[tuple[float, int]]:
    """Yield when each operator whose ticket wins would send its claim."""
    who, third = network.winners(chance, batch.seats)
    known = batch.posted + rules.confirmations * rules.block
    ready = known + rules.poll * chance.random(len(who)) + chance.exponential(rules.fetch, len(who))
    released = batch.posted + third * rules.window / 3
    jitter = rules.block * chance.random(len(who))
    for operator, at in zip(who, np.maximum(ready, released + jitter), strict=True):
        if at < batch.posted + rules.window:
            yield float(at), int(operator)


def poisson(chance: np.random.Generator, rate: float, count: int) -> list[float]:
    """Return `count` moments with `rate` a second on average."""
    return list(np.cumsum(chance.exponential(1 / rate, count)))


def bursts(chance: np.random.Generator, rate: float, count: int, size: int) -> list[float]:
    """Return as many in bursts of `size` batches at once, with the same rate on average."""
    starts = np.cumsum(chance.exponential(size / rate, -(-count // size)))
    return list(np.repeat(starts, size)[:count])
