"""What /status tells: where every seat stands, what was earned, and why work was not taken."""

from collections.abc import Mapping, Sequence
from typing import Any

from worker import __version__
from worker.health import Health
from worker.services.base import Service
from worker.services.desk import Desk
from worker.services.sending import Sending
from worker.storage.challenges import WRONG, CaseStore
from worker.storage.seats import IN_FLIGHT


def build_status(
    desks: Sequence[Desk[Any]],
    health: Health,
    services: Sequence[Service],
    sending: Sending,
    cases: CaseStore,
) -> Mapping[str, object]:
    """Return the worker's state as plain JSON; amounts are strings of wei or gwei."""
    desk = desks[0]
    return {
        "version": __version__,
        "operator": desk.identity.operator,
        "worker": desk.identity.worker,
        "ready": health.is_ready,
        "reasons": {str(reason): text for reason, text in health.reasons.items()},
        "chain": _chain(desk),
        "transactions": _transactions(sending),
        "seats": _seats(desk),
        "lanes": {one.lane.service: _lane(one, health) for one in desks},
        "challenges": _challenges(cases),
        "earnings": _earnings(desk),
        "refusals": [
            {"reason": one.reason, "count": one.count, "last_job": "0x" + one.job.hex()}
            for one in desk.jobs.refusals()
        ],
        "services": {service.name: service.trouble or "ok" for service in services},
    }


def _chain(desk: Desk[Any]) -> Mapping[str, object]:
    head = desk.chain.head
    return {
        "head": head.number if head else None,
        "time": desk.chain.now,
        "confirmed": desk.chain.confirmed,
    }


def _transactions(sending: Sending) -> Mapping[str, object]:
    status = sending.status
    if status is None:
        return {}
    return {
        "balance_wei": str(status.balance),
        "queued": status.queued,
        "in_flight": status.in_flight,
        "gas_spent_wei": str(sending.gas_spent()),
        "gas_used": sending.gas_used(),
    }


def _lane(desk: Desk[Any], health: Health) -> Mapping[str, object]:
    service = desk.lane.service
    return {"takes_work": health.may_take(service), "by_state": desk.seats.count_in(service)}


def _seats(desk: Desk[Any]) -> Mapping[str, object]:
    return {
        "by_state": desk.seats.count(),
        "locked_gwei": str(desk.seats.locked()),
        "in_flight": [
            {
                "job": "0x" + seat.key.job.hex(),
                "batch": seat.key.batch,
                "round": seat.key.round,
                "state": seat.state,
                "reason": seat.reason,
            }
            for seat in desk.seats.in_states(*IN_FLIGHT)
        ],
    }


def _challenges(cases: CaseStore) -> Mapping[str, object]:
    """What others opened and was run again here; whoever is wrong by name."""
    return {
        "by_state": cases.count(),
        "wrong": [
            {
                "seat": case.key.name,
                "state": case.state,
                "task": case.task,
                "fault": case.fault,
                "reason": case.reason,
            }
            for case in cases.in_states(*WRONG)
        ],
    }


def _earnings(desk: Desk[Any]) -> Mapping[str, object]:
    earnings = desk.seats.earnings()
    tokens = sorted({earning.token for earning in earnings})
    return {
        "batches": len(earnings),
        "paid_wei": {
            str(token): str(sum(one.paid for one in earnings if one.token == token))
            for token in tokens
        },
        "burnt_gwei": str(sum(one.burnt for one in earnings)),
    }
