"""Vaults, rewards and two mock services on titanoboa: one of them needs operators' own stake."""

import boa
from boa.contracts.vyper.vyper_contract import VyperContract

from tests.contracts.conftest import settled
from tests.contracts.stateful import network as net
from tests.contracts.stateful.network import DAY, GWEI, NO_PERMIT, TOKEN

STAKE = 10_000  # tokens of each operator
STANDING = 5  # tokens
NO_LIMIT = 2**64 - 1
COMMISSION = 1_000  # basis points


class EconomyWorld:
    """Operators 1 and 2 have staked; operator 1's pool is open. Amounts are whole tokens where the
    contracts take gwei, and wei where they take wei."""

    def __init__(self) -> None:
        self.net = net.deploy()
        self.token, self.staking, self.escrow = self.net.token, self.net.staking, self.net.escrow
        self.delegation, self.rewards = self.net.delegation, self.net.rewards
        self.open_service, self.strict_service = self.new_service(), self.new_service()
        self.strict_service.need_own_stake()
        net.admit(self.net, *self.services, standing=STANDING * GWEI)
        names = ("first", "second"), ("ann", "ben", "cem"), ("payer", "stranger")
        self.owners, self.delegators, others = (
            [boa.env.generate_address(name) for name in group] for group in names
        )
        self.payer, self.stranger = others
        for account in (*self.owners, *self.delegators, *others):
            net.fund(self.net, account, 10**6 * TOKEN)
        self.workers = [net.new_operator(self.net, owner, STAKE * TOKEN) for owner in self.owners]
        for operator, owner in enumerate(self.owners, start=1):
            for service in self.services:
                self.staking.opt_in(operator, service, NO_LIMIT, sender=owner)
        self.delegation.open_pool(1, COMMISSION, sender=self.owners[0])
        self.references = 0
        self.wait(2 * net.EPOCH)

    @property
    def services(self) -> list[VyperContract]:
        return [self.open_service, self.strict_service]

    def new_service(self) -> VyperContract:
        mock = net.contract("mocks/MockService")
        return mock.deploy(self.staking, self.escrow, DAY)

    # Time

    @property
    def now(self) -> int:
        return int(boa.env.evm.patch.timestamp)

    def go(self, timestamp: int) -> None:
        """Let it be `timestamp`."""
        boa.env.evm.patch.timestamp = timestamp

    def wait(self, seconds: int) -> None:
        self.go(self.now + seconds)

    # Delegators, by number; wei

    def delegate(self, who: int, amount: int, operator: int = 1, least: int = 0) -> int:
        """Delegate wei; return the shares."""
        delegator = self.delegators[who]
        return self.delegation.delegate(operator, amount, least, NO_PERMIT, sender=delegator)

    def back(self, *tokens: int) -> "EconomyWorld":
        """Let each delegator in turn delegate so many to operator 1, and have all of it count."""
        for who, amount in enumerate(tokens):
            self.delegate(who, amount * TOKEN)
        self.staking.sync_votes(1)
        return self

    def undelegate(self, who: int, shares: int | None = None, operator: int = 1) -> int:
        """Queue shares, or all; return when they mature."""
        shares = self.position(who, operator).shares if shares is None else shares
        return self.delegation.undelegate(operator, shares, sender=self.delegators[who])

    def withdraw(self, who: int, operator: int = 1) -> int:
        """Withdraw what matured; return the wei that came."""
        return self.gain(
            self.delegators[who],
            lambda: self.delegation.withdraw(operator, sender=self.delegators[who]),
        )

    def claim(self, who: int, operator: int = 1) -> int:
        """Claim the income; return the wei that came."""
        return self.gain(
            self.delegators[who],
            lambda: self.delegation.claim(operator, sender=self.delegators[who]),
        )

    def position(self, who: int, operator: int = 1):
        return self.delegation.position(operator, self.delegators[who])

    def assets(self, operator: int = 1) -> int:
        """Return what is delegated, gwei."""
        return self.delegation.pool(operator).assets

    # Services; gwei

    def lock(self, amount: int, operator: int = 1, service: VyperContract | None = None) -> None:
        worker = self.workers[operator - 1].address
        (service or self.open_service).lock(worker, amount, self.now)

    def burn(self, amount: int, operator: int = 1, service: VyperContract | None = None) -> None:
        """Burn what is locked."""
        (service or self.open_service).settle([settled(operator, 0, amount)])

    def release(self, amount: int, operator: int = 1, service: VyperContract | None = None) -> None:
        (service or self.open_service).settle([settled(operator, amount)])

    def convict(self, amount: int, operator: int = 1, service: VyperContract | None = None) -> None:
        service = service or self.strict_service
        service.convict(operator, amount, self.stranger, self.payer)

    # Money; wei

    def earn(self, amount: int, operator: int = 1, payer: str | None = None) -> None:
        """Have a payer pay an operator, the fee included."""
        self.references += 1
        reference, expiry = self.references.to_bytes(32, "big"), self.now + DAY
        terms = (reference, expiry, self.escrow.fee_bps())
        self.open_service.open(payer or self.payer, 0, amount, *terms, NO_PERMIT)
        self.open_service.pay(0, *terms, [operator | amount << 24], 0, 0)

    def pay_out(self, operator: int = 1) -> None:
        self.escrow.withdraw_operator(operator, 0)

    def gain(self, account: str, act) -> int:
        """Return by how much an account's tokens grow while something is done."""
        before = self.token.balanceOf(account)
        act()
        return self.token.balanceOf(account) - before

    # Rewards

    @property
    def epoch(self) -> int:
        return self.now // net.REWARDS_EPOCH

    def close(self, epoch: int) -> int:
        """Let an epoch end and be closed; return when it vests."""
        self.go(max(self.now, (epoch + 1) * net.REWARDS_EPOCH))
        self.rewards.close_epoch(epoch)
        return self.rewards.closed(epoch)[1]

    def vested(self, amount: int = 1_000 * TOKEN, operator: int = 1) -> int:
        """Have an operator earn wei in an epoch that is closed and has vested; return the epoch."""
        self.earn(amount, operator)
        self.rewards.book(operator)
        epoch = self.epoch
        self.go(self.close(epoch))
        return epoch
