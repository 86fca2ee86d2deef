# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Reverts
@author Proofmesh
@license AGPL-3.0-only
@notice Ends a call with a reason.
@dev One place that encodes the reason: `assert condition, "reason"` costs 123 bytes at every use.
"""


@internal
@pure
def _fail(reason: String[32]):
    raise reason
