"""The network token: supply, the one minter, permit, and no owner."""

import ape
import pytest

from tests.contracts.conftest import FOREVER, TOKEN, ZERO


@pytest.fixture
def minted(token, owner, guardian):
    """The token, with the guardian as its minter."""
    token.bind_minter(guardian, sender=owner)
    return token


def test_deploy__supply__goes_to_the_deployer_who_cannot_mint_more(project, stranger):
    token = stranger.deploy(project.Token, 10**9 * TOKEN)
    assert token.totalSupply() == token.balanceOf(stranger) == 10**9 * TOKEN
    assert not token.is_minter(stranger)
    assert (token.name(), token.symbol(), token.decimals()) == ("Proofmesh", "MESH", 18)


def test_mint__by_the_minter__raises_the_supply(minted, guardian, stranger):
    receipt = minted.mint(stranger, 5, sender=guardian)

    assert minted.balanceOf(stranger) == 5
    assert receipt.events == [minted.Transfer(sender=ZERO, receiver=stranger, value=5)]


def test_mint__by_anyone_else__reverts(minted, owner, stranger):
    for account in (owner, stranger):
        with ape.reverts("erc20: access is denied"):
            minted.mint(account, 5, sender=account)


def test_bind_minter__by_another_than_the_deployer__reverts(token, stranger):
    with ape.reverts("token: minter is bound, or not the deployer"):
        token.bind_minter(stranger, sender=stranger)


def test_bind_minter__again__reverts(minted, owner, guardian, stranger):
    with ape.reverts("token: minter is bound, or not the deployer"):
        minted.bind_minter(stranger, sender=owner)
    assert (minted.is_minter(guardian), minted.is_minter(stranger)) == (True, False)


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
        token.transfer_with_permit(owner, 9, *signed, sender=stranger)
        return
    with ape.reverts("token: permit expired"):
        token.transfer_with_permit(owner, 9, *signed, sender=stranger)


def test_abi__token__names_no_owner_and_no_way_to_more_minters(token):
    names = {getattr(entry, "name", "") for entry in token.contract_type.abi}
    assert "mint" in names
    assert not names & {"owner", "set_minter", "transfer_ownership", "renounce_ownership"}


def test_abi__ownership__cannot_be_renounced(staking, escrow):
    for contract in (staking, escrow):
        names = {getattr(entry, "name", "") for entry in contract.contract_type.abi}
        assert "transfer_ownership" in names
        assert "renounce_ownership" not in names
