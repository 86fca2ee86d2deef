"""What the seats of a replicated batch opened, in the form that `settle` takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from worker.protocol.record import blind
from worker.protocol.words import MAX_SEATS, NO_CHOICE, BatchWord
from worker.types import OperatorId

Opened = Mapping[tuple[OperatorId, int], Sequence[bytes]]
"""What operators revealed, by operator and round."""


@dataclass(frozen=True)
class Answers:
    """The distinct lists of v, each seat's choice among them, and who opened or still could."""

    lists: list[list[bytes]]
    choice: int
    opened: frozenset[int]
    is_missing_some: bool  # a sealed seat of the running round has not opened


def gather(word: BatchWord, revealed: Opened) -> Answers:
    """Return the answers of all seats of a batch, of growth and of the base before it."""
    lists: list[list[bytes]] = []
    choices, opened, missing = [], set(), False
    for index, operator in enumerate(word.operators):
        is_running = index >= word.base
        values = revealed.get((operator, word.round_of(index)))
        if values is None:
            choices.append(NO_CHOICE)
            missing |= is_running and word.is_sealed(index)
            continue
        answer = list(map(blind, values)) if word.is_growing and is_running else list(values)
        if answer not in lists:
            lists.append(answer)
        choices.append(lists.index(answer))
        opened.add(index)
    choices += [NO_CHOICE] * (MAX_SEATS - len(choices))
    choice = sum(number << (3 * index) for index, number in enumerate(choices))
    return Answers(lists, choice, frozenset(opened), missing)
