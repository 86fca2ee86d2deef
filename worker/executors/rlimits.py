"""Resource limits of a job's child: a backstop above what the job's own terms allow.

The terms are enforced by the runtime, the same on every machine; these limits only bound what a
fault of the runtime could take. Hitting one is a failure of this host.
"""

import resource
from dataclasses import dataclass

from worker.errors import ConfigError
from worker.protocol.manifest import Limits

_ENGINE_ADDRESSES = 16 << 30  # 4 GiB reserved a memory, its guards, code, libraries
_ENGINE_DATA = 1 << 30
_STACK = 8 << 20
_INDEX_BYTES = 8 << 20


@dataclass(frozen=True)
class Budget:
    """What one child may take: bytes of memory beyond the engine's own, bytes of any file."""

    memory_bytes: int
    file_bytes: int


def run_budget(limits: Limits) -> Budget:
    """Return what a run under a job's terms may take; the one file it writes is its bundle."""
    outputs = limits.output_bytes + limits.log_bytes
    # growing buffers are there twice for a moment; the memory is probed before it is used
    memory = 2 * limits.memory_bytes + 2 * outputs
    return Budget(memory_bytes=memory, file_bytes=outputs + _INDEX_BYTES)


def restrict(budget: Budget) -> None:
    """Set the limits; no file can be opened any more. Raises OSError."""
    _lower(resource.RLIMIT_AS, _ENGINE_ADDRESSES + budget.memory_bytes)
    _lower(resource.RLIMIT_DATA, _ENGINE_DATA + budget.memory_bytes)
    _lower(resource.RLIMIT_FSIZE, budget.file_bytes)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_NOFILE, 0)
    # guests' depth assumes this much, whatever `ulimit -s` was
    resource.setrlimit(
        resource.RLIMIT_STACK, (_STACK, resource.getrlimit(resource.RLIMIT_STACK)[1])
    )


def _lower(kind: int, value: int) -> None:
    """Set a limit for good; where a hard limit is below the value already, it rules."""
    hard = resource.getrlimit(kind)[1]
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))


def require_stack() -> None:
    """Raise ConfigError where children could not have the stack that guests' depth needs."""
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    if hard != resource.RLIM_INFINITY and hard < _STACK:
        raise ConfigError(f"the stack's hard limit (ulimit -Hs) is below {_STACK >> 10} KiB")
