"""Reasons hold for all work, or for one service's alone."""

import pytest

from worker.health import Health, Reason


@pytest.fixture
def health() -> Health:
    health = Health()
    health.report(Reason.STARTING, False)
    return health


def test_may_take__self_test_failed__provable_jobs_only(health: Health) -> None:
    health.report(Reason.SELF_TEST, True, "numpy: MATMUL is wrong")
    assert not health.is_ready
    assert not health.may_take("ProvableJobs")
    assert health.may_take("ReplicatedJobs")
    health.report(Reason.SELF_TEST, False)
    assert health.is_ready and health.may_take("ProvableJobs")


def test_may_take__disk_low__nothing(health: Health) -> None:
    health.report(Reason.DISK_LOW, True)
    assert not health.may_take("ProvableJobs") and not health.may_take("ReplicatedJobs")


def test_use__not_opted_in__is_no_reason(health: Health) -> None:
    health.use("ProvableJobs", False)
    assert health.is_ready and not health.may_take("ProvableJobs")
    health.use("ProvableJobs", True)
    assert health.may_take("ProvableJobs")
