"""The ledger that runs are held against: what it works out, and that a wei more or less shows."""

from dataclasses import replace
from typing import Any

import pytest

from tests.adversaries.holdings import Holdings, differences
from tests.adversaries.ledger import CONVICTED, UNDELIVERED, Ledger
from tests.adversaries.replicated import OUTVOTED, SILENT, TIED
from worker.chain.contracts import Event
from worker.protocol.record import blind
from worker.protocol.words import GWEI, OnDissent, Terms
from worker.types import Gwei, Seconds, Timestamp, Wei

JOB, PAYER, PROVER = b"j" * 32, "0x" + "aa" * 20, "0x" + "bb" * 20
PRICE, BOND, STANDING = Wei(10**15), Gwei(10**9), Gwei(10**10)
RIGHT, WRONG, OTHER = b"r" * 32, b"w" * 32, b"o" * 32
TERMS = Terms(
    price=PRICE,
    bond=BOND,
    tasks=1,
    seats=3,
    max_seats=5,
    batch_log2=0,
    on_dissent=OnDissent.ESCALATE,
    token=0,
    fee_bps=100,
    claim=Seconds(10),
    run=Seconds(10),
    reveal=Seconds(10),
    expiry=Timestamp(10_000),
    posted_at=Timestamp(100),
)
PROVABLE = replace(TERMS, seats=1, max_seats=1, challenge=Seconds(5), audit_bps=1_000)
NET = PRICE - PRICE // 100


class Story:
    """Tells a ledger what happens in one batch."""

    def __init__(self, terms: Terms = TERMS) -> None:
        self.ledger = Ledger(STANDING)
        self.contract = "ProvableJobs" if terms.challenge else "ReplicatedJobs"
        parts = {"a": terms.a, "b": terms.b, "named": terms.named, "nonce": 1, "payer": PAYER}
        self.tell("JobPosted", **parts, **dict.fromkeys(("program", "inputs", "manifest"), JOB))

    def tell(self, name: str, **args: Any) -> None:
        """Tell one event."""
        args = {"job": JOB, "batch": 0, "round": 0} | args
        self.ledger.book(Event(name, self.contract, args, 1, JOB, JOB, 0))

    def seat(self, operator: int, value: bytes | None, *, seals: bool = True) -> None:
        """Have an operator claim, seal and open."""
        self.tell("SeatClaimed", operator=operator)
        if seals:
            self.tell("ResultSealed", operator=operator)
        if value is not None:
            self.tell("ResultRevealed", operator=operator, values=[value])


def test_settled__short_path__nobody_opened_and_all_are_paid() -> None:
    story = Story()
    for operator in (1, 2, 3):
        story.seat(operator, None)
    story.tell("BatchSettled", settled_at=125)

    assert story.ledger.operator_credits == {1: NET, 2: NET, 3: NET}
    assert story.ledger.credits[PAYER] == 2 * PRICE
    assert story.ledger.wallets[PAYER] == -5 * PRICE
    assert story.ledger.open_batches == []


def test_settled__one_silent_behind_the_window__loses_its_bond() -> None:
    story = Story()
    story.seat(1, RIGHT)
    story.seat(2, RIGHT)
    story.seat(3, None)
    story.tell("BatchSettled", settled_at=130)

    assert story.ledger.stakes == {3: -BOND}
    assert story.ledger.why == {3: {SILENT: BOND}}
    assert +story.ledger.operator_credits == {1: NET, 2: NET}


@pytest.mark.parametrize(
    ("later", "why"),
    [
        ((RIGHT, RIGHT), {3: {OUTVOTED: BOND}}),
        ((WRONG, OTHER), {n: {TIED: Gwei(PRICE // 10 // GWEI)} for n in range(1, 6)}),
    ],
)
def test_settled__a_liar__outvoted_or_tied_behind_growth(
    later: tuple[bytes, bytes], why: dict[int, Any]
) -> None:
    story = Story()
    for operator, value in ((1, blind(RIGHT)), (2, blind(RIGHT)), (3, blind(WRONG))):
        story.seat(operator, value)
    story.tell("BatchSettled", settled_at=121)
    assert story.ledger.open_batches == [(JOB, 0)]
    story.tell("RoundOpened", round=1, mask=1, price=PRICE, opened_at=121)
    for operator, value in zip((4, 5), later, strict=True):
        story.seat(operator, value)
    story.tell("BatchSettled", settled_at=140)

    assert story.ledger.why == why
    assert story.ledger.open_batches == []


def test_convicted__bond_is_shared_and_the_batch_begins_again() -> None:
    story = Story(PROVABLE)
    story.seat(4, WRONG)
    story.tell("OperatorConvicted", operator=4, prover=PROVER, announced=True)
    story.tell("RoundOpened", round=1)
    story.seat(5, RIGHT)
    story.tell("BatchSettled")

    ledger = story.ledger
    assert ledger.why == {4: {CONVICTED: BOND}}
    assert ledger.wallets == {PAYER: -2 * PRICE + BOND // 10 * GWEI, PROVER: BOND * 2 // 5 * GWEI}
    assert ledger.operator_credits == {5: NET}
    assert ledger.credits == {PAYER: PRICE}


def test_forfeited__the_next_round_is_told_first__the_whole_bond_and_no_more() -> None:
    story = Story(PROVABLE)
    story.seat(4, WRONG)
    story.tell("RoundOpened", round=1)  # in the call that ends the seat, and before its end
    story.tell("SeatForfeited", operator=4, round=0)
    story.seat(5, None, seals=False)
    story.tell("SeatForfeited", operator=5, round=1)
    story.tell("RoundOpened", round=2)
    story.seat(6, RIGHT)
    story.tell("BatchSettled")

    assert story.ledger.why == {4: {SILENT: BOND}, 5: {SILENT: BOND // 4}}
    assert +story.ledger.operator_credits == {6: NET}


def test_forfeited__twice__one_standing_bond_and_both_loans_back() -> None:
    story = Story()
    for id in (b"1", b"2"):
        story.tell("OutputDemanded", id=id, operator=6, delivery=(JOB, (), (), (150, 900, 100)))
    for id in (b"1", b"2"):
        story.tell("OutputForfeited", id=id)

    assert story.ledger.why == {6: {UNDELIVERED: STANDING}}
    assert story.ledger.credits == {PAYER: 1_800}
    assert story.ledger.kept_bonds(6, services=2) == STANDING


def test_answered__two_thirds_of_the_bond_less_the_fee() -> None:
    story = Story()
    story.tell("OutputDemanded", id=b"1", operator=6, delivery=(JOB, (), (), (150, 900, 100)))
    story.tell("OutputAnswered", id=b"1")

    assert story.ledger.operator_credits == {6: 594}
    assert story.ledger.operator_fees == {6: 6}


def test_differences__one_wei_anywhere__is_told() -> None:
    story = Story()
    before = Holdings({PAYER: 10**18}, {PAYER: 0}, {1: 0}, {1: 0}, {1: 10**12}, {1: 2 * STANDING})
    due = replace(before, wallets={PAYER: 10**18 - 5 * PRICE})
    assert differences(before, due, story.ledger) == []

    for field in ("wallets", "credits", "operator_credits", "operator_fees", "stakes", "locked"):
        (key, amount), *_ = getattr(due, field).items()
        bent = replace(due, **{field: {key: amount + 1}})
        assert len(differences(before, bent, story.ledger)) == 1, field
