"""What the seats of a batch opened, as this worker has read it."""

from worker.protocol.answers import Answers, gather
from worker.services.desk import Desk
from worker.services.rounds import Round
from worker.storage.seats import Seat


def collect_answers(desk: Desk[Round], seat: Seat, round_: Round) -> Answers:
    """Gather the openings of the batch's seats from the logs, the newest block included."""
    logs = desk.jobs.logs(seat.key.job, seat.key.batch, "ResultRevealed")
    revealed = {(log.args["operator"], log.round or 0): log.args["values"] for log in logs}
    return gather(round_.word, revealed)
