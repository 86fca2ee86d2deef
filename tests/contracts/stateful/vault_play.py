"""What people do with the vaults themselves: stake, leave, withdraw, and take what is theirs."""

from collections.abc import Callable

from eth_account import Account
from eth_utils.crypto import keccak

from tests.contracts.ledger.ledger import Ledger
from tests.contracts.stateful import network as net
from tests.contracts.stateful.life import attempt
from tests.contracts.stateful.whole_world import WholeWorld

MAX_LOCK = 14 * net.DAY
FOREVER = 2**63


class VaultPlay:
    """Owners of operators, payers, and whoever pulls credits."""

    def __init__(self, world: WholeWorld, ledger: Ledger) -> None:
        self.world, self.ledger = world, ledger
        self.staking, self.escrow = world.staking, world.escrow
        self.keys = 0

    # Stake

    def stake(self, who: int, tokens: int) -> None:
        """Let an owner add to its stake."""
        operator = self.world.operators[who]
        net.fund(self.world.net, operator.owner, tokens * net.TOKEN)
        call = (operator.id, tokens * net.TOKEN, net.NO_PERMIT)
        attempt(lambda: self.staking.stake(*call, sender=operator.owner))

    def unstake(self, who: int, tokens: int | None) -> None:
        """Queue an exit, of everything if no amount is given."""
        operator = self.world.operators[who]
        seen = self.staking.operator(operator.id)
        amount = seen.stake - seen.exiting if tokens is None else tokens * net.GWEI
        call = (operator.id, amount * net.GWEI)
        attempt(lambda: self.staking.unstake(*call, sender=operator.owner))

    def withdraw(self, who: int, around: int | None) -> None:
        """Withdraw what has matured, now or around the moment when the oldest exit does."""
        operator = self.world.operators[who]
        exits = self.staking.exits_of(operator.id)
        if exits and around is not None:
            self.world.go_to(max(self.world.now, exits[0].matures_at + around))
        attempt(lambda: self.staking.withdraw(operator.id, sender=operator.owner))

    def join(self, who: int, service: int, ceiling: int) -> None:
        """Opt in, or move the ceiling, gwei."""
        operator = self.world.operators[who]
        call = (operator.id, self.services[service], ceiling)
        attempt(lambda: self.staking.opt_in(*call, sender=operator.owner))

    def leave(self, who: int, service: int) -> None:
        """Leave a service."""
        operator = self.world.operators[who]
        call = (operator.id, self.services[service])
        attempt(lambda: self.staking.leave(*call, sender=operator.owner))

    def release(self, who: int, service: int, around: int | None) -> None:
        """Free a standing bond, now or around the moment when that is allowed."""
        operator, left = self.world.operators[who].id, self.services[service]
        is_joined = (operator, str(left.address)) in self.ledger.stakes.standing
        if is_joined and around is not None:
            moment = self.staking.opt_in_of(operator, left).left_at + MAX_LOCK + around
            self.world.go_to(max(self.world.now, moment))
        attempt(lambda: self.staking.release_standing(operator, left))

    def change_key(self, who: int) -> None:
        """Replace an operator's key by one that consents."""
        self.keys += 1
        operator = self.world.operators[who]
        key = Account.from_key(keccak(text=f"key {self.keys}"))
        consent = net.consent(self.staking, key, operator.id, operator.owner)
        call = (operator.id, key.address, 2**64 - 1, FOREVER, consent)
        if attempt(lambda: self.staking.set_worker(*call, sender=operator.owner)):
            operator.worker = key.address

    @property
    def services(self) -> list:
        """All that were ever announced."""
        world = self.world
        return [world.replicated, world.jobs, world.demands, world.spare]

    # Credits

    def pull(self, who: int, requester: int, token: int) -> None:
        """Let everybody take out of Escrow what is theirs."""
        operator, payer = self.world.operators[who].id, self.world.requesters[requester]
        attempt(lambda: self.escrow.withdraw(token, sender=payer))
        attempt(lambda: self.escrow.withdraw_operator(operator, token))
        attempt(lambda: self.escrow.collect_fees(token))

    def reclaim(self, pick: int, around: int | None) -> None:
        """Take an agreement back, now or around the moment when anyone may."""
        agreements = [a for a in self.ledger.money.agreements.values() if a.left]
        if not agreements:
            return
        service, reference, token, expiry, fee = agreements[pick % len(agreements)].name
        moment = expiry + self.escrow.RECLAIM_AFTER()
        if around is not None:
            self.world.go_to(max(self.world.now, moment + around))
        done = attempt(lambda: self.escrow.reclaim(service, token, reference, expiry, fee))
        assert done == (self.world.now >= moment)

    # The end

    def everybody_leaves(self, sound: set[int]) -> None:
        """Let all take all that is theirs: nothing is left but what was given, in every token that
        never lied about its balances."""
        for token in sorted(sound):
            for account, of in list(self.ledger.money.credit):
                if of == token and self.escrow.credit_of(account, token):
                    self.escrow.withdraw(token, sender=account)
            for operator in self.world.operators:
                if self.escrow.operator_credit(operator.id, token):
                    self.escrow.withdraw_operator(operator.id, token)
            if self.escrow.fees_of(token):
                self.escrow.collect_fees(token)
            assert self.ledger.money.owed(token) == 0
        self._free_all_stake()
        assert self.ledger.stakes.owed == 0

    def _free_all_stake(self) -> None:
        pairs = [
            (operator, service) for operator in self.world.operators for service in self.services
        ]
        for operator, service in pairs:
            attempt(lambda o=operator, s=service: self.staking.leave(o.id, s, sender=o.owner))
        self.world.wait(MAX_LOCK)
        for operator, service in pairs:
            attempt(lambda o=operator, s=service: self.staking.release_standing(o.id, s))
        for who, operator in enumerate(self.world.operators):
            assert self.staking.locked_of(operator.id) == 0
            self.unstake(who, None)
        self.world.wait(net.UNBONDING * 2)
        for operator in self.world.operators:
            self._until_refused(lambda o=operator: self.staking.withdraw(o.id, sender=o.owner))

    @staticmethod
    def _until_refused(call: Callable[[], object]) -> None:
        while attempt(call):
            pass


def gift(world: WholeWorld, ledger: Ledger, token: int, amount: int) -> None:
    """Send tokens to both vaults that nobody asked for."""
    for vault in (world.staking, world.escrow):
        if token == 0:
            world.token.transfer(vault, amount, sender=world.net.owner)
        else:
            world.tokens[token].mint(vault, amount)
        ledger.given[str(vault.address), token] += amount
