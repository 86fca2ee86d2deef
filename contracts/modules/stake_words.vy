# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title stake_words
@license AGPL-3.0-only
@notice The packed words of Staking; docs/protocol.md, section 1, has the table.
@dev Amounts are gwei. Writers keep every value within its field; nothing is masked on the way in.
"""

# A weight, as it stood when the epoch before `epoch` began, when `epoch` began, and now.
struct Weights:
    before: uint256
    start: uint256
    now: uint256
    epoch: uint256


struct Operator:
    stake: uint256
    exiting: uint256
    reach: uint256  # the last of the operator's lane words in use, 0 to 3
    weights: Weights
    pooled: bool  # whether others may delegate to it


struct Total:
    weights: Weights
    count: uint256


struct Service:
    place: uint256  # index + 1; 0 until admitted
    standing: uint256
    announced_at: uint256
    admitted_at: uint256
    retired_at: uint256


struct OptIn:
    ceiling: uint256
    standing: uint256
    left_at: uint256
    convicted_at: uint256  # when the service convicted the operator last; outlives the opt-in


struct WorkerKey:
    operator: uint256
    ceiling: uint256
    retired: bool


# Where fields begin.
RETIRED_AT: constant(uint256) = 152  # in a service's word
CONVICTED_AT: constant(uint256) = 168  # in an opt-in's

# The fields' limits, as masks.
U8: constant(uint256) = 2**8 - 1
U24: constant(uint256) = 2**24 - 1
U32: constant(uint256) = 2**32 - 1
U40: constant(uint256) = 2**40 - 1
U56: constant(uint256) = 2**56 - 1
U62: constant(uint256) = 2**62 - 1
U63: constant(uint256) = 2**63 - 1
U64: constant(uint256) = 2**64 - 1


@internal
@pure
def _operator(word: uint256) -> Operator:
    return Operator(
        stake=word & U63,
        exiting=(word >> 64) & U62,
        reach=self._reach(word),
        weights=Weights(
            before=(word >> 128) & U32,
            start=(word >> 160) & U32,
            now=(word >> 192) & U32,
            epoch=word >> 224,
        ),
        pooled=(word >> 63) & 1 == 1,
    )


@internal
@pure
def _operator_word(operator: Operator) -> uint256:
    return (
        operator.stake
        | convert(operator.pooled, uint256) << 63
        | operator.exiting << 64
        | operator.reach << 126
        | operator.weights.before << 128
        | operator.weights.start << 160
        | operator.weights.now << 192
        | operator.weights.epoch << 224
    )


@internal
@pure
def _total(word: uint256) -> Total:
    return Total(
        weights=Weights(
            before=word & U56,
            start=(word >> 56) & U56,
            now=(word >> 112) & U56,
            epoch=(word >> 168) & U32,
        ),
        count=(word >> 200) & U24,
    )


@internal
@pure
def _total_word(total: Total) -> uint256:
    return (
        total.weights.before
        | total.weights.start << 56
        | total.weights.now << 112
        | total.weights.epoch << 168
        | total.count << 200
    )


@internal
@pure
def _service(word: uint256) -> Service:
    return Service(
        place=word & U8,
        standing=(word >> 8) & U64,
        announced_at=(word >> 72) & U40,
        admitted_at=(word >> 112) & U40,
        retired_at=(word >> RETIRED_AT) & U40,
    )


@internal
@pure
def _service_word(service: Service) -> uint256:
    return (
        service.place
        | service.standing << 8
        | service.announced_at << 72
        | service.admitted_at << 112
        | service.retired_at << RETIRED_AT
    )


@internal
@pure
def _opt_in(word: uint256) -> OptIn:
    return OptIn(
        ceiling=word & U64,
        standing=(word >> 64) & U64,
        left_at=(word >> 128) & U40,
        convicted_at=word >> CONVICTED_AT,
    )


@internal
@pure
def _opt_in_word(opt_in: OptIn) -> uint256:
    return (
        opt_in.ceiling
        | opt_in.standing << 64
        | opt_in.left_at << 128
        | opt_in.convicted_at << CONVICTED_AT
    )


@internal
@pure
def _worker_key(word: uint256) -> WorkerKey:
    return WorkerKey(operator=word & U24, ceiling=(word >> 24) & U64, retired=(word >> 88) & 1 == 1)


@internal
@pure
def _worker_key_word(key: WorkerKey) -> uint256:
    return key.operator | key.ceiling << 24 | convert(key.retired, uint256) << 88


# What `Staking.lock` reads, without taking whole words apart

@internal
@pure
def _free(operator: uint256) -> uint256:
    """@return The stake in an operator's word that is not exiting."""
    return (operator & U63) - ((operator >> 64) & U62)


@internal
@pure
def _reach(operator: uint256) -> uint256:
    return (operator >> 126) & 3
