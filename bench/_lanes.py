"""One week of work in each lane: who is drawn, what each strategy answers, what follows."""

from dataclasses import dataclass, field

import numpy as np
from _seats import NOBODY, Ids, is_contested, judge, seat
from _sortition import Words
from numpy.typing import NDArray

HONEST, LAZY, LIAR, COLLUDER, WASHER = range(5)
NAMES = ("honest", "lazy", "lying", "colluding", "washing")
TRUTH, GUESS, PACT = 0, 1, 2  # all lazy ones guess alike, which is best for them
_OWN = 10  # a liar's own lie, plus its number

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Habits:
    """How strategies act. A colluder lies in a replicated batch when the coalition holds at least
    `pact_from` of its first seats, which it sees before it seals; in provable jobs always if
    `pact_provable`. `lies` is a liar's share of lies."""

    pact_from: int = 2
    pact_provable: bool = True
    lies: float = 0.2


@dataclass
class Tally:
    """What happened to each operator in a week, counted in tasks: all prices and bonds are equal.

    `runs` are computations that cost something; `stood` are lies that were paid.
    """

    paid: Counts
    burnt: Counts = field(init=False)
    fees: Counts = field(init=False)
    convicted: Counts = field(init=False)
    bounties: Counts = field(init=False)
    runs: Counts = field(init=False)
    seats: Counts = field(init=False)
    stood: Counts = field(init=False)

    def __post_init__(self) -> None:
        for name in ("burnt", "fees", "convicted", "bounties", "runs", "seats", "stood"):
            setattr(self, name, np.zeros_like(self.paid))

    def add(self, name: str, operators: Ids, which: NDArray[np.bool_]) -> None:
        """Count one for each operator where `which` is true."""
        counts: Counts = getattr(self, name)
        counts += np.bincount(operators[which], minlength=len(counts))


def replicated(
    chance: np.random.Generator,
    weights: Words,
    kinds: Ids,
    batches: int,
    seats: tuple[int, int],
    habits: Habits,
) -> Tally:
    """Play batches of one task with seats[0] seats, seats[1] after a dissent."""
    tally = Tally(np.zeros(len(weights), np.int64))
    first, most = seats
    found = seat(chance, weights, batches, first, np.empty((batches, 0), np.int64))
    found = found[found[:, 0] != NOBODY]
    pact = (kinds[found] == COLLUDER).sum(axis=1) >= habits.pact_from
    answers = _answers(chance, found, kinds, pact, habits)
    grows = is_contested(answers)
    _finish(tally, found[~grows], answers[~grows], kinds)
    if most > first and grows.any():
        base = found[grows]
        more = seat(chance, weights, len(base), most - first, base)
        came = more[:, 0] != NOBODY  # without them nothing stands, and all lose the contest fee
        tally.add("fees", base, np.broadcast_to(~came[:, None], base.shape))
        tally.add("seats", base, np.broadcast_to(~came[:, None], base.shape))
        rest = _answers(chance, more[came], kinds, pact[grows][came], habits)
        all_seats = np.hstack([base[came], more[came]])
        _finish(tally, all_seats, np.hstack([answers[grows][came], rest]), kinds)
    elif grows.any():
        _finish(tally, found[grows], answers[grows], kinds)
    return tally


def _answers(
    chance: np.random.Generator, seats: Ids, kinds: Ids, pact: NDArray[np.bool_], habits: Habits
) -> Ids:
    kind = kinds[seats]
    answers = np.where(kind == LAZY, GUESS, TRUTH)
    lies = (kind == LIAR) & (chance.random(seats.shape) < habits.lies)
    answers = np.where(lies, _OWN + seats, answers)
    return np.where((kind == COLLUDER) & pact[:, None], PACT, answers)


def _finish(tally: Tally, seats: Ids, answers: Ids, kinds: Ids) -> None:
    judged = judge(answers)
    tally.add("seats", seats, np.ones(seats.shape, bool))
    tally.add("paid", seats, judged.paid)
    tally.add("burnt", seats, judged.burnt)
    tally.add("fees", seats, judged.contested)
    tally.add("stood", seats, judged.paid & (answers != TRUTH))
    # A coalition computes once for all its seats; its first one bears it.
    ours = (kinds[seats] == COLLUDER) & (answers == TRUTH)
    alone = (kinds[seats] != COLLUDER) & (answers != GUESS)
    tally.add("runs", seats, alone | (ours & (ours.cumsum(axis=1) == 1)))


def provable(
    chance: np.random.Generator,
    weights: Words,
    kinds: Ids,
    batches: int,
    audit: float,
    habits: Habits,
) -> Tally:
    """Play batches of one task that are audited with the chance `audit`.

    Nobody else looks: whoever watches on its own only adds to what a lie may lose.
    """
    tally = Tally(np.zeros(len(weights), np.int64))
    operator = seat(chance, weights, batches, 1, np.empty((batches, 0), np.int64))
    operator = operator[operator[:, 0] != NOBODY]
    auditor = np.full_like(operator, NOBODY)
    drawn = chance.random(len(operator)) < audit
    for _ in range(2):  # nobody comes: drawn once more, then without
        open_ = drawn & (auditor[:, 0] == NOBODY)
        auditor[open_] = seat(chance, weights, int(open_.sum()), 1, operator[open_])
    seats = np.hstack([operator, auditor])
    there = seats != NOBODY
    pact = (kinds[operator[:, 0]] == COLLUDER) & habits.pact_provable
    answers = np.where(there, _answers(chance, seats, kinds, pact, habits), NOBODY)
    _verdict(tally, seats, answers, there, kinds)
    return tally


def _verdict(tally: Tally, seats: Ids, answers: Ids, there: NDArray[np.bool_], kinds: Ids) -> None:
    """Pay, convict or burn: the table of protocol.md §5."""
    differ = there[:, 1] & (answers[:, 0] != answers[:, 1])
    honest = answers == TRUTH
    proven = differ & honest.any(axis=1)  # whoever is right convicts the other and is paid
    tally.add("seats", seats, there)
    tally.add("paid", seats, there & ~(differ[:, None] & ~(proven[:, None] & honest)))
    tally.add("convicted", seats, proven[:, None] & ~honest)
    tally.add("bounties", seats, proven[:, None] & honest)
    tally.add("burnt", seats, (differ & ~proven)[:, None] & there)
    tally.add("stood", seats, there & ~differ[:, None] & ~honest)
    both = (kinds[seats] == COLLUDER).all(axis=1) & there[:, 1]
    spared = np.zeros_like(there)
    spared[:, 1] = both  # the coalition computed it already
    tally.add("runs", seats, there & (answers != GUESS) & (answers != PACT) & ~spared)
