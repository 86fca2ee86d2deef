"""Agreements: opened, topped up, paid, reclaimed; credits pulled."""

import ape
import pytest

from tests.contracts.conftest import DAY, FEE_BPS, GRACE, NO_PERMIT, TOKEN, ZERO, paid

AMOUNT = 1_000 * TOKEN
TERM = 366 * DAY


def fee(amount):
    return amount * FEE_BPS // 10_000


@pytest.fixture
def post(services, requester, stranger, terms):
    """Open an agreement of the first service; return its terms."""

    def _post(amount=AMOUNT, permit=NO_PERMIT, payer=requester, **kwargs):
        made = terms(**kwargs)
        services[0].open(payer, made.token, amount, *_rest(made), permit, sender=stranger)
        return made

    return _post


@pytest.fixture
def pay(services, stranger):
    def _pay(made, items=(), refund=0, burn=0, service=0):
        return services[service].pay(
            made.token, *_rest(made), list(items), refund, burn, sender=stranger
        )

    return _pay


@pytest.fixture
def left_of(escrow, services):
    def _left(made):
        payer, left = escrow.agreement(services[0], made.token, *_rest(made))
        return payer, left

    return _left


def _rest(made):
    return made.reference, made.expiry, made.fee_bps


def test_open__allowance__moves_the_money(
    escrow, token, open_network, services, requester, stranger, terms
):
    made = terms()
    receipt = services[0].open(requester, 0, AMOUNT, *_rest(made), NO_PERMIT, sender=stranger)

    assert list(escrow.agreement(services[0], 0, *_rest(made))) == [requester, AMOUNT]
    assert token.balanceOf(escrow) == AMOUNT
    assert receipt.events == [
        token.Transfer(sender=requester, receiver=escrow, value=AMOUNT),
    ]


def test_open__permit__needs_no_allowance(
    token, open_network, escrow, owner, permit, post, left_of
):
    made = post(permit=permit(owner, escrow, AMOUNT), payer=owner)
    assert left_of(made) == (owner, AMOUNT)
    assert token.allowance(owner, escrow) == 0


def test_open__permit_sent_by_another_first__still_opens(
    token, open_network, escrow, owner, stranger, permit, post, left_of
):
    deadline, v, r, s = signed = permit(owner, escrow, AMOUNT)
    token.permit(owner, escrow, AMOUNT, deadline, v, r, s, sender=stranger)
    assert left_of(post(permit=signed, payer=owner)) == (owner, AMOUNT)


def test_open__neither_permit_nor_allowance__reverts(open_network, owner, post):
    with ape.reverts("erc20: insufficient allowance"):
        post(payer=owner)


def test_open__by_no_service__reverts(escrow, open_network, requester, stranger, terms):
    with ape.reverts("escrow: service not active"):
        escrow.open(requester, 0, AMOUNT, *_rest(terms()), NO_PERMIT, sender=stranger)


def test_open__twice__reverts(open_network, post):
    made = post()
    with ape.reverts("escrow: agreement exists"):
        post(expiry=made.expiry)


@pytest.mark.parametrize("fee_bps", [FEE_BPS - 1, FEE_BPS + 1])
def test_open__not_the_current_fee__reverts(open_network, post, fee_bps):
    with ape.reverts("escrow: not the current fee"):
        post(fee_bps=fee_bps)


@pytest.mark.parametrize(
    ("amount", "reason"), [(0, "escrow: no amount"), (2**96, "escrow: amount too large")]
)
def test_open__amount_out_of_range__reverts(open_network, post, amount, reason):
    with ape.reverts(reason):
        post(amount)


@pytest.mark.parametrize(
    ("term", "reason"),
    [
        (1, None),
        (0, "escrow: expired"),
        (-1, "escrow: expired"),
        (TERM, None),
        (TERM + 1, "escrow: expiry too far"),
    ],
)
def test_open__around_the_bounds_of_the_term(
    open_network, services, requester, stranger, terms, now, at, term, reason
):
    start = now() + 10
    made = terms(expiry=start + term)
    args = (requester, 0, AMOUNT, *_rest(made), NO_PERMIT)
    at(start)
    if reason is None:
        services[0].open(*args, sender=stranger)
        return
    with ape.reverts(reason):
        services[0].open(*args, sender=stranger)


def test_open__token_not_listed__reverts(open_network, post):
    with ape.reverts("escrow: token not listed"):
        post(token=1)


def test_top_up__by_the_payer__adds(open_network, services, requester, stranger, post, left_of):
    made = post()
    services[0].top_up(requester, 0, 5, *_rest(made), NO_PERMIT, sender=stranger)
    assert left_of(made) == (requester, AMOUNT + 5)


