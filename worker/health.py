"""Whether the worker is ready for work, and if not, why: codes that people and alerts can match."""

from dataclasses import dataclass, field
from enum import StrEnum


class Reason(StrEnum):
    """Why a worker is not ready. One line each in docs/operations.md."""

    STARTING = "starting"
    DRAINING = "draining"
    RPC_UNAVAILABLE = "rpc_unavailable"  # no endpoint answers well
    STALE_HEAD = "stale_head"  # the chain's head does not advance
    BACKFILLING = "backfilling"  # events are still being read
    GAS_MONEY = "gas_money"  # the worker key cannot pay for its transactions
    GAS_TOO_HIGH = "gas_too_high"  # fees exceed the cap and what is at stake
    TX_REFUSED = "tx_refused"  # endpoints refuse a transaction for a reason not known
    DISK_LOW = "disk_low"
    UNBONDED = "unbonded"  # no stake, no opt-in, or another worker key
    SELF_TEST = "tensor_self_test"  # the backend computes wrongly, or is still being tested


_OF_ONE_SERVICE = {Reason.SELF_TEST: "ProvableJobs"}
"""Reasons that keep the worker from one service's jobs only."""


@dataclass
class Health:
    """The reasons that hold now, each with a detail for people. Ready when there are none."""

    _details: dict[Reason, str] = field(default_factory=lambda: {Reason.STARTING: ""})
    _unused: set[str] = field(default_factory=set)

    def report(self, reason: Reason, is_present: bool, detail: str = "") -> None:
        """Note that `reason` holds now, or that it is over."""
        if is_present:
            self._details[reason] = detail
        else:
            self._details.pop(reason, None)

    def use(self, service: str, is_used: bool) -> None:
        """Note whether the operator wants work of a service; that it does not is no trouble."""
        if is_used:
            self._unused.discard(service)
        else:
            self._unused.add(service)

    def may_take(self, service: str) -> bool:
        """Whether new work of a service may be taken."""
        holding = (_OF_ONE_SERVICE.get(reason, service) for reason in self._details)
        return service not in self._unused and service not in holding

    @property
    def is_ready(self) -> bool:
        """Whether new work of every kind may be taken."""
        return not self._details

    @property
    def reasons(self) -> dict[Reason, str]:
        """Return a copy of {reason: detail}, in the order in which they appeared."""
        return dict(self._details)
