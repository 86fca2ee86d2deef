"""The arrays of importers and quantisers: floats, mostly."""

from typing import Any

import numpy.typing as npt

Array = npt.NDArray[Any]
