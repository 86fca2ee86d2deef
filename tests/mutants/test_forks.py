"""Work in forks: every job is answered for, and none outlives its time."""

import os
import random
import time

import pytest

from scripts.mutants.forks import run_all


def test_run_all__more_jobs_than_lanes__each_in_a_process_of_its_own() -> None:
    answers = dict(run_all(iter(range(5)), lambda job: (job * job, os.getpid()), 2, 30))
    assert {job: answer[0] for job, answer in answers.items()} == {n: n * n for n in range(5)}
    assert len({answer[1] for answer in answers.values()} | {os.getpid()}) == 6


def test_run_all__random_numbers__differ_between_forks() -> None:
    drawn = {number for _, number in run_all(iter(range(3)), lambda _: random.random(), 1, 30)}
    assert len(drawn) == 3


def test_run_all__takes_too_long__none_and_the_process_is_gone() -> None:
    started = time.monotonic()
    assert list(run_all(iter([60]), time.sleep, 1, 0.2)) == [(60, None)]
    assert time.monotonic() - started < 30


def test_run_all__job_taken_when_a_lane_is_free__sees_earlier_answers() -> None:
    seen: list[int] = []
    jobs = (len(seen) for _ in range(3))
    for job, _ in run_all(jobs, lambda job: job, 1, 30):
        seen.append(job)
    assert seen == [0, 1, 2]


def test_run_all__work_fails__its_trace_is_raised() -> None:
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        list(run_all(iter([0]), lambda job: 1 // job, 1, 30))
