# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title reach
@license AGPL-3.0-only
@notice What a timelock can do anything with: contracts that it owns, tokens that it holds, itself
        and who decides for it.
"""


@internal
@view
def _check(target: address, timelock: address):
    """@notice Refuse what `timelock` could only fail at, before anybody votes on it."""
    if target == self or target == timelock:
        return
    if self._ask(target, method_id("owner()")) == convert(timelock, uint256):
        return
    held: Bytes[36] = concat(method_id("balanceOf(address)"), convert(timelock, bytes32))
    if self._ask(target, held) == 0:
        self._out_of_reach()


@internal
@view
def _ask(target: address, data: Bytes[36]) -> uint256:
    """@return The word that `target` answers, 0 for no such answer."""
    success: bool = False
    answer: Bytes[32] = b""
    success, answer = raw_call(
        target, data, max_outsize=32, is_static_call=True, revert_on_failure=False
    )
    return convert(answer, uint256) if success and len(answer) == 32 else 0


@internal
@pure
def _out_of_reach():
    raise "governor: target out of the timelock's reach"
