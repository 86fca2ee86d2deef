"""What an operator's owner does with the cold key: stake, name the worker key, opt in, leave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from worker.chain.keys import Signer
from worker.chain.standing import fetch_standing
from worker.client.wallet import Progress, Wallet, as_tokens
from worker.errors import NotFoundError, UnbondedError, UsageError
from worker.protocol import eip712
from worker.protocol.words import GWEI
from worker.types import Address, Gwei, OperatorId, Timestamp, Wei

SERVICES = ("ReplicatedJobs", "ProvableJobs")
"""The contracts that operators can work for, where they are deployed."""

CONSENT_SECONDS = 3_600
_NOBODY = "0x" + "00" * 20


@dataclass(frozen=True)
class OperatorState:
    """An operator as the chain shows it. Amounts are gwei, `credit` is wei of the network token.

    `delegated` is what others lent it and do not take back; `reach` the most that its own stake
    could have locked, with a full pool where it has one.
    `ceilings` are what each deployed service may lock, 0 where the operator has not opted in.
    """

    operator: OperatorId
    owner: Address
    worker: Address | None
    stake: Gwei
    exiting: Gwei
    delegated: Gwei
    reach: Gwei
    locked: Gwei
    key_ceiling: Gwei
    ceilings: Mapping[str, Gwei]
    standing_bonds: Gwei
    weight: int
    weight_total: int
    credit: Wei


async def fetch_operator(wallet: Wallet, operator: OperatorId) -> OperatorState:
    """Return the state of an operator. Raises NotFoundError."""
    owner = await wallet.call("Staking", "owner_of", operator)
    if owner == _NOBODY:
        raise NotFoundError(f"there is no operator {operator}")
    now = (await wallet.pool.head()).timestamp
    worker = await wallet.call("Staking", "worker_of", operator)
    stake = await wallet.call("Staking", "operator", operator)
    standing = await fetch_standing(wallet.contracts, operator)
    weight, total = await wallet.call("Staking", "weight_at", operator, now)
    key = await wallet.call("Staking", "worker_key", worker)
    return OperatorState(
        operator=operator,
        owner=owner,
        worker=None if worker == _NOBODY else worker,
        stake=Gwei(stake[0]),
        exiting=Gwei(stake[1]),
        delegated=Gwei(standing.backing.delegated),
        reach=Gwei(standing.backing.own * (standing.backing.leverage if stake[-1] else 1)),
        locked=Gwei(standing.backing.locked),
        key_ceiling=Gwei(key[1]),
        ceilings={name: Gwei(standing.lanes[name].ceiling) for name in services_of(wallet)},
        standing_bonds=Gwei(sum(standing.lanes[name].standing for name in services_of(wallet))),
        weight=weight,
        weight_total=total,
        credit=Wei(await wallet.call("Escrow", "operator_credit", operator, 0)),
    )


def services_of(wallet: Wallet) -> list[str]:
    """Return the services that this network has."""
    return [service for service in SERVICES if service in wallet.deployment.contracts]


async def stake(wallet: Wallet, amount: Wei, operator: OperatorId | None = None) -> OperatorId:
    """Stake `amount` wei, for a new operator where none is given; return its number.

    The tokens move by a permit in the same transaction. Raises InsufficientFundsError,
    RevertedError.
    """
    await wallet.require_tokens(amount)
    permit = await wallet.permit("Staking", amount)
    entry = await wallet.send("Staking", "stake", operator or 0, amount, permit)
    for event in await wallet.events_of(entry):
        if event.name == "StakeAdded":
            return OperatorId(event.args["id"])
    raise UnbondedError("the stake was taken but not logged: are these the right contracts?")


async def set_worker(wallet: Wallet, operator: OperatorId, key: Signer, ceiling: Gwei) -> None:
    """Name `key` as the worker key of `operator`; it consents here. Raises RevertedError."""
    domain = await wallet.domain("Staking")
    deadline = Timestamp((await wallet.pool.head()).timestamp + CONSENT_SECONDS)
    message = eip712.set_worker(domain, operator, wallet.address, deadline)
    consent = key.sign_typed_data(message)
    await wallet.send("Staking", "set_worker", operator, key.address, ceiling, deadline, consent)


async def opt_in(wallet: Wallet, operator: OperatorId, service: str, ceiling: Gwei) -> None:
    """Let a service lock up to `ceiling`, its standing bond included."""
    address = wallet.contracts.address(service)
    await wallet.send("Staking", "opt_in", operator, address, ceiling)


async def join(
    wallet: Wallet,
    amount: Wei,
    key: Signer,
    operator: OperatorId | None = None,
    progress: Progress = lambda _: None,
    services: Sequence[str] | None = None,
) -> OperatorId:
    """Do all that lets `key` work for an operator with `amount` more stake; return its number.

    It opts in to `services`, or to all that the network has. What is done already is left as it
    is, so that a run that was cut off can be repeated with 0.
    """
    if amount:
        operator = await stake(wallet, amount, operator)
        progress(f"staked {as_tokens(amount)} tokens for operator {operator}")
    if operator is None:
        raise UnbondedError("nothing is staked: give an amount or an operator")
    state = await fetch_operator(wallet, operator)
    ceiling = state.reach
    if state.worker != key.address or state.key_ceiling < ceiling:
        await set_worker(wallet, operator, key, ceiling)
        progress(f"{key.address} is its worker key")
    for service in services_of(wallet) if services is None else services:
        if state.ceilings[service] < ceiling:
            await opt_in(wallet, operator, service, ceiling)
            progress(f"opted in to {service}, up to {as_tokens(ceiling * GWEI)} tokens")
    return operator


async def unstake(wallet: Wallet, operator: OperatorId, amount: Wei) -> Timestamp:
    """Queue `amount` wei for exit; return when it matures."""
    entry = await wallet.send("Staking", "unstake", operator, amount)
    queued = [e for e in await wallet.events_of(entry) if e.name == "ExitQueued"]
    return Timestamp(queued[0].args["matures_at"])


async def leave(wallet: Wallet, operator: OperatorId) -> Timestamp:
    """Leave every service: no new locks; return when `release_standing` frees the last standing
    bond. Raises UsageError when there is none to leave."""
    state = await fetch_operator(wallet, operator)
    joined = [service for service, ceiling in state.ceilings.items() if ceiling]
    if not joined:
        raise UsageError(f"operator {operator} works for no service")
    ends = []
    for service in joined:
        address = wallet.contracts.address(service)
        entry = await wallet.send("Staking", "leave", operator, address)
        left = [e for e in await wallet.events_of(entry) if e.name == "ServiceLeft"]
        ends.append(left[0].args["release_at"])
    return Timestamp(max(ends))


async def withdraw_stake(wallet: Wallet, operator: OperatorId) -> None:
    """Take matured exits out. Raises RevertedError when none has matured."""
    await wallet.send("Staking", "withdraw", operator)
