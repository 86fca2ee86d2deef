# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Windows
@author Proofmesh
@license AGPL-3.0-only
@notice CONV2D, DWCONV, MAXPOOL and AVGPOOL: one element out of a window of an image.
"""

from ...modules import reverts
from . import calldata
from . import cases
from . import descriptors
from . import dot_product
from . import fixed_point
from . import products
from . import tensors

MAX_KERNEL: constant(uint256) = 16_384

# The part of a window that meets the image: kernel rows from top to before bottom, columns from
# left to before right. Kernel row i lies on row `row` + i − top, column j on `col` + j − left.
struct Window:
    top: uint256
    bottom: uint256
    left: uint256
    right: uint256
    row: uint256
    col: uint256
    width: uint256  # of the kernel
    channels: uint256
    out_channels: uint256


@internal
@pure
def _window(op: descriptors.Operator, r: uint256, c: uint256) -> Window:
    """@return The window of the output's element [r, c]."""
    g: uint256[16] = descriptors._geometry(op)
    height: uint256 = g[0]
    out_height: uint256 = g[9]
    out_channels: uint256 = op.y.cols // g[10]
    width: uint256 = g[4]
    top: uint256 = 0
    bottom: uint256 = 0
    row: uint256 = 0
    left: uint256 = 0
    right: uint256 = 0
    col: uint256 = 0
    top, bottom, row = self._met(
        r % out_height * g[5],
        g[7],
        g[3],
        height,
    )
    left, right, col = self._met(
        c // out_channels * g[6],
        g[8],
        width,
        g[1],
    )
    return Window(
        top=top,
        bottom=bottom,
        left=left,
        right=right,
        row=r // out_height * height + row,
        col=col,
        width=width,
        channels=g[2],
        out_channels=out_channels,
    )


@internal
@pure
def _met(
    place: uint256, padding: uint256, kernel: uint256, extent: uint256
) -> (uint256, uint256, uint256):
    """
    @notice Cut a kernel that begins at `place` − `padding` to an image of `extent`.
    @return The first tap that meets the image, the one behind the last, and where the first lies.
    """
    first: uint256 = padding - min(place, padding)
    return first, min(kernel, extent + padding - place), place + first - padding


@internal
@view
def _conv2d(
    case: cases.Case, op: descriptors.Operator, r: uint256, c: uint256, at: uint256
) -> (int256, uint256):
    window: Window = self._window(op, r, c)
    w: tensors.Tensor = products._weights(case, op, c % window.out_channels, at)
    x: tensors.Tensor = tensors._tensor(op.a, w.at)
    size: uint256 = (window.right - window.left) * window.channels
    total: int256 = 0
    met: int256 = 0  # the sum of the weights that meet the image
    for i: uint256 in range(window.top, window.bottom, bound=MAX_KERNEL):
        row: uint256 = window.row + i - window.top
        x = tensors._reach(case, x, row, window.col * window.channels, size)
        weights: uint256 = w.here + (i * window.width + window.left) * window.channels
        total += dot_product._dot(x.here, weights, size)
        if op.za != 0:
            met += dot_product._sum(weights, size)
    if op.za != 0:
        total += op.za * (dot_product._sum(w.here, op.b.cols) - met)
    return products._finished(op, w, total), x.at


@internal
@view
def _dwconv(
    case: cases.Case, op: descriptors.Operator, r: uint256, c: uint256, at: uint256
) -> (int256, uint256):
    window: Window = self._window(op, r, c)
    channel: uint256 = c % window.channels
    w: tensors.Tensor = products._weights(case, op, channel, at)
    x: tensors.Tensor = tensors._tensor(op.a, w.at)
    # As if all taps met padding; where one meets the image, the difference is put right.
    total: int256 = op.za * dot_product._sum(w.here, op.b.cols)
    for i: uint256 in range(window.top, window.bottom, bound=MAX_KERNEL):
        x = self._reach_taps(case, x, window, i, channel)
        place: uint256 = x.here
        weight: uint256 = w.here + i * window.width + window.left
        for _: uint256 in range(window.right - window.left, bound=MAX_KERNEL):
            total += (calldata._signed(place, 1) - op.za) * calldata._signed(weight, 1)
            place += window.channels
            weight += 1
    return products._finished(op, w, total), x.at


@internal
@view
def _pool(
    case: cases.Case, op: descriptors.Operator, r: uint256, c: uint256, at: uint256
) -> (int256, uint256):
    """@notice MAXPOOL and AVGPOOL."""
    window: Window = self._window(op, r, c)
    width: uint256 = op.a.code
    x: tensors.Tensor = tensors._tensor(op.a, at)
    total: int256 = 0
    largest: int256 = min_value(int256)
    for i: uint256 in range(window.top, window.bottom, bound=MAX_KERNEL):
        x = self._reach_taps(case, x, window, i, c % window.channels)
        place: uint256 = x.here
        for _: uint256 in range(window.right - window.left, bound=MAX_KERNEL):
            tap: int256 = calldata._signed(place, width)
            total += tap
            largest = max(largest, tap)
            place += window.channels * width
    if op.opcode == descriptors.MAXPOOL:
        if window.top >= window.bottom or window.left >= window.right:
            reverts._fail("windows: empty")
        return largest, x.at
    return descriptors._fin(op, fixed_point._rq(total, op.m, op.s)), x.at


@internal
@view
def _reach_taps(
    case: cases.Case, x: tensors.Tensor, window: Window, i: uint256, channel: uint256
) -> tensors.Tensor:
    """@return The image with one channel's taps of kernel row `i` open, the first at `here`."""
    row: uint256 = window.row + i - window.top
    first: uint256 = window.col * window.channels + channel
    count: uint256 = (window.right - window.left - 1) * window.channels + 1
    return tensors._reach_elements(case, x, row, first, count)
