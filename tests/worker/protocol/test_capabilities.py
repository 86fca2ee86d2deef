"""Capabilities in words: known bits by name, others by number."""

import pytest

from worker.protocol.capabilities import Capability, names


@pytest.mark.parametrize(
    ("bits", "told"),
    [
        (0, set()),
        (Capability.WASM | Capability.GPU, {"wasm", "gpu"}),
        (1 << 255 | 2, {"tensor", "bit 255"}),
    ],
)
def test_names__some_bits__in_words(bits, told):
    assert names(bits) == told
