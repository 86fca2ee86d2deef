# pragma version 0.4.3
"""
@title Panics
@license AGPL-3.0-only
@notice How a check says that a claim does not hold: by the panic that halmos looks for. What a
        check reverts with otherwise only narrows the inputs that the claim is about.
"""


@internal
@pure
def _must(holds: bool):
    if not holds:
        raw_revert(concat(method_id("Panic(uint256)"), convert(1, bytes32)))
