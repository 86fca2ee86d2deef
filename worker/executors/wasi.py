"""The WASI calls about the process: arguments, environment, clocks, randomness, waiting, leaving.

All of them are functions of the task alone: the clock is virtual and its date, like all
randomness, comes from the task's seed.
"""

import hashlib
import struct
from collections.abc import Sequence

from worker.executors.errno import Errno, WasiError
from worker.executors.guest import Guest, signature

_REALTIME = 0
_CLOCKS = 4
_ABSOLUTE = 1
_EVENT_CLOCK = 0
_SUBSCRIPTION_BYTES = 48
_MAX_SUBSCRIPTIONS = 1024
_SUBSCRIPTION_FUEL = 4_000
_MAX_RANDOM = 1 << 20

_FIRST_SECOND = 1_600_000_000
_SECONDS_RANGE = 1 << 27


class ExitError(Exception):
    """The guest called proc_exit."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class ProcessCalls:
    """Calls of wasi_snapshot_preview1 that touch no file."""

    def __init__(self, guest: Guest, args: Sequence[str], env: dict[str, str], seed: bytes) -> None:
        """`args` has the program's own name first."""
        self._guest = guest
        self._args = [text.encode() + b"\0" for text in args]
        self._env = [f"{name}={env[name]}".encode() + b"\0" for name in sorted(env)]
        self._seed = seed
        self._drawn = 0
        offset = int.from_bytes(hashlib.sha256(b"clock" + seed).digest()[:8], "big")
        self._date = (_FIRST_SECOND + offset % _SECONDS_RANGE) * 10**9

    @signature("ii")
    def args_sizes_get(self, count: int, size: int) -> None:
        """Tell how many arguments there are, and their bytes."""
        self._put_sizes(self._args, count, size)

    @signature("ii")
    def args_get(self, pointers: int, buffer: int) -> None:
        """Write the arguments."""
        self._put_strings(self._args, pointers, buffer)

    @signature("ii")
    def environ_sizes_get(self, count: int, size: int) -> None:
        """Tell how many variables there are, and their bytes."""
        self._put_sizes(self._env, count, size)

    @signature("ii")
    def environ_get(self, pointers: int, buffer: int) -> None:
        """Write the environment, sorted by name."""
        self._put_strings(self._env, pointers, buffer)

    @signature("ii")
    def clock_res_get(self, clock: int, result: int) -> None:
        """Say that every clock counts nanoseconds."""
        self._require_clock(clock)
        self._guest.put_u64(result, 1)

    @signature("iIi")
    def clock_time_get(self, clock: int, precision: int, result: int) -> None:
        """Tell the virtual time."""
        self._require_clock(clock)
        self._guest.put_u64(result, self._time(clock))

    @signature("ii")
    def random_get(self, buffer: int, count: int) -> None:
        """Fill with bytes drawn from the seed."""
        if count > _MAX_RANDOM:
            raise WasiError(Errno.INVAL)
        self._drawn += 1
        draw = hashlib.shake_256(b"random" + self._seed + self._drawn.to_bytes(8, "big"))
        self._guest.burn(16 * count)  # hashing costs more than moving
        self._guest.write(buffer, draw.digest(count))

    @signature("")
    def sched_yield(self) -> None:
        """Do nothing: there is one thread."""

    @signature("i", returns=False)
    def proc_exit(self, code: int) -> None:
        """Leave. Always raises ExitError."""
        raise ExitError(code)

    @signature("iiii")
    def poll_oneoff(self, wanted: int, events: int, count: int, result: int) -> None:
        """Wait: files are always ready; else virtual time jumps to the earliest clock."""
        if not 0 < count <= _MAX_SUBSCRIPTIONS:
            raise WasiError(Errno.INVAL)
        self._guest.burn(_SUBSCRIPTION_FUEL * count)
        encoded = self._guest.read(wanted, count * _SUBSCRIPTION_BYTES)
        found = [
            self._subscription(encoded[start : start + _SUBSCRIPTION_BYTES])
            for start in range(0, len(encoded), _SUBSCRIPTION_BYTES)
        ]
        earliest = min(due for due, _ in found)
        self._guest.sleep_until(earliest)
        now = max(earliest, self._guest.now())
        ready = [event for due, event in found if due <= now]
        self._guest.write(events, b"".join(ready))
        self._guest.put_u32(result, len(ready))

    def _subscription(self, encoded: bytes) -> tuple[int, bytes]:
        """Return the moment on the monotonic clock when it is due, and its event."""
        user, kind = struct.unpack_from("<QB", encoded)
        event = struct.pack("<QHB21x", user, Errno.SUCCESS, kind)
        if kind != _EVENT_CLOCK:
            return 0, event
        clock, timeout, flags = struct.unpack_from("<I4xQ8xH", encoded, 16)
        self._require_clock(clock)
        start = self._time(clock) if flags & _ABSOLUTE else 0
        return self._guest.now() + max(0, timeout - start), event

    def _time(self, clock: int) -> int:
        return self._guest.now() + (self._date if clock == _REALTIME else 0)

    def _require_clock(self, clock: int) -> None:
        if clock >= _CLOCKS:
            raise WasiError(Errno.INVAL)

    def _put_sizes(self, strings: list[bytes], count: int, size: int) -> None:
        self._guest.put_u32(count, len(strings))
        self._guest.put_u32(size, sum(map(len, strings)))

    def _put_strings(self, strings: list[bytes], pointers: int, buffer: int) -> None:
        for string in strings:
            self._guest.put_u32(pointers, buffer)
            self._guest.write(buffer, string)
            pointers += 4
            buffer += len(string)
