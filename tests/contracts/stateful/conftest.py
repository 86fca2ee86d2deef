"""Profiles of the state machines: HYPOTHESIS_PROFILE = dev, ci (the default) or nightly."""

import os

from hypothesis import HealthCheck, settings

SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
COMMON = {"deadline": None, "suppress_health_check": SLOW}

settings.register_profile("dev", max_examples=5, stateful_step_count=20, **COMMON)
# The same lives on every run: a change is judged by what it changed. New lives are nightly's.
settings.register_profile("ci", max_examples=25, stateful_step_count=40, derandomize=True, **COMMON)
settings.register_profile("nightly", max_examples=1_000, stateful_step_count=80, **COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))
