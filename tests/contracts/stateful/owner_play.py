"""What the owner, the guardian and hostile tokens do while everybody else works."""

from tests.contracts.calls import calls_of
from tests.contracts.stateful import network as net
from tests.contracts.stateful.life import attempt
from tests.contracts.stateful.whole_world import (
    CALLS_BACK,
    CALLS_BACK_WHEN_ASKED,
    HOSTILE,
    IMAGINES,
    WholeWorld,
)


class OwnerPlay:
    """Parameters within their bounds, pauses, services that come and go; tokens that turn."""

    def __init__(self, world: WholeWorld) -> None:
        self.world = world
        self.sound = set(range(len(world.tokens)))
        contracts = [world.escrow, world.staking, world.replicated, world.jobs, world.demands]
        contracts += [world.courts, world.registry, world.token]
        payer = world.requesters[0]
        self.calls = [(c.address, call.data) for c in contracts for call in calls_of(c, payer)]

    def govern(self, what: str, value: int) -> None:
        """Set a parameter somewhere in, or a little outside of, its bounds."""
        world = self.world
        settings = {
            "fee": lambda: world.escrow.set_fee_bps(value % 1_100, sender=world.net.owner),
            "gas": lambda: world.courts.set_gas_price(value % 10**10, sender=world.net.owner),
            "audit": lambda: world.courts.set_least_audit_bps(
                value % 11_000, sender=world.net.owner
            ),
            "minimum": lambda: world.staking.set_minimum_stake(
                value % 3_000, sender=world.net.owner
            ),
            "cap": lambda: world.staking.set_weight_cap(value % 10_000, sender=world.net.owner),
            "unbonding": lambda: world.staking.set_unbonding(
                value % (40 * net.DAY), sender=world.net.owner
            ),
            "pause": lambda: world.escrow.pause(value % (15 * net.DAY), sender=world.net.guardian),
            "unpause": lambda: world.escrow.pause(0, sender=world.net.guardian),
        }
        attempt(settings[what])

    def admit(self, around: int | None) -> None:
        """Admit the service that was announced, now or around the moment when that is allowed."""
        spare, owner = self.world.spare, self.world.net.owner
        announced = self.world.staking.service(spare).announced_at
        if announced and around is not None:
            moment = announced + self.world.staking.unbonding() + 7 * net.DAY
            self.world.go_to(max(self.world.now, moment + around))
        attempt(lambda: self.world.staking.admit_service(spare, sender=owner))

    def retire(self, which: int) -> None:
        """Retire a service; what it began goes on."""
        world = self.world
        service = [world.spare, world.replicated, world.jobs, world.demands][which]
        attempt(lambda: world.staking.retire_service(service, sender=world.net.owner))

    def turn(self, which: int, mode: int, pick: int) -> None:
        """Make a token hostile, or honest again; some call any function of any contract."""
        index = HOSTILE[which]
        target, data = self.calls[pick % len(self.calls)]
        if mode in (CALLS_BACK, CALLS_BACK_WHEN_ASKED) and pick % 3 == 0:
            target, data = self.world.escrow.address, self._theft(index, pick)
        if mode == IMAGINES:
            self.sound.discard(index)
        self.world.tokens[index].set_mode(mode, target, data)

    def _theft(self, token: int, pick: int) -> bytes:
        """Return a call that pays somebody out."""
        escrow = self.world.escrow
        operator = self.world.operators[pick % len(self.world.operators)].id
        ways = [
            lambda: escrow.withdraw_operator.prepare_calldata(operator, token),
            lambda: escrow.collect_fees.prepare_calldata(token),
            lambda: escrow.withdraw_operator.prepare_calldata(operator, 0),
            lambda: escrow.collect_fees.prepare_calldata(0),
        ]
        return ways[pick % len(ways)]()
