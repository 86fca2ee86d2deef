# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title ProvableHarness
@license AGPL-3.0-only
@notice Shows the internals of provable jobs to tests that compare them with their Python twins.
"""

from ..interfaces import ICourts
from ..modules import provable_terms
from ..modules import provable_words as packed


@external
@pure
def a(word: uint256) -> (uint256, uint256):
    """@return Court and audit share."""
    return packed._court(word), packed._audit_bps(word)


@external
@pure
def challenge(b: uint256, unaudited: bool) -> uint256:
    return provable_terms._challenge(b, unaudited)


@external
@pure
def worst_case(b: uint256) -> uint256:
    return provable_terms._worst_case(b)


@external
@pure
def check_stakes(a: uint256, limits: ICourts.Limits):
    provable_terms._check_stakes(a, limits)


@external
@pure
def batch(word: uint256) -> DynArray[uint256, 18]:
    fields: DynArray[uint256, 18] = []
    for round: uint256 in range(3):
        for seat: uint256 in range(2):
            fields.append(packed._seat_id(word, round, seat))
    fields.append(packed._phase(word))
    fields.append(packed._round(word))
    fields.append(1 if word & packed.REDRAWN != 0 else 0)
    fields.append(1 if word & packed.UNAUDITED != 0 else 0)
    for seat: uint256 in range(2):
        fields.append(packed._fate(word, seat))
    for seat: uint256 in range(2):
        fields.append(packed._held(word, seat))
    fields.append(packed._since(word))
    fields.append(packed._height(word))
    return fields


@external
@pure
def holds_seat(word: uint256, id: uint256) -> bool:
    return packed._holds_seat(word, id)


@external
@pure
def with_seat(word: uint256, seat: uint256, id: uint256) -> uint256:
    return packed._with_seat(word, seat, id)


@external
@pure
def in_phase(word: uint256, phase: uint256, since: uint256) -> uint256:
    return packed._in_phase(word, phase, since)


@external
@pure
def with_height(word: uint256, height: uint256) -> uint256:
    return packed._with_height(word, height)


@external
@pure
def with_fate(word: uint256, seat: uint256, fate: uint256) -> uint256:
    return packed._with_fate(word, seat, fate)


@external
@pure
def next_round(word: uint256, since: uint256, height: uint256) -> uint256:
    return packed._next_round(word, since, height)


@external
@pure
def final(result: bytes32, accepted: bool) -> uint256:
    return packed._final(result, accepted)
