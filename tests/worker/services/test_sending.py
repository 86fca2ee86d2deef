"""When the sender looks at the chain: with something to send, or for money that was lacking."""

from pathlib import Path

import pytest

from tests.worker.services.service_actors import PAYER, open_desk
from worker.chain.sender import SenderStatus
from worker.health import Health, Reason
from worker.protocol.outbox import Intent
from worker.services.sending import Sending
from worker.types import Wei


class Looking:
    """Counts the ticks and tells a balance."""

    def __init__(self) -> None:
        self.ticks = 0

    async def tick(self) -> SenderStatus:
        self.ticks += 1
        return SenderStatus(Wei(5), 0, 0, frozenset(), (), ())


@pytest.mark.parametrize(
    ("is_queued", "is_poor", "looks"),
    [(False, False, 0), (True, False, 1), (False, True, 1)],
)
async def test_tick__after_the_first_look__only_for_a_reason(
    tmp_path: Path, is_queued: bool, is_poor: bool, looks: int
) -> None:
    desk, health, sender = open_desk(tmp_path), Health(), Looking()
    sending = Sending(sender, desk.outbox, health)  # type: ignore[arg-type]
    await sending.tick()
    assert sender.ticks == 1
    if is_queued:
        desk.outbox.enqueue(Intent("note", PAYER, b""))
    health.report(Reason.GAS_MONEY, is_poor)

    await sending.tick()

    assert sender.ticks == 1 + looks
