"""Prices: pure arithmetic over the market."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.worker.chain.chain_actors import config_for
from worker.chain.fees import Fees, Market, first_fees, highest_fee, raised_fees
from worker.errors import GasTooHighError

GWEI = 10**9
PRICES = st.integers(0, 10**13)


def test_first_fees__room__twice_the_base_fee_and_the_tip():
    assert first_fees(Market(10 * GWEI, GWEI), 100 * GWEI) == Fees(21 * GWEI, GWEI)


def test_first_fees__little_room__as_much_as_allowed():
    assert first_fees(Market(10 * GWEI, GWEI), 12 * GWEI) == Fees(12 * GWEI, GWEI)


def test_first_fees__next_block_too_dear__gas_too_high():
    with pytest.raises(GasTooHighError, match=r"gas costs 11\.00 gwei, the limit is 10\.00"):
        first_fees(Market(10 * GWEI, GWEI), 10 * GWEI)


def test_highest_fee__more_at_stake__more_than_the_cap():
    config = config_for("http://localhost", max_fee_gwei=50)
    assert highest_fee(config, worth=0, gas_limit=100_000) == 50 * GWEI
    assert highest_fee(config, worth=10**16, gas_limit=100_000) == 100 * GWEI


@given(PRICES, PRICES, PRICES, PRICES, st.floats(12.5, 100))
def test_raised_fees__any_market__an_eighth_more_on_both_and_within_the_limit(
    fee, tip, base_fee, limit, percent
):
    old = Fees(max(fee, tip), tip)
    try:
        new = raised_fees(old, Market(base_fee, 10**6), limit, percent)
    except GasTooHighError:
        return
    assert new.max_fee * 1000 >= old.max_fee * 1125
    assert new.max_tip * 1000 >= old.max_tip * 1125
    assert new.max_tip <= new.max_fee <= limit