@pytest.mark.parametrize(("early", "reason"), [(1, None), (0, "expired"), (-1, "expired")])
def test_top_up__around_the_expiry(
    open_network, services, requester, stranger, post, left_of, at, early, reason
):
    made = post()
    args = (requester, 0, 5, *_rest(made), NO_PERMIT)
    at(made.expiry - early)
    if reason is None:
        services[0].top_up(*args, sender=stranger)
        assert left_of(made) == (requester, AMOUNT + 5)
        return
    with ape.reverts(f"escrow: {reason}"):
        services[0].top_up(*args, sender=stranger)


def test_top_up__by_another__reverts(open_network, services, operators, stranger, post):
    made = post()
    with ape.reverts("escrow: not the payer"):
        services[0].top_up(operators[0], 0, 5, *_rest(made), NO_PERMIT, sender=stranger)


def test_top_up__no_agreement__reverts(open_network, services, requester, stranger, terms):
    with ape.reverts("escrow: no agreement"):
        services[0].top_up(requester, 0, 5, *_rest(terms()), NO_PERMIT, sender=stranger)


def test_top_up__by_another_service__reverts(open_network, services, requester, stranger, post):
    made = post()
    with ape.reverts("escrow: no agreement"):
        services[1].top_up(requester, 0, 5, *_rest(made), NO_PERMIT, sender=stranger)


def test_top_up__after_the_fee_changed__keeps_the_old_fee(
    escrow, open_network, owner, services, requester, stranger, post, pay
):
    made = post()
    escrow.set_fee_bps(0, sender=owner)
    services[0].top_up(requester, 0, TOKEN, *_rest(made), NO_PERMIT, sender=stranger)
    pay(made, [paid(1, TOKEN)])
    assert escrow.operator_fees(1, 0) == fee(TOKEN)


def test_pay__items_refund_and_burn__are_credited(
    escrow, token, open_network, requester, post, pay, left_of
):
    made = post()
    supply = token.totalSupply()
    first, second = 100 * TOKEN + 1, 200 * TOKEN
    pay(made, [paid(1, first), paid(2, second)], refund=50 * TOKEN, burn=7)

    credits = [escrow.operator_credit(number, 0) for number in (1, 2)]
    assert credits == [first - fee(first), second - fee(second)]
    assert escrow.credit_of(requester, 0) == 50 * TOKEN
    assert [escrow.operator_fees(number, 0) for number in (1, 2)] == [fee(first), fee(second)]
    assert escrow.fees_of(0) == 0
    assert token.totalSupply() == supply - 7
    assert left_of(made) == (requester, AMOUNT - first - second - 50 * TOKEN - 7)


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        (30, (10, 10, 5, 5)),
        (29, (10, 10, 5, 4)),
        (22, (10, 10, 2, 0)),
        (13, (10, 3, 0, 0)),
        (10, (10, 0, 0, 0)),
        (1, (1, 0, 0, 0)),
    ],
)
def test_pay__more_than_is_left__pays_in_order_and_never_reverts(
    escrow, token, open_network, owner, requester, post, pay, left_of, left, expected
):
    escrow.set_fee_bps(0, sender=owner)
    made = post(left, fee_bps=0)
    supply = token.totalSupply()
    pay(made, [paid(1, 10), paid(2, 10)], refund=5, burn=5)

    credits = tuple(escrow.operator_credit(number, 0) for number in (1, 2))
    burnt = supply - token.totalSupply()
    assert (*credits, burnt, escrow.credit_of(requester, 0)) == expected
    assert left_of(made) == (ZERO, 0)


def test_pay__agreement_gone__does_nothing(escrow, open_network, post, pay):
    made = post()
    pay(made, refund=AMOUNT)
    receipt = pay(made, [paid(1, AMOUNT)], refund=AMOUNT, burn=AMOUNT)
    assert receipt.events == []
    assert escrow.operator_credit(1, 0) == 0


def test_pay__by_another_service_or_anyone__touches_nothing(
    escrow, open_network, stranger, post, pay, left_of, requester
):
    made = post()
    pay(made, [paid(1, AMOUNT)], service=1)
    escrow.pay(0, *_rest(made), [paid(1, AMOUNT)], 0, 0, sender=stranger)
    assert left_of(made) == (requester, AMOUNT)
    assert escrow.operator_credit(1, 0) == 0


def test_pay__by_a_retired_service__still_pays(
    escrow, staking, open_network, owner, services, post, pay
):
    made = post()
    staking.retire_service(services[0], sender=owner)
    with ape.reverts("escrow: service not active"):
        post(reference=b"\2" * 32)
    pay(made, [paid(1, TOKEN)])
    assert escrow.operator_credit(1, 0) == TOKEN - fee(TOKEN)


