"""What the contracts do with money, as exact integers: each function names the one it is a twin of.

Amounts are wei, stake and bonds gwei, shares basis points, as there.
tests/contracts/economics/test_formulae.py plays the same numbers through the contracts.
"""

from worker.protocol.words import GWEI

BPS = 10_000
TOKEN = 10**18
VESTING = 30 * 86_400  # emission.vy: seconds from an epoch's closing


def fee_of(amount: int, fee_bps: int) -> int:
    """Return the fee on a payment. agreements.vy `_pay`."""
    return amount * fee_bps // BPS


def burnt_of(fees: int, burn_bps: int) -> int:
    """Return what is burnt of fees; the rest is the treasury's. Rewards.vy `book`."""
    return fees * burn_bps // BPS


def emission_of(burnt: int, rate_bps: int) -> int:
    """Return what is minted for what an operator's fees burnt in an epoch. emission.vy `_take`."""
    return burnt * rate_bps // BPS


def pool_part(amount: int, commission_bps: int, stake: int, active: int) -> int:
    """Return the delegators' part of an operator's income. Delegation.vy `credit`.

    `stake` is all of the operator's own, `active` what is delegated and does not exit.
    """
    if active == 0:
        return 0
    return amount * (BPS - commission_bps) // BPS * active // (stake + active)


def shares_for(amount: int, assets: int, shares: int) -> int:
    """Return the shares that a delegation buys. pools.vy `_join`."""
    return amount * shares // assets if shares else amount


def worth(shares: int, assets: int, of_all: int) -> int:
    """Return what shares are worth when they leave. pools.vy `_leave`."""
    return assets * shares // of_all


def slashed(amount: int, stake: int, kept: int) -> tuple[int, int]:
    """Return the operator's own part of a slash and its pool's. stakes.vy `_slash`.

    `kept` is what services that need own stake still hold of it.
    """
    own = min(amount, stake - kept)
    return own, amount - own


def convicted(own: int) -> tuple[int, int, int]:
    """Return the prover's, the payer's and the burnt part of a conviction. convicted.vy `_split`.

    `own` is the operator's own part of what is taken; a pool's is burnt whole.
    """
    bounty, repaid = own * 2 // 5, own // 10
    return bounty, repaid, own - bounty - repaid


def weight_of(own: int, active: int, minimum: int, leverage: int, cap: int) -> int:
    """Return the weight, in whole tokens, of own stake without exits and of what is delegated.
    operators.vy `_weight`; `minimum` and `cap` are whole tokens."""
    if own < minimum * GWEI:
        return 0
    return min(min(own + active, own * leverage) // GWEI, cap)


def least_bond(conviction_gas: int, gas_price: int) -> int:
    """Return the least bond of a provable batch by its proof. stake_rates.vy `_least_bond`."""
    return (conviction_gas * gas_price * 5 + 2 * GWEI - 1) // (2 * GWEI)
