"""The least bond of a provable job: enough, and a gwei less is not (rule P3)."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from worker.protocol.provable_words import bond_needed, is_bond_enough
from worker.protocol.words import OnDissent, Terms
from worker.types import Gwei, Seconds, Timestamp, Wei

TERMS = Terms(
    price=Wei(10**16),
    bond=Gwei(0),
    tasks=4,
    seats=1,
    max_seats=1,
    batch_log2=1,
    on_dissent=OnDissent.ESCALATE,
    token=0,
    fee_bps=100,
    claim=Seconds(30),
    run=Seconds(60),
    reveal=Seconds(30),
    expiry=Timestamp(0),
    challenge=Seconds(60),
    audit_bps=5_000,
)


def test_bond_needed__half_of_the_batches_audited__three_prices():
    # q = 0.5 * 0.8 = 0.4, and bond / 2 * 0.4 = price * 0.6
    assert bond_needed(TERMS, 2_000, 0) == 3 * 10**7


def test_bond_needed__cheap_task__pays_for_a_conviction():
    short = replace(TERMS, tasks=3)  # its last batch has one task

    assert bond_needed(TERMS, 2_000, 10**9) == 5 * 10**8
    assert bond_needed(short, 2_000, 10**9) == 10**9


@given(
    price=st.integers(1, (1 << 88) - 1),
    tasks=st.integers(1, 1 << 20),
    log2=st.integers(0, 5),
    token=st.integers(0, 1),
    audit=st.integers(100, 10_000),
    capture=st.integers(0, 9_000),
    least=st.integers(0, (1 << 64) - 1),
    rate=st.integers(1, (1 << 96) - 1),
)
def test_bond_needed__any_terms__enough_and_a_gwei_less_is_not(
    price, tasks, log2, token, audit, capture, least, rate
):
    terms = replace(
        TERMS, price=Wei(price), tasks=tasks, batch_log2=log2, token=token, audit_bps=audit
    )
    bond = bond_needed(terms, capture, least, rate)

    # By the rule's own words, not by the sums that gave the bond.
    assert _holds(replace(terms, bond=bond), capture, least, rate)
    assert is_bond_enough(replace(terms, bond=bond), capture, least, rate)
    assert bond == 0 or not _holds(replace(terms, bond=Gwei(bond - 1)), capture, least, rate)


def _holds(terms: Terms, capture: int, least: int, rate: int) -> bool:
    chance = terms.audit_bps * (10_000 - capture)
    price = terms.price if terms.token == 0 else -(-terms.price * rate // 10**18)
    deters = terms.bond * 10**9 * chance >= 2 * price * (10**8 - chance)
    return deters and terms.bond * len(terms.tasks_in(terms.batches - 1)) >= least
