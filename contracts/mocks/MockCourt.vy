# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title MockCourt
@license AGPL-3.0-only
@notice Test only: a court that knows every result, and convicts whatever differs from it.
"""

from ..interfaces import ICourt

implements: ICourt


@external
@pure
def truth(program: bytes32, inputs: bytes32, task: uint256) -> bytes32:
    """@return The trace root that an honest run of the task has."""
    return self._truth(program, inputs, task)


@external
@view
def judge(claim: ICourt.Claim, proof: Bytes[40_960]):
    """@notice Revert unless the trace is wrong, or the inner root is given and is `proof`."""
    assert claim.task < claim.tasks, "mock: no such task"
    assert len(proof) != 0, "mock: no proof"
    if claim.inner != empty(bytes32):
        assert claim.inner == keccak256(proof), "mock: other segment"
        return
    assert claim.trace != self._truth(claim.program, claim.inputs, claim.task), "mock: no lie"


@external
@pure
def version() -> uint256:
    return 1


@internal
@pure
def _truth(program: bytes32, inputs: bytes32, task: uint256) -> bytes32:
    return keccak256(abi_encode(program, inputs, task))
