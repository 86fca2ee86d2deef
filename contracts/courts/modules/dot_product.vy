# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Dot product
@author Proofmesh
@license AGPL-3.0-only
@notice Sums of products of small integers, many in one multiplication.
@dev A word holds equal lanes of signed numbers, Σ x_i · 2^(32i) modulo 2^256. The top lane of the
     product of two such words is Σ x_i · y_(7−i), so one factor's lanes are reversed first. To get
     bytes into lanes, 128 is added to each (XOR), each fourth byte masked, 128 taken off again.
     Zero bytes at the end of the last word stand for zeros and change nothing.
"""

from . import calldata

# Of lanes of so many bits: ones; and what selects the lower half of each.
ONES_OF_32: constant(uint256) = max_value(uint256) // (2**32 - 1)
ONES_OF_64: constant(uint256) = max_value(uint256) // (2**64 - 1)
HALVES_OF_64: constant(uint256) = ONES_OF_64 * (2**32 - 1)
HALVES_OF_128: constant(uint256) = max_value(uint256) // (2**128 - 1) * (2**64 - 1)
BYTES: constant(uint256) = ONES_OF_32 * 255
OFFSET: constant(uint256) = ONES_OF_32 * 128
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
    xs: Bytes[1056] = calldata._words(x, size)
    ys: Bytes[1056] = calldata._words(y, size)
    place: uint256 = 0
    products: uint256 = 0  # lanes of 32 bits: 1024 products below 2^15 fit
    for _: uint256 in range((size + 31) // 32, bound=32):
        a: uint256 = convert(extract32(xs, place), uint256) ^ SIGNS
        b: uint256 = convert(extract32(ys, place), uint256) ^ SIGNS
        place = unsafe_add(place, 32)
        b = ((b & HALVES_OF_64) << 32) | ((b >> 32) & HALVES_OF_64)
        b = ((b & HALVES_OF_128) << 64) | ((b >> 64) & HALVES_OF_128)
        b = (b << 128) | (b >> 128)
        products = unsafe_add(
            products,
            unsafe_add(
                unsafe_add(
                    unsafe_mul(
                        unsafe_sub(a & BYTES, OFFSET),
                        unsafe_sub(b & BYTES, OFFSET),
                    ),
                    unsafe_mul(
                        unsafe_sub((a >> 8) & BYTES, OFFSET),
                        unsafe_sub((b >> 8) & BYTES, OFFSET),
                    ),
                ),
                unsafe_add(
                    unsafe_mul(
                        unsafe_sub((a >> 16) & BYTES, OFFSET),
                        unsafe_sub((b >> 16) & BYTES, OFFSET),
                    ),
                    unsafe_mul(
                        unsafe_sub((a >> 24) & BYTES, OFFSET),
                        unsafe_sub((b >> 24) & BYTES, OFFSET),
                    ),
                ),
            ),
        )
    return self._top(products, 32)


@internal
@pure
def _top(lanes: uint256, bits: uint256) -> int256:
    """@return The top lane, of `bits` bits; those below it, if negative, have borrowed from it."""
    rounded: uint256 = unsafe_add(lanes, 1 << (255 - bits))
    return convert(convert(rounded, bytes32), int256) >> (256 - bits)


@internal
@view
def _sum(x: uint256, count: uint256) -> int256:
    """@return Σ of the `count` i8 at `x`; count ≤ 17,408."""
    sums: uint256 = 0  # lanes of 32 bits
    for i: uint256 in range((count + 1023) // 1024, bound=MAX_BLOCKS):
        size: uint256 = min(count - 1024 * i, 1024)
        xs: Bytes[1056] = calldata._words(x + 1024 * i, size)
        for j: uint256 in range((size + 31) // 32, bound=32):
            a: uint256 = convert(extract32(xs, 32 * j), uint256) ^ SIGNS
            sums = unsafe_add(
                sums,
                unsafe_add(
                    unsafe_add(a & BYTES, (a >> 8) & BYTES),
                    unsafe_add((a >> 16) & BYTES, (a >> 24) & BYTES),
                ),
            )
            sums = unsafe_sub(sums, 4 * OFFSET)
    return self._top(unsafe_mul(sums, ONES_OF_32), 32)


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
    mask: uint256 = ONES_OF_64 * ((1 << bits) - 1)
    offset: uint256 = ONES_OF_64 << (bits - 1)
    signs: uint256 = max_value(uint256) // ((1 << bits) - 1) << (bits - 1)
    sums: uint256 = 0  # lanes of 64 bits: 2^12 numbers of 32 bits, or 2^13 squares of 30, fit
    squares: uint256 = 0
    part: Bytes[1056] = b""
    for j: uint256 in range((count * width + 31) // 32, bound=MAX_WORDS):
        if j % 32 == 0:
            part = calldata._words(x + 32 * j, min(count * width - 32 * j, 1024))
        a: uint256 = convert(extract32(part, 32 * (j % 32)), uint256) ^ signs
        b: uint256 = ((a & HALVES_OF_128) << 64) | ((a >> 64) & HALVES_OF_128)
        b = (b << 128) | (b >> 128)
        for k: uint256 in range(8 // width, bound=4):
            lanes: uint256 = unsafe_sub(a & mask, offset)
            sums = unsafe_add(sums, lanes)
            squares = unsafe_add(squares, unsafe_mul(lanes, unsafe_sub(b & mask, offset)))
            a >>= bits
            b >>= bits
    return self._top(unsafe_mul(sums, ONES_OF_64), 64), self._top(squares, 64)
