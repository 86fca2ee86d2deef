"""The layers a child puts on itself before it touches a stranger's bytes."""

from collections.abc import Callable, Iterable

from worker.errors import ExecutionFailedError
from worker.executors import landlock, linux, rlimits, seccomp
from worker.executors.rlimits import Budget

ORDER = ("no_new_privs", "landlock", "rlimits", "seccomp")
"""Every layer; the first permits the others, the last forbids setting any."""


def lock(names: Iterable[str], budget: Budget, *, new_code: bool) -> None:
    """Put on the named layers, for good. `new_code` leaves room for a compiler's output.

    Raises ExecutionFailedError("sandbox"): a layer that was on at start must never be missing.
    """
    wanted = set(names)
    steps: dict[str, Callable[[], None]] = {
        "no_new_privs": linux.set_no_new_privileges,
        "landlock": landlock.restrict,
        "rlimits": lambda: rlimits.restrict(budget),
        "seccomp": lambda: seccomp.restrict(new_code=new_code),
    }
    for name in ORDER:
        if name in wanted:
            _put_on(name, steps[name])


def _put_on(name: str, step: Callable[[], None]) -> None:
    try:
        step()
    except OSError as error:
        raise ExecutionFailedError("sandbox", f"{name}: {error.strerror}") from error
