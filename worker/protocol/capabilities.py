"""What operators say their machines can do: the bits of a profile in the Registry."""

from enum import IntFlag


class Capability(IntFlag):
    """The bits that have a name; the others are free."""

    WASM = 1  # runs programs in the sandbox
    TENSOR = 2  # runs tensor programs
    GPU = 4  # those on a GPU


def names(bits: int) -> frozenset[str]:
    """Return a profile's capabilities in words; a bit without a name is called "bit 7"."""
    known = {one.bit_length() - 1: str(one.name).lower() for one in Capability}
    return frozenset(
        known.get(bit, f"bit {bit}") for bit in range(bits.bit_length()) if bits >> bit & 1
    )
