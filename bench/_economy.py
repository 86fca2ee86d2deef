"""Delegation and rewards on the measured chain: each transaction once, in the order of a life."""

from _chain import NO_LIMIT, NO_PERMIT, STAKE, TOKEN, Chain
from web3.contract.contract import ContractFunction

OPERATOR, OWNER = 1, 2  # and the place of its owner's key
VICTIM, VICTIMS_OWNER = 8, 19  # of the slashes: it stakes in the scenario `stake`
FIRST, SECOND = 9, 10  # delegators' keys
COMMISSION = 1_000
DAY = 86_400
GWEI = 10**9
OWN = STAKE // GWEI


def call(chain: Chain, contract: str, name: str, *args: object) -> ContractFunction:
    """Return a call that is not sent yet."""
    return chain.contracts[contract].get_function_by_name(name)(*args)


def send(chain: Chain, key: int, contract: str, name: str, *args: object) -> None:
    """Send a call with one of the chain's keys."""
    chain.send(call(chain, contract, name, *args), chain.keys[key].address)


def prepare(chain: Chain) -> None:
    """Open two pools, pay out what is owed, give delegators tokens."""
    send(chain, OWNER, "Delegation", "open_pool", OPERATOR, COMMISSION)
    send(chain, VICTIMS_OWNER, "Delegation", "open_pool", VICTIM, COMMISSION)
    send(chain, 0, "Rewards", "book", OPERATOR)
    for key in (FIRST, SECOND):
        send(chain, 0, "Token", "transfer", chain.keys[key].address, 10**4 * TOKEN)
        delegation = chain.contracts["Delegation"].address
        send(chain, key, "Token", "approve", delegation, 2**255)


def delegate(chain: Chain, key: int, operator: int = OPERATOR, tokens: int = 1_000) -> None:
    """Delegate out of an allowance."""
    send(chain, key, "Delegation", "delegate", operator, tokens * TOKEN, 0, NO_PERMIT)


def book(chain: Chain) -> None:
    """Divide an operator's fees; its delegators get their part of what it earned."""
    send(chain, 0, "Rewards", "book", OPERATOR)


def pay_out(chain: Chain) -> None:
    """Pay an operator with a pool what Escrow owes it."""
    send(chain, 0, "Escrow", "withdraw_operator", OPERATOR, 0)


def claim(chain: Chain) -> None:
    """A delegator pulls its income."""
    send(chain, FIRST, "Delegation", "claim", OPERATOR)


def sync(chain: Chain) -> None:
    """Bring an operator's weight and votes up to what was delegated."""
    send(chain, 0, "Staking", "sync_votes", OPERATOR)


def undelegate(chain: Chain) -> None:
    """A delegator queues all its shares; weight and votes are lowered in the same call."""
    shares = call(chain, "Delegation", "position", OPERATOR, chain.keys[FIRST].address).call()[0]
    send(chain, FIRST, "Delegation", "undelegate", OPERATOR, shares)


def epoch_of(chain: Chain) -> int:
    """Return the epoch of now."""
    return int(chain.now // call(chain, "Rewards", "epoch_length").call())


def emission(chain: Chain, epoch: int) -> None:
    """Close an epoch and mint what it gives, once it has vested."""
    chain.go_to((epoch + 1) * call(chain, "Rewards", "epoch_length").call())
    send(chain, 0, "Rewards", "close_epoch", epoch)
    chain.go_to(chain.now + 30 * DAY)
    send(chain, 0, "Rewards", "claim", OPERATOR, epoch)


def withdraw(chain: Chain) -> None:
    """A delegator takes its matured stake."""
    send(chain, FIRST, "Delegation", "withdraw", OPERATOR)


def prepare_slashes(chain: Chain) -> None:
    """Let a mock service lock all that the victim and its delegator have."""
    owner, service = chain.keys[VICTIMS_OWNER], chain.contracts["MockService"]
    chain.name_worker(owner, VICTIM)
    send(chain, VICTIMS_OWNER, "Staking", "opt_in", VICTIM, service.address, NO_LIMIT)
    send(chain, 0, "Staking", "sync_votes", VICTIM)
    send(chain, 0, "MockService", "lock", owner.address, 2 * OWN, chain.now)


def slash(chain: Chain, amount: int) -> None:
    """Burn so much of what the mock service locked, gwei."""
    send(chain, 0, "MockService", "settle", [VICTIM | amount << 120])


def release(chain: Chain, amount: int) -> None:
    """Release so much of it, gwei."""
    send(chain, 0, "MockService", "settle", [VICTIM | amount << 184])
