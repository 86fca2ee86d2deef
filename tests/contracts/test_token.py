"""The network token: supply, minters, permit, and an ownership that cannot be lost."""

import ape

from tests.contracts.conftest import FOREVER, TOKEN


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
