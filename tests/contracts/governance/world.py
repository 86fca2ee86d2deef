"""A Governor and its Timelock that own the vaults, and operators who vote."""

from typing import NamedTuple

import boa
from boa.contracts.vyper.vyper_contract import VyperContract
from eth_account import Account

from tests.contracts.stateful import network as net
from tests.contracts.stateful.network import DAY, GWEI, NO_PERMIT, TOKEN
from worker.protocol import eip712

DELAY, PERIOD, TIMELOCK_DELAY, GRACE = DAY, 3 * DAY, 2 * DAY, 14 * DAY
QUORUM_BPS = 100
QUORUM = 10**7 * GWEI  # of a supply of 10^9 tokens
THRESHOLD = 2_000  # whole tokens
RULES = (DELAY, PERIOD, QUORUM_BPS, THRESHOLD)
FOR, AGAINST, ABSTAIN = range(3)
PENDING, ACTIVE, CANCELED, DEFEATED, SUCCEEDED, QUEUED, EXECUTED, EXPIRED = range(8)


class Calls(NamedTuple):
    """What a proposal would have the Timelock do."""

    targets: list[str]
    payloads: list[bytes]


def call(contract: VyperContract, name: str, *args: object) -> Calls:
    """Return a single call."""
    return Calls([str(contract.address)], [getattr(contract, name).prepare_calldata(*args)])


class GovernedWorld:
    """Operators 1, 2 and 3 have staked 6, 6 and 2 million tokens; their owners' keys are known."""

    def __init__(self) -> None:
        self.net = net.deploy()
        self.token, self.staking, self.escrow = self.net.token, self.net.staking, self.net.escrow
        self.deployer = self.net.owner
        with boa.env.prank(self.deployer):
            self.governor = net.contract("Governor").deploy(self.token, self.staking, RULES)
            self.timelock = net.contract("Timelock").deploy(self.governor, TIMELOCK_DELAY)
            self.governor.bind_timelock(self.timelock)
        net.admit(self.net)
        self.stranger = boa.env.generate_address("stranger")
        self.keys = [Account.from_key(bytes([7] * 31 + [number])) for number in (1, 2, 3)]
        for key, million in zip(self.keys, (6, 6, 2), strict=True):
            net.fund(self.net, key.address, 10**7 * TOKEN)
            self.stake(0, million * 10**6, key.address)
        for contract in (self.staking, self.escrow, self.net.rewards):
            contract.transfer_ownership(self.timelock, sender=self.deployer)
            self.timelock.accept_ownership_of(contract, sender=self.stranger)
        self.go(self.now + 1)

    @property
    def now(self) -> int:
        return int(boa.env.evm.patch.timestamp)

    def go(self, timestamp: int) -> None:
        """Let it be `timestamp`."""
        boa.env.evm.patch.timestamp = timestamp

    def owner(self, operator: int) -> str:
        return str(self.keys[operator - 1].address)

    def stake(self, operator: int, tokens: int, owner: str) -> None:
        """Stake whole tokens, and count them as votes."""
        number = self.staking.stake(operator, tokens * TOKEN, NO_PERMIT, sender=owner)
        self.staking.sync_votes(number)

    def fee_call(self, fee_bps: int = 300) -> Calls:
        return call(self.escrow, "set_fee_bps", fee_bps)

    def propose(self, calls: Calls, operator: int = 1, sender: str | None = None) -> int:
        """Propose calls; return the proposal's number."""
        sender = sender or self.owner(operator)
        return self.governor.propose(operator, *calls, "because", sender=sender)

    def vote(self, number: int, operator: int, support: int) -> None:
        self.governor.vote(number, operator, support, sender=self.owner(operator))

    def opens_at(self, number: int) -> int:
        return int(self.governor.proposal(number).opens_at)

    def closes_at(self, number: int) -> int:
        return int(self.governor.proposal(number).closes_at)

    def passed(self, calls: Calls) -> int:
        """Return a proposal that operators 1 and 2 voted for, when voting is over."""
        number = self.propose(calls)
        self.go(self.opens_at(number))
        for operator in (1, 2):
            self.vote(number, operator, FOR)
        self.go(self.closes_at(number))
        return number

    def queued(self, calls: Calls) -> int:
        """Return a proposal whose calls wait in the Timelock."""
        number = self.passed(calls)
        self.governor.queue(number, *calls, sender=self.stranger)
        return number

    def execute(self, calls: Calls) -> int:
        """Have calls proposed, voted, queued and made."""
        number = self.queued(calls)
        self.go(int(self.governor.proposal(number).ready_at))
        self.governor.execute(number, *calls, sender=self.stranger)
        return number

    def ballot(self, operator: int, number: int, support: int, deadline: int) -> bytes:
        """Return a vote that the operator's owner signed."""
        domain = net.domain("Proofmesh Governor", self.governor)
        message = eip712.ballot(domain, number, operator, support, deadline)
        return bytes(self.keys[operator - 1].sign_typed_data(full_message=message).signature)
