"""What confines jobs on this machine: found by trying at start, shown, and on in every child."""

import logging
from dataclasses import dataclass

from worker.errors import ExecutionFailedError
from worker.executors import bubblewrap, layers
from worker.executors.pool import SOURCE_ROOT, Pool
from worker.executors.wire import memory_file

log = logging.getLogger(__name__)

_PROBE_SECONDS = 20.0

_PREVENTS = {
    "no_new_privs": ("gain privileges",),
    "landlock": ("open a host file", "list a host folder", "create a file"),
    "rlimits": ("open a host file", "take too much memory", "write too much"),
    "seccomp": ("open a socket", "fork", "map new code", "execute a program"),
    "bubblewrap": ("see the host's network", "see the host's accounts"),
}
_NEEDS = {"landlock": ("no_new_privs",), "seccomp": ("no_new_privs",)}


@dataclass(frozen=True)
class Layer:
    """One layer of the sandbox: whether it is on, and what it stops or why it is off."""

    name: str
    active: bool
    detail: str


@dataclass(frozen=True)
class Sandbox:
    """A pool whose children put on all layers that work here."""

    pool: Pool
    layers: tuple[Layer, ...]

    @property
    def child_layers(self) -> list[str]:
        """Return the names of the layers that each child puts on itself."""
        return [layer.name for layer in self.layers if layer.active and layer.name in layers.ORDER]

    async def close(self) -> None:
        """Stop every child."""
        await self.pool.close()


async def open_sandbox() -> Sandbox:
    """Start a pool in the strongest sandbox that works here; warn of every layer that does not.

    Raises ConfigError on systems other than Linux.
    """
    pool, outer = await _open_pool()
    inner = [await _probe_child_layer(pool, name) for name in layers.ORDER]
    sandbox = Sandbox(pool, (outer, *inner))
    for layer in sandbox.layers:
        if not layer.active:
            log.warning("sandbox layer %s is off: %s", layer.name, layer.detail)
    return sandbox


async def refusals(pool: Pool, names: list[str]) -> dict[str, str | None]:
    """Return what a child with these layers is refused: act → reason, None where it succeeds.

    Raises ExecutionFailedError where a layer cannot be put on.
    """
    with memory_file(b"") as scratch:
        task = {"duty": "probe", "layers": names}
        reply = await pool.submit(task, [scratch.fileno()], _PROBE_SECONDS)
    answer: dict[str, str | None] = reply["refused"]
    return answer


async def _open_pool() -> tuple[Pool, Layer]:
    bwrap = bubblewrap.find()
    if bwrap is None:
        return Pool(), Layer("bubblewrap", False, "bwrap is not installed")
    pool = Pool(lambda command: bubblewrap.wrap(bwrap, command, [SOURCE_ROOT / "worker"]))
    layer = await _probe_layer(pool, "bubblewrap", list(layers.ORDER[:1]))
    if layer.active:
        return pool, layer
    await pool.close()
    return Pool(), layer


async def _probe_child_layer(pool: Pool, name: str) -> Layer:
    return await _probe_layer(pool, name, [*_NEEDS.get(name, ()), name])


async def _probe_layer(pool: Pool, name: str, put_on: list[str]) -> Layer:
    try:
        refused = await refusals(pool, put_on)
    except (ExecutionFailedError, OSError) as error:
        return Layer(name, False, str(error))
    held = [act for act in _PREVENTS[name] if refused[act] is not None]
    missing = sorted(set(_PREVENTS[name]) - set(held))
    if missing:
        return Layer(name, False, f"does not stop: {', '.join(missing)}")
    return Layer(name, True, f"stops: {', '.join(held)}")
