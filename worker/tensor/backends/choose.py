"""Which backend a worker computes with."""

from importlib.util import find_spec
from typing import Any, Literal

from worker.errors import ConfigError
from worker.tensor.backends.base import Backend
from worker.tensor.backends.numpy import NumpyBackend

BackendName = Literal["auto", "numpy", "torch"]


def open_backend(name: BackendName = "auto") -> Backend[Any]:
    """Return a backend: "auto" is torch where it is installed, on a GPU if there is one.

    Raises ConfigError when torch is asked for and missing.
    """
    has_torch = find_spec("torch") is not None
    if name == "numpy" or (name == "auto" and not has_torch):
        return NumpyBackend()
    if not has_torch:
        raise ConfigError("tensor backend torch: torch is not installed (the extra `gpu`)")
    from worker.tensor.backends.torch import TorchBackend  # only now, it may be missing

    return TorchBackend()