@pytest.mark.parametrize(("late", "reclaimed"), [(-1, False), (0, True), (1, True)])
def test_reclaim__around_the_grace__is_half_open(
    escrow, open_network, services, requester, stranger, post, at, late, reclaimed
):
    made = post()
    at(made.expiry + GRACE + late)
    args = (services[0], 0, *_rest(made))
    if not reclaimed:
        with ape.reverts("escrow: reclaim too early"):
            escrow.reclaim(*args, sender=stranger)
        return
    receipt = escrow.reclaim(*args, sender=stranger)
    assert escrow.credit_of(requester, 0) == AMOUNT
    (event,) = receipt.events
    assert (event.event_name, event.payer, event.amount) == (
        "AgreementReclaimed",
        requester,
        AMOUNT,
    )
    with ape.reverts("escrow: no agreement"):
        escrow.reclaim(*args, sender=stranger)


def test_pay__after_a_reclaim__does_nothing(
    escrow, open_network, services, requester, stranger, post, pay, wait
):
    made = post()
    wait(DAY + GRACE)
    escrow.reclaim(services[0], 0, *_rest(made), sender=stranger)
    pay(made, [paid(1, AMOUNT)])
    assert (escrow.operator_credit(1, 0), escrow.credit_of(requester, 0)) == (0, AMOUNT)


def test_withdraw__credit__is_paid_once(escrow, token, open_network, requester, post, pay):
    pay(post(), refund=AMOUNT)
    before = token.balanceOf(requester)
    receipt = escrow.withdraw(0, sender=requester)

    assert token.balanceOf(requester) == before + AMOUNT
    assert receipt.events == [
        escrow.CreditWithdrawn(account=requester, token=0, amount=AMOUNT),
        token.Transfer(sender=escrow, receiver=requester, value=AMOUNT),
    ]
    with ape.reverts("escrow: no credit"):
        escrow.withdraw(0, sender=requester)


def test_withdraw_operator__by_anyone__pays_the_owner(
    escrow, token, staked, operators, stranger, post, pay
):
    pay(post(), [paid(1, TOKEN)])
    amount = TOKEN - fee(TOKEN)
    before = token.balanceOf(operators[0])
    receipt = escrow.withdraw_operator(1, 0, sender=stranger)

    assert token.balanceOf(operators[0]) == before + amount
    assert receipt.events == [
        escrow.OperatorCreditWithdrawn(id=1, token=0, owner=operators[0], amount=amount),
        token.Transfer(sender=escrow, receiver=operators[0], value=amount),
    ]
    assert (escrow.operator_fees(1, 0), escrow.fees_of(0)) == (0, fee(TOKEN))
    with ape.reverts("escrow: no credit"):
        escrow.withdraw_operator(1, 0, sender=stranger)


def test_pay__twice__credit_and_fee_add_up_apart(escrow, staked, stranger, post, pay):
    """Both lie in one slot: neither half may leak into the other."""
    pay(post(), [paid(1, TOKEN), paid(1, 3)])
    assert escrow.operator_credit(1, 0) == TOKEN + 3 - fee(TOKEN) - fee(3)
    assert escrow.operator_fees(1, 0) == fee(TOKEN) + fee(3)


@pytest.mark.parametrize(("operator", "token_index"), [(2**24 + 1, 0), (0, 1 << 16), (1, 2**255)])
def test_withdraw_operator__ids_that_do_not_fit__find_no_credit(
    escrow, staked, stranger, post, pay, operator, token_index
):
    pay(post(), [paid(1, TOKEN)])
    assert escrow.operator_credit(operator, token_index) == 0
    with ape.reverts("escrow: no credit"):
        escrow.withdraw_operator(operator, token_index, sender=stranger)


def test_withdraw_operator__nobody_staked_as_it__reverts(escrow, open_network, stranger, post, pay):
    pay(post(), [paid(9, TOKEN)])
    with ape.reverts("escrow: no such operator"):
        escrow.withdraw_operator(9, 0, sender=stranger)


def test_collect_fees__by_anyone__pays_the_sink(escrow, token, staked, sink, stranger, post, pay):
    pay(post(), [paid(1, TOKEN)])
    with ape.reverts("escrow: no fees"):
        escrow.collect_fees(0, sender=stranger)
    escrow.withdraw_operator(1, 0, sender=stranger)
    receipt = escrow.collect_fees(0, sender=stranger)
    assert token.balanceOf(sink) == fee(TOKEN)
    assert receipt.events == [
        escrow.FeesCollected(token=0, sink=sink, amount=fee(TOKEN)),
        token.Transfer(sender=escrow, receiver=sink, value=fee(TOKEN)),
    ]
    with ape.reverts("escrow: no fees"):
        escrow.collect_fees(0, sender=stranger)


def test_plain_transfer__to_a_vault__belongs_to_no_one(
    escrow, staking, token, open_network, owner, requester, post, pay, left_of
):
    for vault in (escrow, staking):
        token.transfer(vault, 99, sender=owner)
    made = post()
    assert left_of(made) == (requester, AMOUNT)
    pay(made, refund=AMOUNT)
    escrow.withdraw(0, sender=requester)
    assert token.balanceOf(escrow) == 99
