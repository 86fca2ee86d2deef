"""Every event that titanoboa's chain logs, as an indexer would receive it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import boa
from boa.contracts.base_evm_contract import RawLogEntry

Take = Callable[["Fact"], None]


class Fact(NamedTuple):
    """One event: who logged it, its name and arguments, the time and height of its block."""

    contract: str
    name: str
    args: dict[str, Any]
    at: int
    height: int


@contextmanager
def recording(take: Take) -> Iterator[None]:
    """Hand on the events of every transaction that succeeds."""
    env = boa.env
    execute = env.execute_code

    def execute_and_tell(*args: Any, **kwargs: Any) -> Any:
        computation = execute(*args, **kwargs)
        is_kept = kwargs.get("is_modifying", True) and not kwargs.get("simulate", False)
        if is_kept and not computation.is_error:
            for entry in sorted(computation.get_raw_log_entries()):
                if (fact := _decode(RawLogEntry(*entry))) is not None:
                    take(fact)
        return computation

    env.execute_code = execute_and_tell
    try:
        yield
    finally:
        env.execute_code = execute


def _decode(entry: RawLogEntry) -> Fact | None:
    contract = boa.env.lookup_contract(entry.address)
    if contract is None:  # it is being deployed: what its constructor says is in its views
        return None
    log = contract.decode_log(entry)
    args = log._asdict()
    patch = boa.env.evm.patch
    return Fact(
        str(args.pop("address")), type(log).__name__, args, patch.timestamp, patch.block_number
    )
