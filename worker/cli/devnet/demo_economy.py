"""The demo's end: what an epoch gives, to an operator and its delegator; and a vote."""

from worker.cli.devnet.deploy import DEPLOYER
from worker.cli.devnet.network import DELEGATOR, FIRST_OWNER, TOKEN, Network
from worker.client import ballots, delegation, governance, rewards
from worker.client.calls import parse_call
from worker.client.governance import Support
from worker.client.wallet import Progress, Wallet, as_tokens
from worker.errors import VerificationError
from worker.types import OperatorId, Wei

LENT = Wei(500 * TOKEN)
"""What the delegator lends, of what it holds."""

_OPERATOR = OperatorId(1)
_COMMISSION_BPS = 1_000
_QUORUM_AND_MORE = 20_000_000 * TOKEN
_FEE_BPS = 150
_VESTING = 30 * 86_400


async def lend(network: Network, say: Progress) -> None:
    """Have operator 1 take delegations, and somebody delegate to it."""
    owner, delegator = await network.wallet(FIRST_OWNER), await network.wallet(DELEGATOR)
    await delegation.open_pool(owner, _OPERATOR, _COMMISSION_BPS)
    await delegation.delegate(delegator, await delegation.fetch_pool(delegator, _OPERATOR), LENT)
    say(f"somebody without a machine delegates {as_tokens(LENT)} tokens to operator {_OPERATOR}")


async def end(network: Network, say: Progress) -> None:
    """Let an epoch pass and vest, have everybody claim, and change the fee by a vote.

    No worker may run any more: time jumps. Raises VerificationError when anything does not come.
    """
    await network.anvil.stop_time()
    await _claim(network, say)
    await _vote(network, say)


async def _claim(network: Network, say: Progress) -> None:
    owner, delegator = await network.wallet(FIRST_OWNER), await network.wallet(DELEGATOR)
    await rewards.collect(owner, _OPERATOR, say)
    await network.anvil.skip(await owner.call("Rewards", "epoch_length"))
    await rewards.collect(owner, _OPERATOR, say)
    await network.anvil.skip(_VESTING)
    minted, _ = await rewards.collect(owner, _OPERATOR, say)
    claimed = await delegation.claim(delegator, [_OPERATOR])
    if not minted or not claimed:
        raise VerificationError("an operator that worked, or its delegator, was given nothing")
    say(f"the delegator claims {as_tokens(claimed[_OPERATOR])} tokens of pay and emission")


async def _vote(network: Network, say: Progress) -> None:
    """Have a holder of many tokens lend operator 1 its votes, whose owner votes by signature."""
    owner, holder = await network.wallet(FIRST_OWNER), await network.wallet(DEPLOYER)
    pool = await delegation.fetch_pool(holder, _OPERATOR)
    await delegation.delegate(holder, pool, Wei(_QUORUM_AND_MORE))
    await network.anvil.skip(1)  # votes count from the second after
    call = parse_call(owner.contracts, f"Escrow.set_fee_bps({_FEE_BPS})")
    number = await governance.propose(owner, _OPERATOR, [call], "a fee of 1.5 %")
    rules = await owner.call("Governor", "rules")
    await network.anvil.skip(rules[0])
    ballot = await ballots.sign(owner, number, _OPERATOR, Support.FOR)
    votes = await ballots.bring(holder, ballot)
    say(f"proposal {number}, {call.text}: {as_tokens(votes, 9)} votes for it, by signature")
    await network.anvil.skip(rules[1])
    ready_at = await governance.queue(holder, number)
    await network.anvil.skip(max(1, ready_at - (await holder.pool.head()).timestamp))
    await governance.execute(holder, number)
    await _check_fee(owner)
    say(f"the Timelock has carried it out: the fee is {_FEE_BPS / 100:g} %")


async def _check_fee(wallet: Wallet) -> None:
    if await wallet.call("Escrow", "fee_bps") != _FEE_BPS:
        raise VerificationError("a proposal that was carried out changed nothing")
