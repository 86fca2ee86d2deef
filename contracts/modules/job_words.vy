# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Job words
@author Proofmesh
@license AGPL-3.0-only
@notice The packed words of a job (docs/protocol.md, section 1): what each bit means.
@dev Vyper gives each struct member a slot of its own, so terms, batches and rounds are packed here
     by hand. `worker/protocol/words.py` reads the same words.
"""


# What every call about a job brings back; only its hash is stored, as the job's key.
struct Terms:
    a: uint256
    b: uint256
    named: bytes32  # root of the named operators' tree, or empty
    origin: bytes32  # hash of the payer and of `Origin`


# The part of a job that only its payer needs to bring.
struct Origin:
    nonce: uint256
    program: bytes32
    inputs: bytes32
    manifest: bytes32


FINAL: constant(uint256) = 1 << 255
U24: constant(uint256) = 2**24 - 1
ALL: constant(uint256) = max_value(uint256)
SEAT: constant(uint256) = 1 << 168  # one more seat granted
IDS: constant(uint256) = (1 << 168) - 1

# For counting bits in parallel.
PAIRS: constant(uint256) = 1_431_655_765  # 0x55555555
QUADS: constant(uint256) = 858_993_459  # 0x33333333
BYTES: constant(uint256) = 252_645_135  # 0x0F0F0F0F
ONES: constant(uint256) = 16_843_009  # 0x01010101


# Hashes

@internal
@view
def _key(terms: Terms) -> bytes32:
    """@return The key of the job with these terms at this service on this chain."""
    # Spelled out, as a call of `_key_at` costs every posting 68 gas more.
    return keccak256(abi_encode(chain.id, self, terms.a, terms.b, terms.named, terms.origin))


@internal
@view
def _key_at(service: address, terms: Terms) -> bytes32:
    """@return The key of the job with these terms at another service."""
    return keccak256(abi_encode(chain.id, service, terms.a, terms.b, terms.named, terms.origin))


@internal
@pure
def _origin(payer: address, origin: Origin) -> bytes32:
    """@return The hash that binds a job to its payer, program and inputs."""
    return keccak256(
        abi_encode(payer, origin.nonce, origin.program, origin.inputs, origin.manifest)
    )


@internal
@pure
def _result(
    mask: uint256, values: DynArray[bytes32, 32], servers: uint256, settled_at: uint256
) -> bytes32:
    """
    @notice What is kept of a settlement.
    @param values Those that stand, of the tasks in `mask`, ascending.
    @param servers The operators that were paid for all of these tasks, in the seats' order, from
                   the lowest 24 bits on: they owe the payer the outputs.
    """
    return keccak256(abi_encode(mask, values, servers, settled_at))


# Terms, word a

@internal
@pure
def _price(a: uint256) -> uint256:
    """@return Wei that each seat earns per task."""
    return a & ((1 << 88) - 1)


@internal
@pure
def _bond(a: uint256) -> uint256:
    """@return Gwei that each seat locks per task."""
    return (a >> 88) & ((1 << 64) - 1)


@internal
@pure
def _tasks(a: uint256) -> uint256:
    return ((a >> 152) & ((1 << 20) - 1)) + 1


@internal
@pure
def _seats(a: uint256) -> uint256:
    """@return r, the seats of a base round."""
    return (a >> 172) & 7


@internal
@pure
def _max_seats(a: uint256) -> uint256:
    return (a >> 175) & 7


@internal
@pure
def _log_batch(a: uint256) -> uint256:
    """@return The base-2 logarithm of the tasks in a whole batch."""
    return (a >> 178) & 7


@internal
@pure
def _settles_dissent(a: uint256) -> bool:
    """@return Whether a dissent is settled in the base round instead of growing the batch."""
    return (a >> 181) & 1 == 1


@internal
@pure
def _token(a: uint256) -> uint256:
    return (a >> 182) & ((1 << 16) - 1)


@internal
@pure
def _fee_bps(a: uint256) -> uint256:
    return (a >> 198) & ((1 << 14) - 1)


@internal
@pure
def _tasks_in(a: uint256, batch: uint256) -> uint256:
    """@return The number of tasks in `batch`: the last may be smaller; 0 past the last."""
    last: uint256 = (a >> 152) & ((1 << 20) - 1)
    doublings: uint256 = (a >> 178) & 7
    if batch > last >> doublings:
        return 0
    return min(1 << doublings, unsafe_sub(last + 1, batch << doublings))


# Terms, word b

@internal
@pure
def _claim_window(b: uint256) -> uint256:
    return (b >> 40) & ((1 << 24) - 1)


@internal
@pure
def _run_window(b: uint256) -> uint256:
    return (b >> 64) & ((1 << 24) - 1)


@internal
@pure
def _reveal_window(b: uint256) -> uint256:
    return (b >> 88) & ((1 << 24) - 1)


@internal
@pure
def _expiry(b: uint256) -> uint256:
    return (b >> 136) & ((1 << 40) - 1)


# Batch

@internal
@pure
def _seat_id(word: uint256, seat: uint256) -> uint256:
    """@return The operator that holds `seat`."""
    return (word >> (24 * seat)) & ((1 << 24) - 1)


@internal
@pure
def _granted(word: uint256) -> uint256:
    """@return The seats granted so far, base and growth together."""
    return (word >> 168) & 7


@internal
@pure
def _sealed(word: uint256) -> uint256:
    """@return The mask of seats that sealed, each in its own round."""
    return (word >> 171) & 127


@internal
@pure
def _number(word: uint256) -> uint256:
    """@return The current round's number; the first is 0."""
    return (word >> 178) & 7


