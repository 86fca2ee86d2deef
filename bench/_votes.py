"""Votes on the measured chain: a Governor of its own, and a proposal about Rewards."""

from _chain import Chain
from _economy import OPERATOR, OWNER, send

from worker.protocol import eip712

LATER, LATERS_OWNER = 2, 3  # another operator, and its owner's key
SIGNED, SIGNEDS_OWNER = 3, 4
MINUTE = 60
FOR, NUMBER = 0, 1


def prepare(chain: Chain) -> None:
    """Deploy, hand Rewards over, have three operators' stakes count, open a vote."""
    token, staking = chain.contracts["Token"].address, chain.contracts["Staking"].address
    governor = chain.deploy("Governor", token, staking, (MINUTE, MINUTE, 100, 1)).address
    timelock = chain.deploy("Timelock", governor, MINUTE).address
    send(chain, 0, "Governor", "bind_timelock", timelock)
    send(chain, 0, "Rewards", "transfer_ownership", timelock)
    send(chain, 0, "Timelock", "accept_ownership_of", chain.contracts["Rewards"].address)
    for operator in (OPERATOR, LATER, SIGNED):
        send(chain, 0, "Staking", "sync_votes", operator)
    chain.go_to(chain.now + 1)
    target = chain.contracts["Rewards"]
    payload = bytes.fromhex(target.encode_abi("set_rate", [4_000])[2:])
    send(chain, OWNER, "Governor", "propose", OPERATOR, [target.address], [payload], "less")
    chain.go_to(chain.now + MINUTE)


def first(chain: Chain) -> None:
    """Cast the first vote for a proposal."""
    send(chain, OWNER, "Governor", "vote", NUMBER, OPERATOR, FOR)


def later(chain: Chain) -> None:
    """Cast another."""
    send(chain, LATERS_OWNER, "Governor", "vote", NUMBER, LATER, FOR)


def by_signature(chain: Chain) -> None:
    """Bring a vote that somebody signed."""
    governor = chain.contracts["Governor"].address
    domain = eip712.Domain("Proofmesh Governor", "1", chain.web3.eth.chain_id, governor)
    message = eip712.ballot(domain, NUMBER, SIGNED, FOR, 2**63)
    signature = chain.keys[SIGNEDS_OWNER].sign_typed_data(full_message=message).signature
    send(chain, 0, "Governor", "vote_by_signature", NUMBER, SIGNED, FOR, 2**63, signature)
