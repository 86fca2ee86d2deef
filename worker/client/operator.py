"""What an operator's owner does with the cold key: stake, name the worker key, opt in, leave."""

from dataclasses import dataclass

from worker.chain.keys import Signer
from worker.client.wallet import Progress, Wallet, as_tokens
from worker.errors import NotFoundError, UnbondedError
from worker.protocol import eip712
from worker.protocol.words import GWEI
from worker.types import Address, Gwei, OperatorId, Timestamp, Wei

SERVICE = "ReplicatedJobs"
CONSENT_SECONDS = 3_600
_NOBODY = "0x" + "00" * 20


@dataclass(frozen=True)
class OperatorState:
    """An operator as the chain shows it. Amounts are gwei, `credit` is wei of the network token."""

    operator: OperatorId
    owner: Address
    worker: Address | None
    stake: Gwei
    exiting: Gwei
    locked: Gwei
    key_ceiling: Gwei
    service_ceiling: Gwei
    standing_bond: Gwei
    weight: int
    weight_total: int
    credit: Wei


async def fetch_operator(wallet: Wallet, operator: OperatorId) -> OperatorState:
    """Return the state of an operator. Raises NotFoundError."""
    owner = await wallet.call("Staking", "owner_of", operator)
    if owner == _NOBODY:
        raise NotFoundError(f"there is no operator {operator}")
    service = wallet.contracts.address(SERVICE)
    now = (await wallet.pool.head()).timestamp
    worker = await wallet.call("Staking", "worker_of", operator)
    stake = await wallet.call("Staking", "operator", operator)
    ceiling, standing, left_at = await wallet.call("Staking", "opt_in_of", operator, service)
    weight, total = await wallet.call("Staking", "weight_at", operator, now)
    key = await wallet.call("Staking", "worker_key", worker)
    return OperatorState(
        operator=operator,
        owner=owner,
        worker=None if worker == _NOBODY else worker,
        stake=Gwei(stake[0]),
        exiting=Gwei(stake[1]),
        locked=Gwei(await wallet.call("Staking", "locked_of", operator)),
        key_ceiling=Gwei(key[1]),
        service_ceiling=Gwei(0 if left_at else ceiling),
        standing_bond=Gwei(standing),
        weight=weight,
        weight_total=total,
        credit=Wei(await wallet.call("Escrow", "operator_credit", operator, 0)),
    )


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


async def opt_in(wallet: Wallet, operator: OperatorId, ceiling: Gwei) -> None:
    """Let the service of replicated jobs lock up to `ceiling`, its standing bond included."""
    service = wallet.contracts.address(SERVICE)
    await wallet.send("Staking", "opt_in", operator, service, ceiling)


async def join(
    wallet: Wallet,
    amount: Wei,
    key: Signer,
    operator: OperatorId | None = None,
    progress: Progress = lambda _: None,
) -> OperatorId:
    """Do all that lets `key` work for an operator with `amount` more stake; return its number.

    What is done already is left as it is, so that a run that was cut off can be repeated with 0.
    """
    if amount:
        operator = await stake(wallet, amount, operator)
        progress(f"staked {as_tokens(amount)} tokens for operator {operator}")
    if operator is None:
        raise UnbondedError("nothing is staked: give an amount or an operator")
    state = await fetch_operator(wallet, operator)
    ceiling = Gwei(state.stake - state.exiting)
    if state.worker != key.address or state.key_ceiling < ceiling:
        await set_worker(wallet, operator, key, ceiling)
        progress(f"{key.address} is its worker key")
    if state.service_ceiling < ceiling:
        await opt_in(wallet, operator, ceiling)
        progress(f"opted in to replicated jobs, up to {as_tokens(ceiling * GWEI)} tokens")
    return operator


async def unstake(wallet: Wallet, operator: OperatorId, amount: Wei) -> Timestamp:
    """Queue `amount` wei for exit; return when it matures."""
    entry = await wallet.send("Staking", "unstake", operator, amount)
    queued = [e for e in await wallet.events_of(entry) if e.name == "ExitQueued"]
    return Timestamp(queued[0].args["matures_at"])


async def leave(wallet: Wallet, operator: OperatorId) -> Timestamp:
    """Stop new locks; return when `release_standing` frees the standing bond."""
    service = wallet.contracts.address(SERVICE)
    entry = await wallet.send("Staking", "leave", operator, service)
    left = [e for e in await wallet.events_of(entry) if e.name == "ServiceLeft"]
    return Timestamp(left[0].args["release_at"])


async def withdraw_stake(wallet: Wallet, operator: OperatorId) -> None:
    """Take matured exits out. Raises RevertedError when none has matured."""
    await wallet.send("Staking", "withdraw", operator)
