"""Votes on the measured chain: a Governor of its own, and a proposal about Rewards."""

from _chain import Chain
from _economy import OPERATOR, OWNER, send
from eth_account.messages import encode_typed_data

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
    domain = {
        "name": "Proofmesh Governor",
        "version": "1",
        "chainId": chain.web3.eth.chain_id,
        "verifyingContract": chain.contracts["Governor"].address,
    }
    names = ("proposal", "operator", "support", "deadline")
    types = {"Ballot": [{"name": name, "type": "uint256"} for name in names]}
    message = dict(zip(names, (NUMBER, SIGNED, FOR, 2**63), strict=True))
    signer = chain.keys[SIGNEDS_OWNER]
    signature = signer.sign_message(encode_typed_data(domain, types, message)).signature
    send(chain, 0, "Governor", "vote_by_signature", NUMBER, SIGNED, FOR, 2**63, signature)
