"""Runs the sender: every intent of the outbox onto the chain, one bounded step a tick."""

from worker import metrics
from worker.chain.sender import Sender, SenderStatus
from worker.health import Health, Reason
from worker.protocol.outbox import LIVE, TxState
from worker.services.base import Service, StepHook, no_hook
from worker.storage.outbox import SqliteOutbox

_REASONS = (Reason.GAS_TOO_HIGH, Reason.TX_REFUSED)  # the caretaker reports lacking money


class Sending(Service):
    """Owns the worker key's nonce. It is news when a transaction reached its end."""

    name = "sender"
    linger = 0.1

    def __init__(
        self,
        sender: Sender,
        outbox: SqliteOutbox,
        health: Health,
        on_step: StepHook = no_hook,
    ) -> None:
        super().__init__(on_step)
        self.status: SenderStatus | None = None
        self._sender = sender
        self._outbox = outbox
        self._health = health

    async def tick(self) -> bool:
        """Bring every waiting transaction one step further."""
        is_poor = Reason.GAS_MONEY in self._health.reasons  # then it looks for new money
        is_busy = self._outbox.count(TxState.QUEUED, *LIVE) > 0
        if self.status is not None and not is_busy and not is_poor:
            return False
        self.status = await self._sender.tick()
        self._report(self.status)
        for entry in self.status.sent:
            self.step(f"sent.{entry.intent.purpose.partition(':')[0]}")
        if self.status.settled:
            self.news()
        return False

    def gas_spent(self) -> int:
        """Return what all transactions of this worker have cost so far, in wei."""
        return self._outbox.total_fees()

    def gas_used(self) -> int:
        """Return the gas that all transactions of this worker have used so far."""
        return self._outbox.total_gas()

    def _report(self, status: SenderStatus) -> None:
        metrics.balance_wei.set(status.balance)
        for reason in _REASONS:
            self._health.report(reason, reason in status.reasons)
        for entry in status.settled:
            metrics.settled_total.labels(entry.state).inc()
            if entry.inclusion is not None:
                metrics.gas_spent_wei_total.inc(entry.inclusion.fee)
