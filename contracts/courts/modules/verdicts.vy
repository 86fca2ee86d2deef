# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Verdicts
@author Proofmesh
@license AGPL-3.0-only
@notice The lies that can be shown, docs/tensor.md §7. Each reverts unless the proof shows it.
"""

from ...modules import reverts
from . import calldata
from . import cases
from . import descriptors
from . import merkle
from . import operators
from . import reductions
from . import tensors


@internal
@view
def _judge_element(case: cases.Case) -> uint256:
    """
    @notice An element of the operator's tensor differs from what its operands make it.
    @return Where the proof must end.
    """
    op: descriptors.Operator = cases._operator(case)
    r: uint256 = calldata._unsigned(case.at, 4)
    c: uint256 = calldata._unsigned(case.at + 4, 4)
    is_argmax: bool = op.opcode == descriptors.ARGMAX
    claimed: int256 = 0
    expected: int256 = 0
    is_wrong: bool = False
    at: uint256 = case.at + 8
    # For ARGMAX the proof's column is the witness: its output has only one.
    claimed, at = tensors._read(case, self._output(case, op), r, 0 if is_argmax else c, at)
    if is_argmax:
        is_wrong, at = reductions._is_refuted(case, op, r, claimed, c, at)
    else:
        expected, at = operators._element(case, op, r, c, at)
        is_wrong = claimed != expected
    if not is_wrong:
        reverts._fail("court: the element is right")
    return at


@internal
@view
def _judge_leaf(case: cases.Case) -> uint256:
    """
    @notice A leaf that must be zero is not.
    @return Where the proof must end.
    """
    tree: uint256 = descriptors.FROM_TRACE
    if case.verdict == cases.SEGMENT_LEAF:
        tree = descriptors.FROM_SEGMENT
    if not cases._is_beyond(case):
        op: descriptors.Operator = cases._operator(case)
        is_kept: bool = op.checkpoint
        if tree == descriptors.FROM_SEGMENT:
            is_kept = not op.checkpoint and op.segment == case.claim.segment
        if is_kept:
            reverts._fail("court: the leaf is due")
    leaf: bytes32 = convert(calldata._word(case.at), bytes32)
    if leaf == empty(bytes32):
        reverts._fail("court: the leaf is empty")
    return tensors._check_leaf(case, tree, leaf, case.operator, case.operators, case.at + 32)


@internal
@view
def _judge_line(case: cases.Case) -> uint256:
    """
    @notice A leaf that fills up the tree of the operator's tensor is not zero.
    @return Where the proof must end.
    """
    output: descriptors.Ref = self._output(case, cases._operator(case))
    lines: uint256 = tensors._lines(tensors._tensor(output, 0))
    index: uint256 = calldata._unsigned(case.at, 4)
    leaf: bytes32 = convert(calldata._word(case.at + 4), bytes32)
    if index < lines or leaf == empty(bytes32):
        reverts._fail("court: the line is right")
    root: bytes32 = empty(bytes32)
    at: uint256 = 0
    root, at = merkle._climb(leaf, index, lines, case.at + 36)
    return tensors._place(case, output, root, at)


@internal
@pure
def _output(case: cases.Case, op: descriptors.Operator) -> descriptors.Ref:
    """@return A reference to the operator's tensor, where it stands committed."""
    ref: descriptors.Ref = op.y
    ref.source = descriptors.FROM_TRACE if op.checkpoint else descriptors.FROM_SEGMENT
    ref.index = case.operator
    return ref
