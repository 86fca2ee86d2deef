"""The network token: supply, minters, permit, and an ownership that cannot be lost."""

import ape
import pytest

from tests.contracts.conftest import FOREVER, GAS, TOKEN, ZERO


def test_deploy__supply__goes_to_the_deployer(project, stranger):
    token = stranger.deploy(project.Token, 10**9 * TOKEN)
    assert token.totalSupply() == token.balanceOf(stranger) == 10**9 * TOKEN
    assert (token.owner(), token.is_minter(stranger)) == (stranger, True)
    assert (token.name(), token.symbol(), token.decimals()) == ("Proofmesh", "MESH", 18)


def test_mint__by_a_minter__raises_the_supply(token, owner, stranger):
    receipt = token.mint(stranger, 5, sender=owner)

    assert token.balanceOf(stranger) == 5
    assert receipt.events == [
        token.Transfer(sender="0x" + "00" * 20, receiver=stranger, value=5),
    ]


def test_mint__by_anyone_else__reverts(token, stranger):
    with ape.reverts("erc20: access is denied"):
        token.mint(stranger, 5, sender=stranger)


def test_set_minter__by_the_owner__grants_and_takes_away(token, owner, stranger):
    token.set_minter(stranger, True, sender=owner)
    token.mint(stranger, 5, sender=stranger)
    token.set_minter(stranger, False, sender=owner)
    assert not token.is_minter(stranger)


def test_burn__own_tokens__lowers_the_supply(token, owner):
    before = token.totalSupply()
    token.burn(7, sender=owner)
    assert token.totalSupply() == before - 7


def test_permit__signed__allows(token, owner, stranger, permit):
    deadline, v, r, s = permit(owner, stranger, 9)
    token.permit(owner, stranger, 9, deadline, v, r, s, sender=stranger)
    assert token.allowance(owner, stranger) == 9
    token.transferFrom(owner, stranger, 9, sender=stranger)
    assert token.balanceOf(stranger) == 9


def test_permit__used_twice__reverts(token, owner, stranger, permit):
    deadline, v, r, s = permit(owner, stranger, 9, deadline=FOREVER)
    token.permit(owner, stranger, 9, deadline, v, r, s, sender=stranger)
    with ape.reverts("erc20: invalid signature"):
        token.permit(owner, stranger, 9, deadline, v, r, s, sender=stranger)


def test_transfer_with_permit__signed__moves_without_an_allowance(token, owner, stranger, permit):
    receipt = token.transfer_with_permit(owner, 9, *permit(owner, stranger, 9), sender=stranger)

    assert token.balanceOf(stranger) == 9
    assert (token.allowance(owner, stranger), token.nonces(owner)) == (0, 1)
    assert receipt.events == [token.Transfer(sender=owner, receiver=stranger, value=9)]


def test_transfer_with_permit__used_before__reverts(token, owner, stranger, permit):
    """One signature is good for one of the two ways, once."""
    deadline, *signature = permit(owner, stranger, 9)
    token.permit(owner, stranger, 9, deadline, *signature, sender=stranger)
    with ape.reverts("token: not the owner's permit"):
        token.transfer_with_permit(owner, 9, deadline, *signature, sender=stranger)
    other = permit(owner, stranger, 7)
    token.transfer_with_permit(owner, 7, *other, sender=stranger)
    with ape.reverts("token: not the owner's permit"):
        token.transfer_with_permit(owner, 7, *other, sender=stranger)
    with ape.reverts("erc20: invalid signature"):
        token.permit(owner, stranger, 7, *other, sender=stranger)


def test_transfer_with_permit__another_spender_owner_or_amount__reverts(
    token, owner, requester, stranger, permit
):
    signed = permit(owner, requester, 9)
    attempts = [
        (owner, 9, stranger),  # who was not named
        (owner, 10, requester),
        (requester, 9, requester),
        (ZERO, 9, requester),
    ]
    for holder, amount, caller in attempts:
        with ape.reverts("token: not the owner's permit"):
            token.transfer_with_permit(holder, amount, *signed, sender=caller)


def test_transfer_with_permit__signature_of_nobody__is_not_the_zero_addresses(token, stranger):
    """ecrecover answers zero for garbage: that must not open what lies at the zero address."""
    garbage = (FOREVER, 27, b"\1" * 32, b"\0" * 32)
    with ape.reverts():
        token.transfer_with_permit(ZERO, 0, *garbage, sender=stranger)


@pytest.mark.parametrize(("late", "moves"), [(0, True), (1, False)])
def test_transfer_with_permit__around_the_deadline__is_erc_2612s(
    token, owner, stranger, permit, now, at, late, moves
):
    deadline = now() + 100
    signed = permit(owner, stranger, 9, deadline=deadline)
    at(deadline + late)
    if moves:
        token.transfer_with_permit(owner, 9, *signed, sender=stranger, gas=GAS)
        return
    with ape.reverts("token: permit expired"):
        token.transfer_with_permit(owner, 9, *signed, sender=stranger, gas=GAS)


def test_accept_ownership__offered__takes_the_minter_role_along(token, owner, stranger):
    token.transfer_ownership(stranger, sender=owner)
    receipt = token.accept_ownership(sender=stranger)

    assert token.owner() == stranger
    assert (token.is_minter(owner), token.is_minter(stranger)) == (False, True)
    assert receipt.events == [
        token.RoleMinterChanged(minter=owner, status=False),
        token.OwnershipTransferred(previous_owner=owner, new_owner=stranger),
        token.RoleMinterChanged(minter=stranger, status=True),
    ]


def test_accept_ownership__not_offered__reverts(token, stranger):
    with ape.reverts("token: ownership not offered"):
        token.accept_ownership(sender=stranger)


def test_abi__ownership__cannot_be_renounced(token, staking, escrow):
    for contract in (token, staking, escrow):
        names = {getattr(entry, "name", "") for entry in contract.contract_type.abi}
        assert "transfer_ownership" in names
        assert "renounce_ownership" not in names
