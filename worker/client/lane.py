"""The two services that run jobs, and what a job costs in each."""

from enum import StrEnum

from worker.protocol import provable_words
from worker.protocol.words import BPS, Terms
from worker.types import Wei


class Lane(StrEnum):
    """A service by the name of its contract."""

    REPLICATED = "ReplicatedJobs"
    PROVABLE = "ProvableJobs"

    @classmethod
    def of(cls, terms: Terms) -> "Lane":
        """Return the lane of a job: only provable ones have, and must have, a challenge window."""
        return cls.PROVABLE if terms.challenge else cls.REPLICATED


def reserve_of(terms: Terms) -> Wei:
    """Return what posting a job moves into Escrow, wei of its token."""
    if Lane.of(terms) is Lane.PROVABLE:
        return provable_words.reserve(terms, terms.tasks)
    return terms.escrow


def expected_cost(terms: Terms) -> Wei:
    """Return what a job costs, on average, when everybody is honest, wei of its token."""
    if Lane.of(terms) is Lane.PROVABLE:
        once = terms.tasks * terms.price
        return Wei(once + once * terms.audit_bps // BPS)
    return Wei(terms.tasks * terms.seats * terms.price)
