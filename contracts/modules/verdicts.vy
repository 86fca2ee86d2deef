# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Verdicts
@author Proofmesh
@license AGPL-3.0-only
@notice From openings to a final batch: whose values stand, who is paid, whose bond is burnt.
"""

from . import job_events as events
from . import job_vaults as vaults
from . import job_words as words
from . import provable_batches as batches
from . import provable_terms
from . import provable_words as packed
from . import reverts
from . import seals

uses: batches
uses: seals
uses: vaults


@internal
def _reveal(
    terms: words.Terms,
    b: batches.Batch,
    id: uint256,
    values: DynArray[bytes32, 32],
    salt: bytes32,
):
    """@notice Open the seal of operator `id` in a batch whose results may be shown."""
    if block.timestamp >= b.since + words._reveal_window(terms.b):
        reverts._fail("provable: reveal closed")
    seat: uint256 = batches._seat_of(b, id)
    if packed._fate(b.word, seat) != packed.IN_PLAY:
        reverts._fail("provable: nothing to open")
    slot: bytes32 = batches._seal_key(b, id)
    opened: bytes32 = seals._hash(values)
    digest: uint256 = seals._digest(b.key, b.number, b.round, id, opened, salt)
    if len(values) != b.tasks or seals.records[slot] != digest:
        reverts._fail("provable: wrong opening")
    seals.records[slot] = seals._opened(opened)
    log events.ResultRevealed(job=b.key, operator=id, batch=b.number, round=b.round, values=values)
    refund: uint256 = batches._progress(terms, b, packed._with_fate(b.word, seat, packed.OPENED))
    assert refund == 0  # a batch with an opened seat goes on


@internal
@view
def _check_over(terms: words.Terms, b: batches.Batch):
    """@notice Revert while somebody may still prove a seat wrong."""
    window: uint256 = provable_terms._challenge(terms.b, b.word & packed.UNAUDITED != 0)
    if block.timestamp < b.since + window:
        reverts._fail("provable: settled too early")


@internal
def _settle(terms: words.Terms, b: batches.Batch, values: DynArray[bytes32, 32], accepted: bool):
    """
    @notice Make the batch final by what is left of its openings.
    @param values The values that stand; unread where two seats differ.
    """
    if b.phase != packed.CHALLENGE:
        reverts._fail("provable: nothing to settle")
    # A seat that was convicted or fell silent has none: they end with it.
    if packed._held(b.word, packed.OPERATOR) + packed._held(b.word, packed.AUDITOR) != 0:
        reverts._fail("provable: a demand is open")
    record: uint256 = 0
    differ: bool = False
    for seat: uint256 in range(2):
        if packed._fate(b.word, seat) == packed.OPENED:
            id: uint256 = packed._seat_id(b.word, b.round, seat)
            found: uint256 = seals.records[batches._seal_key(b, id)]
            differ = record != 0 and record != found
            record = found
    if not differ and record != seals._opened(seals._hash(values)):
        reverts._fail("provable: wrong values")
    if differ and accepted:
        reverts._fail("provable: openings differ")
    self._finish(terms, b, values, differ, accepted)


@internal
def _finish(
    terms: words.Terms,
    b: batches.Batch,
    values: DynArray[bytes32, 32],
    differ: bool,
    accepted: bool,
):
    """@notice Write the result, and pay or burn every seat that is left."""
    mask: uint256 = words._full(b.tasks)
    price: uint256 = 0 if differ else words._price(terms.a) * b.tasks
    bond: uint256 = batches._bond(terms, b)
    fate: uint256 = bond << 120 if differ else price << 24 | bond << 184
    refund: uint256 = batches._reserve(terms, b)
    left: DynArray[uint256, 7] = []
    servers: uint256 = 0
    for seat: uint256 in range(2):
        if packed._fate(b.word, seat) == packed.OPENED:
            id: uint256 = packed._seat_id(b.word, b.round, seat)
            if not differ:
                servers |= id << (24 * len(left))
            left.append(id | fate)
            refund -= price
            # Nobody asks again, and the gas refund pays for a part of this.
            seals.records[batches._seal_key(b, id)] = 0
    result: bytes32 = empty(bytes32)
    if not differ:
        result = words._result(mask, values, servers, block.timestamp)
    batches._store(b, packed._final(result, accepted))
    log events.BatchSettled(
        job=b.key,
        batch=b.number,
        round=b.round,
        paid_mask=0 if differ else mask,
        failed_mask=0,
        tied_mask=mask if differ else 0,
        contested_mask=0,
        values=[] if differ else values,
        seats=left,
        servers=servers,
        settled_at=block.timestamp,
    )
    vaults._unlock(left)
    vaults._pay(terms, b.key, left, refund, 0)
