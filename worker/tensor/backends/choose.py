"""Which backend a worker computes with."""

from importlib.util import find_spec
from typing import Any, Literal

from worker.errors import ConfigError
from worker.tensor.backends.base import Backend
from worker.tensor.backends.numpy import NumpyBackend

BackendName = Literal["auto", "numpy", "torch"]


def open_backend(name: BackendName = "auto") -> Backend[Any]:
    """Return a backend. "auto" is torch where it is installed and finds int8 units, else NumPy.

    Raises ConfigError when torch is asked for and missing.
    """
    if name == "numpy":
        return NumpyBackend()
    if find_spec("torch") is None:
        if name == "auto":
            return NumpyBackend()
        raise ConfigError("tensor backend torch: torch is not installed (the extra `gpu`)")
    from worker.tensor.backends.torch import TorchBackend  # only now, it may be missing

    backend = TorchBackend()
    return backend if name == "torch" or backend.has_int8_units else NumpyBackend()
