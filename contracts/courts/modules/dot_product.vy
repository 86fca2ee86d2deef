# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Dot product
@author Proofmesh
@license AGPL-3.0-only
@notice Sums of products of small integers, many in one multiplication.
@dev A word holds equal lanes. Of the product of two such words the top lane is the sum of the
     products of lanes 0 and n, 1 and n − 1, …; so one factor's lanes are reversed first. Bytes are
     made unsigned by adding 2^7, which a correction takes off at the end; zero bytes at the end of
     the last word stand for zeros and change nothing.
"""

from . import calldata

# Lanes of 8 bits, at every second, fourth byte; and the words that have 1 in each lane.
BYTES_OF_16: constant(uint256) = max_value(uint256) // (2**16 - 1) * 255
BYTES_OF_32: constant(uint256) = max_value(uint256) // (2**32 - 1) * 255
HALVES_OF_32: constant(uint256) = max_value(uint256) // (2**32 - 1) * (2**16 - 1)
HALVES_OF_64: constant(uint256) = max_value(uint256) // (2**64 - 1) * (2**32 - 1)
HALVES_OF_128: constant(uint256) = max_value(uint256) // (2**128 - 1) * (2**64 - 1)
ONES_OF_32: constant(uint256) = max_value(uint256) // (2**32 - 1)
ONES_OF_64: constant(uint256) = max_value(uint256) // (2**64 - 1)
SIGNS: constant(uint256) = max_value(uint256) // 255 * 128
MAX_BLOCKS: constant(uint256) = 17
MAX_WORDS: constant(uint256) = 513


@internal
@view
def _dot(x: uint256, y: uint256, size: uint256) -> int256:
    """@return Σ of the products of the `size` i8 at `x` and at `y`; size ≤ 17,408."""
    total: int256 = 0
    for i: uint256 in range((size + 1023) // 1024, bound=MAX_BLOCKS):
        total += self._dot_block(x + 1024 * i, y + 1024 * i, min(size - 1024 * i, 1024))
    return total


@internal
@view
def _dot_block(x: uint256, y: uint256, size: uint256) -> int256:
    xs: uint256[32] = calldata._words(x, size)
    ys: uint256[32] = calldata._words(y, size)
    words: uint256 = (size + 31) // 32
    products: uint256 = 0  # lanes of 32 bits: 32 · 4 · 8 products of 16 bits each fit
    sums: uint256 = 0  # lanes of 16 bits: 32 · 4 bytes each fit
    for j: uint256 in range(words, bound=32):
        a: uint256 = xs[j] ^ SIGNS
        b: uint256 = ys[j] ^ SIGNS
        sums = unsafe_add(
            sums,
            unsafe_add(
                unsafe_add(a & BYTES_OF_16, (a >> 8) & BYTES_OF_16),
                unsafe_add(b & BYTES_OF_16, (b >> 8) & BYTES_OF_16),
            ),
        )
        b = ((b & HALVES_OF_64) << 32) | ((b >> 32) & HALVES_OF_64)
        b = ((b & HALVES_OF_128) << 64) | ((b >> 64) & HALVES_OF_128)
        b = (b << 128) | (b >> 128)
        products = unsafe_add(
            products,
            unsafe_add(
                unsafe_add(
                    unsafe_mul(a & BYTES_OF_32, b & BYTES_OF_32),
                    unsafe_mul((a >> 8) & BYTES_OF_32, (b >> 8) & BYTES_OF_32),
                ),
                unsafe_add(
                    unsafe_mul((a >> 16) & BYTES_OF_32, (b >> 16) & BYTES_OF_32),
                    unsafe_mul((a >> 24) & BYTES_OF_32, (b >> 24) & BYTES_OF_32),
                ),
            ),
        )
    # With u = a + 128 and v = b + 128: a·b = u·v − 128·(u + v) + 2^14.
    positive: uint256 = (products >> 224) + 16_384 * 32 * words
    return convert(positive, int256) - convert(128 * self._folded(sums), int256)


@internal
@view
def _sum(x: uint256, count: uint256) -> int256:
    """@return Σ of the `count` i8 at `x`; count ≤ 17,408."""
    total: uint256 = 0
    for i: uint256 in range((count + 1023) // 1024, bound=MAX_BLOCKS):
        words: uint256[32] = calldata._words(x + 1024 * i, min(count - 1024 * i, 1024))
        sums: uint256 = 0  # lanes of 16 bits: 32 · 2 bytes each fit
        for j: uint256 in range((min(count - 1024 * i, 1024) + 31) // 32, bound=32):
            a: uint256 = words[j] ^ SIGNS
            sums = unsafe_add(sums, unsafe_add(a & BYTES_OF_16, (a >> 8) & BYTES_OF_16))
        total += self._folded(sums)
    return convert(total, int256) - convert((count + 31) // 32 * 32 * 128, int256)


@internal
@pure
def _folded(sums: uint256) -> uint256:
    """@return The sum of the lanes of 16 bits."""
    wide: uint256 = unsafe_add(sums & HALVES_OF_32, (sums >> 16) & HALVES_OF_32)
    return unsafe_mul(wide, ONES_OF_32) >> 224


@internal
@view
def _sums(x: uint256, count: uint256, width: uint256) -> (int256, int256):
    """
    @param width The bytes of an element: 1, 2 or 4.
    @return Σ and Σ of the squares of the `count` elements at `x`; no squares of width 4.
    """
    if width == 1:
        return self._sum(x, count), self._dot(x, x, count)
    bits: uint256 = 8 * width
    lane: uint256 = ONES_OF_64 * ((1 << bits) - 1)
    signs: uint256 = max_value(uint256) // ((1 << bits) - 1) << (bits - 1)
    words: uint256 = (count * width + 31) // 32
    sums: uint256 = 0  # lanes of 64 bits: 2^10 sums below 2^33, or 2^9 words of 4 · 4
    squares: uint256 = 0  # squares below 2^32, fit by far
    part: uint256[32] = empty(uint256[32])
    for j: uint256 in range(words, bound=MAX_WORDS):
        if j % 32 == 0:
            part = calldata._words(x + 32 * j, min(count * width - 32 * j, 1024))
        a: uint256 = part[j % 32] ^ signs
        b: uint256 = ((a & HALVES_OF_128) << 64) | ((a >> 64) & HALVES_OF_128)
        b = (b << 128) | (b >> 128)
        for k: uint256 in range(8 // width, bound=4):
            sums = unsafe_add(sums, a & lane)
            squares = unsafe_add(squares, unsafe_mul(a & lane, b & lane))
            a >>= bits
            b >>= bits
    total: int256 = convert(unsafe_mul(sums, ONES_OF_64) >> 192, int256)
    half: int256 = convert(1 << (bits - 1), int256)
    padded: int256 = convert(words * 32 // width, int256)
    # With u = a + half: a² = u² − 2·half·u + half².
    return (
        total - half * padded,
        convert(squares >> 192, int256) - 2 * half * total + half * half * padded,
    )