@internal
@pure
def _base(word: uint256) -> uint256:
    """@return The seats of the base round once growth began, else 0."""
    return (word >> 181) & 7


@internal
@pure
def _silent(word: uint256) -> uint256:
    """@return The mask of base seats that were punished for silence already."""
    return (word >> 184) & 127


@internal
@pure
def _final(result: bytes32) -> uint256:
    """@return The word of a batch that is over: nothing but its result is ever asked again."""
    return FINAL | convert(result, uint256)


@internal
@pure
def _with_seat(word: uint256, id: uint256) -> uint256:
    """@return `word` with its next seat granted to `id`; the caller knows that one is free."""
    return (word | (id << (24 * self._granted(word)))) + SEAT


@internal
@pure
def _with_seal(word: uint256, seat: uint256) -> uint256:
    return word | (1 << (171 + seat))


@internal
@pure
def _empty_round(number: uint256, opened_at: uint256) -> uint256:
    """@return A batch without seats whose base round `number` starts at `opened_at`."""
    return (number << 178) | (opened_at << 192)


@internal
@pure
def _grown(word: uint256, silent: uint256, opened_at: uint256) -> uint256:
    """@return `word` as its growth round starts: seats and seals stay, the base is marked."""
    seats: uint256 = word & (IDS | (7 << 168) | (127 << 171))
    marks: uint256 = (self._number(word) + 1) << 178 | self._granted(word) << 181
    return seats | marks | (silent << 184) | (opened_at << 192)


# Round

@internal
@pure
def _draw(price: uint256, mask: uint256, height: uint256) -> uint256:
    """@return The word of a round whose seed is still to be captured at `height`."""
    return price | (mask << 88) | (height << 120)


@internal
@pure
def _draw_mask(draw: uint256) -> uint256:
    return (draw >> 88) & ((1 << 32) - 1)


@internal
@pure
def _draw_height(draw: uint256) -> uint256:
    return (draw >> 120) & ((1 << 40) - 1)


@internal
@pure
def _draw_seed(draw: uint256) -> uint256:
    return draw >> 160


# Masks

@internal
@pure
def _full(count: uint256) -> uint256:
    """@return The mask of the first `count` tasks or seats."""
    return ~(ALL << count)


@internal
@pure
def _count(mask: uint256) -> uint256:
    """@return The number of bits set in a 32-bit mask."""
    x: uint256 = mask - ((mask >> 1) & PAIRS)
    x = (x & QUADS) + ((x >> 2) & QUADS)
    x = (x + (x >> 4)) & BYTES
    return ((x * ONES) >> 24) & 63
