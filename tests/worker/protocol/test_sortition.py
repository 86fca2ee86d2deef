"""Sortition: released tickets only ever admit more, and no earlier than they should."""

from hypothesis import given
from hypothesis import strategies as st

from worker.protocol.sortition import eligible_from, is_eligible, release_factor, ticket
from worker.protocol.words import Clock

CLOCK = Clock(100, 107, 200, 300)


def test_release_factor__thirds_of_the_window__double() -> None:
    # 7 seconds: the thirds begin at 0, 2.33 and 4.67
    assert [release_factor(CLOCK, 100 + s) for s in range(7)] == [1, 1, 1, 2, 2, 4, 4]


@given(
    drawn=st.integers(0, 2**128 - 1),
    seats=st.integers(1, 7),
    weight=st.integers(0, 2**32 - 1),
    others=st.integers(1, 2**50),
)
def test_eligible_from__any_ticket__is_the_first_eligible_second(
    drawn: int, seats: int, weight: int, others: int
) -> None:
    total = weight + others
    first = eligible_from(drawn, CLOCK, seats, weight, total)
    eligible = [
        second
        for second in range(CLOCK.opened_at, CLOCK.claim_until)
        if is_eligible(drawn, release_factor(CLOCK, second), seats, weight, total)
    ]
    assert first == (eligible[0] if eligible else None)
    assert eligible == list(range(first or 0, CLOCK.claim_until)) or not eligible


def test_eligible_from__no_weight__never() -> None:
    assert eligible_from(0, CLOCK, 3, 0, 10) is None


def test_ticket__share_of_stake__is_share_of_wins() -> None:
    wins = sum(
        is_eligible(ticket(5, b"\x01" * 32, batch, 9), 1, 3, 10, 100) for batch in range(4000)
    )
    assert 0.26 < wins / 4000 < 0.34  # 3 seats at a tenth of the stake: 0.3, five sigma
