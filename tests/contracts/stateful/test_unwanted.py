"""Ether that is sent or forced on the contracts, and signatures of other chains or shapes."""

import boa
import pytest
from eth_account import Account

from tests.contracts.calls import calls_of
from tests.contracts.stateful import network as net
from tests.contracts.stateful.whole_world import WholeWorld

ETHER = 10**18
HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
ORDER = 2 * HALF_ORDER + 1
MAGIC = "0x0f"  # EIP-5267: name, version, chain and contract


@pytest.fixture(scope="module")
def world() -> WholeWorld:
    return WholeWorld()


def contracts(world: WholeWorld) -> list:
    return [
        world.token,
        world.staking,
        world.escrow,
        world.net.delegation,
        world.net.rewards,
        world.registry,
        world.courts,
        world.court,
        world.replicated,
        world.jobs,
        world.demands,
        world.seeds,
    ]


def test_ether__sent_with_any_call__is_refused(world):
    boa.env.set_balance(boa.env.eoa, ETHER)
    for contract in contracts(world):
        for call in [*calls_of(contract, world.requesters[0]), None]:
            data = call.data if call else b""
            done = boa.env.execute_code(to_address=contract.address, data=data, value=1)
            assert done.is_error, call


def test_ether__forced__changes_nothing(world):
    """As by a block reward or a contract that ends: a whole job goes on as if it were not there."""

    def books_after_a_job() -> list[int]:
        job = world.side.post()
        world.side.play(job, {seat: [b"\2" * 32] * 2 for seat in range(3)})
        world.side.settle(job)
        world.escrow.withdraw_operator(1, 0)
        balances = [world.token.balanceOf(vault) for vault in (world.escrow, world.staking)]
        return [*balances, world.escrow.fees_of(0), world.staking.lane(1, world.replicated)]

    with boa.env.anchor():
        expected = books_after_a_job()
    with boa.env.anchor():
        for contract in contracts(world):
            boa.env.set_balance(contract.address, ETHER)
        assert books_after_a_job() == expected
        assert all(boa.env.get_balance(c.address) == ETHER for c in contracts(world))


@pytest.fixture
def holder(world):
    """An account that signs, with a token."""
    account = Account.from_key(b"\x05" * 32)
    net.fund(world.net, account.address, net.TOKEN)
    return account


@pytest.mark.parametrize("way", ["permit", "transfer_with_permit"])
def test_permit__another_chain__reverts(world, holder, way):
    spender = boa.env.generate_address()
    signed = net.permit(world.token, holder, spender, 1, chain=2)
    with boa.reverts():
        use(world, way, holder, spender, signed)
    boa.env.evm.patch.chain_id, own = 2, boa.env.evm.patch.chain_id
    try:
        use(world, way, holder, spender, signed)  # the chain is read when the call is made
    finally:
        boa.env.evm.patch.chain_id = own


@pytest.mark.parametrize("way", ["permit", "transfer_with_permit"])
def test_permit__high_s__reverts(world, holder, way):
    """The other signature of the same message that anybody can make from the first."""
    spender = boa.env.generate_address()
    signed = net.permit(world.token, holder, spender, 1)
    assert signed.s <= HALF_ORDER
    twin = signed._replace(s=ORDER - signed.s, v=55 - signed.v)
    with boa.reverts():
        use(world, way, holder, spender, twin)
    use(world, way, holder, spender, signed)
    with boa.reverts():
        use(world, way, holder, spender, signed)  # its nonce is spent


def use(world: WholeWorld, way: str, holder, spender: str, signed) -> None:
    """Spend a permit by either function that takes one."""
    parts = (net.FOREVER, signed.v, signed.r.to_bytes(32), signed.s.to_bytes(32))
    if way == "permit":
        world.token.permit(holder.address, spender, 1, *parts)
    else:
        world.token.transfer_with_permit(holder.address, 1, *parts, sender=spender)


def test_set_worker__consent_for_another_chain_or_of_high_s__reverts(world):
    operator = world.operators[0]
    key = Account.from_key(b"\x06" * 32)
    good = net.consent(world.staking, key, operator.id, operator.owner)
    r, s, v = good[:32], int.from_bytes(good[32:64]), good[64]
    high = r + (ORDER - s).to_bytes(32) + bytes([55 - v])
    call = (operator.id, key.address, 2**64 - 1, net.FOREVER)

    with boa.reverts():
        world.staking.set_worker(*call, high, sender=operator.owner)
    boa.env.evm.patch.chain_id, own = 2, boa.env.evm.patch.chain_id
    try:
        with boa.reverts():
            world.staking.set_worker(*call, good, sender=operator.owner)
    finally:
        boa.env.evm.patch.chain_id = own
    world.staking.set_worker(*call, good, sender=operator.owner)


def test_domain__is_told_as_eip_5267_says(world):
    for contract, name in ((world.token, "Proofmesh"), (world.staking, "Proofmesh Staking")):
        fields, *rest = contract.eip712Domain()
        assert fields == bytes.fromhex(MAGIC[2:])
        own = (name, "1", boa.env.evm.patch.chain_id, contract.address, bytes(32), [])
        assert tuple(rest) == own
