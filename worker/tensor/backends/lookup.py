"""Looking bytes up in a table of 256, on a CPU."""

import numpy as np

from worker.tensor.tensors import Array


def looked_up(x: Array, table: Array) -> Array:
    """Return table[x + 128] for an int8 matrix and a table of 256 elements."""
    by_byte = np.roll(table, 128)  # entry x + 128 moves to x as an unsigned byte
    if table.dtype != np.int8:
        return np.take(by_byte, x.view(np.uint8))
    found = bytearray(x.tobytes()).translate(by_byte.tobytes())  # by far the fastest way
    return np.frombuffer(found, np.int8).reshape(x.shape)
