"""What is due in each phase, to the second; and what the draw says, to the block."""

from types import SimpleNamespace
from typing import Any

import pytest

from tests.worker.services.provable.provable_actors import (
    BATCH,
    JOB,
    SINCE,
    Fate,
    Phase,
    provable_job,
    turn,
)
from worker.protocol.provable_words import SeatKind, is_audited
from worker.services.desk import Verb
from worker.services.provable.moves import due_move, is_drawn

OPENED = (Fate.OPENED, Fate.OPENED)
MINE = (Fate.OPENED, Fate.IN_PLAY)


@pytest.mark.parametrize(
    ("phase", "changes", "after", "drawn", "verb"),
    [
        (Phase.RUNNING, {}, 59, None, None),
        (Phase.RUNNING, {}, 60, None, Verb.ADVANCE),
        (Phase.SEALED, {}, 0, None, None),
        (Phase.SEALED, {}, 0, True, Verb.ADVANCE),
        (Phase.SEALED, {}, 9_999, False, Verb.REVEAL),
        (Phase.AUDIT_OPEN, {}, 29, None, None),
        (Phase.AUDIT_OPEN, {}, 30, None, Verb.ADVANCE),
        (Phase.AUDIT_RUNNING, {}, 59, None, None),
        (Phase.AUDIT_RUNNING, {}, 60, None, Verb.ADVANCE),
        (Phase.REVEAL, {}, 39, None, Verb.REVEAL),
        (Phase.REVEAL, {}, 40, None, Verb.ADVANCE),
        (Phase.REVEAL, {"fates": MINE}, 39, None, None),
        (Phase.REVEAL, {"fates": MINE}, 40, None, Verb.ADVANCE),
        (Phase.CHALLENGE, {"fates": OPENED}, 89, None, None),
        (Phase.CHALLENGE, {"fates": OPENED}, 90, None, Verb.SETTLE),
        (Phase.CHALLENGE, {"fates": OPENED, "held": (0, 1)}, 90, None, None),
        (Phase.CHALLENGE, {"fates": OPENED, "unaudited": True}, 179, None, None),
        (Phase.CHALLENGE, {"fates": OPENED, "unaudited": True}, 180, None, Verb.SETTLE),
        (Phase.OPEN, {}, 30, None, None),  # nobody's: the payer's to end
    ],
)
def test_due_move__table(
    phase: Phase, changes: dict[str, Any], after: int, drawn: bool | None, verb: Verb | None
) -> None:
    assert due_move(turn(phase, **changes), SeatKind.OPERATOR, SINCE + after, drawn) is verb


def _hash(audited: bool) -> bytes:
    tries = (number.to_bytes(32) for number in range(10_000))
    return next(one for one in tries if is_audited(one, JOB, BATCH, 1_000) is audited)


@pytest.mark.parametrize(
    ("current", "audited", "drawn"),
    [
        (50, False, None),  # the draw's block is the newest confirmed one: not hashed yet
        (51, False, False),
        (51, True, True),
        (250, False, False),
        (251, False, None),  # too close to the end to be opened
        (251, True, True),
        (306, False, None),
        (307, False, True),  # nobody made the draw in time
    ],
)
async def test_is_drawn__by_the_block_after_the_seal(
    current: int, audited: bool, drawn: bool | None
) -> None:
    async def call(_: str, view: str, *args: Any, block: int) -> Any:
        assert block == 44
        if view == "height":
            return current
        assert args == (50,)
        return _hash(audited)

    contracts = SimpleNamespace(call=call)
    chain: Any = SimpleNamespace(contracts=contracts, seed_source="BlockSeed", confirmed=44)
    assert await is_drawn(chain, provable_job(), turn(Phase.SEALED)) is drawn
