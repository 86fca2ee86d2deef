"""The guest as its host calls see it: linear memory, fuel, virtual time."""

import ctypes
import struct
from collections.abc import Callable
from dataclasses import dataclass

import wasmtime

from worker.executors.errno import Errno, WasiError

CALL_FUEL = 20_000
"""Burnt by every host call, about what it takes in time."""

ACCESS_FUEL = 4_000
"""Burnt by every access of a host call to memory, plus one for each byte."""

Call = Callable[..., Errno | None]

_KIND = "_wasi_kind"


class OutOfFuelError(Exception):
    """A host call cost more fuel than was left; the run ends."""


class Guest:
    """One instance's memory and meters. Addresses outside the memory raise WasiError(FAULT)."""

    def __init__(self, store: wasmtime.Store, fuel: int) -> None:
        """Meter `store`, which was given `fuel`."""
        self._store = store
        self._fuel = fuel
        self._slept = 0
        self._memory: wasmtime.Memory | None = None

    def attach(self, memory: wasmtime.Memory) -> None:
        """Use the instance's exported memory from now on."""
        self._memory = memory

    def burn(self, fuel: int) -> None:
        """Take fuel from the guest. Raises OutOfFuelError."""
        left = self._store.get_fuel()
        if left < fuel:
            raise OutOfFuelError
        self._store.set_fuel(left - fuel)

    def now(self) -> int:
        """Return the virtual nanoseconds since the start: fuel burnt and time slept."""
        return self._fuel - self._store.get_fuel() + self._slept

    def sleep_until(self, moment: int) -> None:
        """Let virtual time go on to `moment`, if that is ahead."""
        self._slept += max(0, moment - self.now())

    def read(self, address: int, count: int) -> bytes:
        """Return `count` bytes of memory."""
        source = self._locate(address, count)
        self.burn(ACCESS_FUEL + count)
        return ctypes.string_at(source, count)

    def write(self, address: int, content: bytes) -> None:
        """Put `content` into memory."""
        target = self._locate(address, len(content))
        self.burn(ACCESS_FUEL + len(content))
        ctypes.memmove(target, content, len(content))

    def put_u32(self, address: int, value: int) -> None:
        """Put a 32-bit number into memory."""
        self.write(address, struct.pack("<I", value))

    def put_u64(self, address: int, value: int) -> None:
        """Put a 64-bit number into memory."""
        self.write(address, struct.pack("<Q", value))

    def _locate(self, address: int, count: int) -> int:
        assert self._memory is not None  # noqa: S101 - no code runs before `_start`
        if address + count > self._memory.data_len(self._store):
            raise WasiError(Errno.FAULT)
        pointer = self._memory.data_ptr(self._store)
        return ctypes.addressof(pointer.contents) + address


@dataclass(frozen=True)
class Kind:
    """A call's type: "i" (32 bit) or "I" (64 bit) for each parameter; most return an Errno."""

    parameters: str
    returns: bool = True

    def function_type(self) -> wasmtime.FuncType:
        """Return the engine's type."""
        results = [wasmtime.ValType.i32()] if self.returns else []
        return wasmtime.FuncType([_VALUES[kind]() for kind in self.parameters], results)

    def matches(self, other: wasmtime.FuncType) -> bool:
        """Tell whether an import of type `other` is served by this call."""
        mine = self.function_type()
        return mine.params == other.params and mine.results == other.results


_VALUES = {"i": wasmtime.ValType.i32, "I": wasmtime.ValType.i64}
_MASKS = {"i": 0xFFFFFFFF, "I": 0xFFFFFFFFFFFFFFFF}


def signature(parameters: str, *, returns: bool = True) -> Callable[[Call], Call]:
    """Mark a method as the WASI call of its name. It gets unsigned numbers; None is SUCCESS."""

    def mark(method: Call) -> Call:
        setattr(method, _KIND, Kind(parameters, returns))
        return method

    return mark


def kinds_of(owner: type) -> dict[str, Kind]:
    """Return the WASI calls that a class serves: name → type."""
    marked = vars(owner).items()
    return {name: getattr(call, _KIND) for name, call in marked if hasattr(call, _KIND)}


def bind(guest: Guest, kind: Kind, call: Call) -> Callable[..., int | None]:
    """Return what the engine calls: burns the fixed fuel, makes numbers unsigned, maps errors."""
    masks = [_MASKS[letter] for letter in kind.parameters]

    def function(*arguments: int) -> int | None:
        guest.burn(CALL_FUEL)
        try:
            result = call(*(value & mask for value, mask in zip(arguments, masks, strict=True)))
        except WasiError as error:
            result = error.errno
        return int(result or Errno.SUCCESS) if kind.returns else None

    return function
