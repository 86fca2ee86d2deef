"""How long the state machines run: short here, and for as long as is asked in stateful/run.py."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "suite",
    max_examples=8,
    stateful_step_count=30,
    derandomize=True,  # a change is judged by what it changed: new lives are for the long runs
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "suite"))
