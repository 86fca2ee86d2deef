"""What the seats of a batch opened, in the form that `settle` takes."""

from dataclasses import dataclass

from worker.protocol.record import blind
from worker.protocol.words import NO_CHOICE
from worker.services.desk import Desk
from worker.services.rounds import Round
from worker.storage.seats import Seat


@dataclass(frozen=True)
class Answers:
    """The distinct lists of v, each seat's choice among them, and who opened or still could."""

    lists: list[list[bytes]]
    choice: int
    opened: frozenset[int]
    is_missing_some: bool  # a sealed seat of the running round has not opened


def collect_answers(desk: Desk[Round], seat: Seat, round_: Round) -> Answers:
    """Read the openings of the batch's seats from the logs, the newest block included."""
    revealed = {
        (log.args["operator"], log.round): log.args["values"]
        for log in desk.jobs.logs(seat.key.job, seat.key.batch, "ResultRevealed")
    }
    lists: list[list[bytes]] = []
    choices, opened, missing = [], set(), False
    for index, operator in enumerate(round_.word.operators):
        is_growth = round_.word.is_growing and index >= round_.first
        values = revealed.get((operator, round_.word.round_of(index)))
        if values is None:
            choices.append(NO_CHOICE)
            missing |= index >= round_.first and round_.word.is_sealed(index)
            continue
        answer = [blind(value) for value in values] if is_growth else list(values)
        if answer not in lists:
            lists.append(answer)
        choices.append(lists.index(answer))
        opened.add(index)
    choices += [NO_CHOICE] * (7 - len(choices))
    choice = sum(number << (3 * index) for index, number in enumerate(choices))
    return Answers(lists, choice, frozenset(opened), missing)
