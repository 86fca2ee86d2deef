"""The matrix is whole: a step that is added to a service must be added to a scene."""

from tests.faults.crash import matrix
from tests.faults.crash.steps import declared_steps


def test_fault_20__every_step_in_the_sources__is_died_at() -> None:
    assert declared_steps() == matrix.ALL
