"""Moments and durations as people read them."""

from datetime import UTC, datetime


def as_time(timestamp: int) -> str:
    """Return a moment in UTC, to the second."""
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
