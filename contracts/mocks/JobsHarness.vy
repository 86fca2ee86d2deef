# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title JobsHarness
@license AGPL-3.0-only
@notice Shows the internals of the job modules to tests that compare them with their Python twins.
"""

from ..modules import bills
from ..modules import job_words as words
from ..modules import membership
from ..modules import outcome
from ..modules import rounds
from ..modules import seals
from ..modules import sortition

initializes: rounds


@external
@view
def key(terms: words.Terms) -> bytes32:
    return words._key(terms)


@external
@pure
def origin(payer: address, origin: words.Origin) -> bytes32:
    return words._origin(payer, origin)


@external
@pure
def a(word: uint256) -> DynArray[uint256, 9]:
    return [
        words._price(word),
        words._bond(word),
        words._tasks(word),
        words._seats(word),
        words._max_seats(word),
        words._log_batch(word),
        convert(words._settles_dissent(word), uint256),
        words._token(word),
        words._fee_bps(word),
    ]


@external
@pure
def tasks_in(a: uint256, batch: uint256) -> uint256:
    return words._tasks_in(a, batch)


@external
def load(terms: words.Terms, batch: uint256, word: uint256, draw: uint256) -> rounds.Round:
    """@return The round that the contract reads from these words."""
    key: bytes32 = words._key(terms)
    rounds.jobs[key] = 1
    rounds.batches[key][batch] = word
    rounds.draws[key][batch] = draw
    return rounds._load(terms, batch)


@external
@pure
def batch(word: uint256) -> DynArray[uint256, 9]:
    fields: DynArray[uint256, 9] = []
    for seat: uint256 in range(7):
        fields.append(words._seat_id(word, seat))
    fields.append(words._sealed(word))
    fields.append(words._silent(word))
    return fields


@external
@pure
def final(result: bytes32) -> uint256:
    return words._final(result)


@external
@pure
def result(
    mask: uint256, values: DynArray[bytes32, 32], servers: uint256, settled_at: uint256
) -> bytes32:
    return words._result(mask, values, servers, settled_at)


@external
@pure
def grown(ids: DynArray[uint256, 7], silent: uint256, opened_at: uint256) -> uint256:
    word: uint256 = words._empty_round(2, 1)
    for id: uint256 in ids:
        word = words._with_seat(word, id)
    return words._grown(words._with_seal(word, 0), silent, opened_at)


@external
@pure
def draw(price: uint256, mask: uint256, height: uint256, seed: uint256) -> DynArray[uint256, 3]:
    word: uint256 = words._draw(price, mask, height) | (seed << 160)
    return [words._draw_mask(word), words._draw_height(word), words._draw_seed(word)]


@external
@pure
def count(mask: uint256) -> uint256:
    return words._count(mask)


@external
@pure
def ticket(seed: uint256, job: bytes32, batch: uint256, id: uint256) -> uint256:
    return sortition._ticket(seed, job, batch, id)


@external
@pure
def is_eligible(
    ticket: uint256,
    seats: uint256,
    elapsed: uint256,
    window: uint256,
    weight: uint256,
    total: uint256,
) -> bool:
    return sortition._is_eligible(ticket, seats, elapsed, window, weight, total)


@external
@view
def capture(source: address, height: uint256, bits: uint256) -> uint256:
    return sortition._capture(source, height, bits)


@external
@pure
def digest(
    job: bytes32,
    batch: uint256,
    number: uint256,
    id: uint256,
    values: DynArray[bytes32, 32],
    salt: bytes32,
) -> uint256:
    return seals._digest(job, batch, number, id, seals._hash(values), salt)


@external
@pure
def is_member(root: bytes32, id: uint256, proof: membership.Proof) -> bool:
    return membership._is_member(root, id, proof)


@external
@pure
def settle(
    a: uint256,
    r: rounds.Round,
    case: outcome.Case,
    opened: uint256,
    silent: uint256,
    columns: DynArray[bytes32[7], 32],
) -> (outcome.Outcome, DynArray[bytes32, 32], bills.Bill):
    """@param columns What each seat opened for each task of the round, ascending."""
    o: outcome.Outcome = empty(outcome.Outcome)
    stand: DynArray[bytes32, 32] = []
    rank: uint256 = 0
    for task: uint256 in range(32):
        if r.mask >> task & 1 == 0:
            continue
        best: bytes32 = empty(bytes32)
        o, best = outcome._with_task(o, case, 1 << task, opened, columns[rank])
        if o.paid >> task & 1 == 1:
            stand.append(best)
        rank += 1
    return o, stand, bills._settled(a, r, o, silent)
