"""The short form of the parsers' fuzzing: few inputs, the same each time. `make fuzz` has many."""

from random import Random

import pytest

from tests.fuzz.mutate import Mutator
from tests.fuzz.target import Target, feed
from tests.fuzz.targets import TARGETS

INPUTS = 250
FEWER = {"told_nodes": 25, "job_yaml": 60, "http_request": 60}  # each takes milliseconds
SEED = 4


@pytest.fixture(params=TARGETS.values(), ids=TARGETS)
def target(request) -> Target:
    return request.param


def test_parser__real_inputs__some_are_taken(target):
    assert any(feed(target, data) for data in target.corpus())


def test_parser__changed_inputs__taken_whole_or_refused_by_name(target):
    random = Random(SEED)
    mutator = Mutator(target.form, target.corpus(), target.tokens)
    for _ in range(FEWER.get(target.name, INPUTS)):
        data = mutator.make(random)
        try:
            feed(target, data)
        except BaseException as error:
            pytest.fail(f"{target.name}: {data!r}: {error!r}")
