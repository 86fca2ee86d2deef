"""Names for the plain values that pass between rooms."""

from typing import NewType

Wei = NewType("Wei", int)
"""An amount of a token in its smallest unit."""

Gwei = NewType("Gwei", int)
"""An amount of the network token in units of 10^9 wei; bonds and locks are counted in it."""

OperatorId = NewType("OperatorId", int)
"""An operator's number in Staking, 1 to 2^24 - 1; 0 means nobody."""

JobKey = NewType("JobKey", bytes)
"""The 32-byte key under which a service keeps a job."""

BatchIndex = NewType("BatchIndex", int)
TaskIndex = NewType("TaskIndex", int)

Digest = NewType("Digest", bytes)
"""A 32-byte sha256 of a blob."""

Seconds = NewType("Seconds", int)
Timestamp = NewType("Timestamp", int)
"""Chain time, in seconds since 1970."""

Address = NewType("Address", str)
"""A checksummed 0x address."""
