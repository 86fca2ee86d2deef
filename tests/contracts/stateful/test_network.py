"""Random lives of the whole network: all contracts, all roles, hostile tokens, every deadline."""

from functools import cache

from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from tests.contracts.ledger.ledger import Ledger
from tests.contracts.ledger.provable import Provable
from tests.contracts.ledger.replicated import Replicated
from tests.contracts.stateful.delivery_play import BundlePlay, DeliveryPlay
from tests.contracts.stateful.life import Life, Scene
from tests.contracts.stateful.owner_play import OwnerPlay
from tests.contracts.stateful.provable_rules import PAIR_OF_KINDS, ProvableRules
from tests.contracts.stateful.replicated_rules import (
    AROUND,
    BLOCKS,
    LEAP,
    PICK,
    ROUND,
    ReplicatedRules,
)
from tests.contracts.stateful.tensor_cases import cases
from tests.contracts.stateful.tensor_play import TensorPlay
from tests.contracts.stateful.vault_play import VaultPlay, gift
from tests.contracts.stateful.whole_world import WholeWorld

WHO = st.integers(0, 7)
REQUESTER = st.integers(0, 2)
SERVICE = st.integers(0, 3)
TOKEN = st.integers(0, 3)
PARAMETERS = ["fee", "gas", "audit", "minimum", "cap", "unbonding", "pause", "unpause"]
PARAMETERS += ["admit", "retire"]
SELDOM_AROUND = st.sampled_from([-1, 0, 1, *[None] * 9])
"""Mostly no leap at all: those of the vaults are weeks, which no job outlives."""


@cache
def scene() -> Scene:
    cases()
    return Scene.of(WholeWorld)


class DemandRules(Life):
    """Whoever wants to see a trace or an output, and those who owe it."""

    provable: TensorPlay
    deliveries: DeliveryPlay

    @rule(pick=PICK, auditor=st.booleans(), requester=REQUESTER)
    def ask(self, pick: int, auditor: bool, requester: int) -> None:
        self.provable.ask(pick, auditor, requester)

    @rule(pick=PICK, auditor=st.booleans())
    def look(self, pick: int, auditor: bool) -> None:
        self.provable.look(pick, auditor)

    @rule(pick=PICK, way=st.sampled_from(["honest", "honest", "stranger", "wrong"]))
    def answer(self, pick: int, way: str) -> None:
        self.provable.answer(pick, way)

    @rule(pick=PICK, around=AROUND, output=st.booleans())
    def close(self, pick: int, around: int, output: bool) -> None:
        """Close a demand around the moment when its answer is due."""
        play = self.deliveries if output else self.provable
        self.world.go_to(max(self.world.now, play.due(pick) + around))
        play.close(pick)

    @rule(pick=PICK, stranger=st.sampled_from([False, False, False, True]))
    def demand_output(self, pick: int, stranger: bool) -> None:
        self.deliveries.demand(pick, stranger)

    @rule(pick=PICK, honest=st.booleans())
    def answer_output(self, pick: int, honest: bool) -> None:
        self.deliveries.answer(pick, honest)


class VaultRules(Life):
    """Owners who come and go, and everybody who takes what is theirs."""

    vaults: VaultPlay

    @rule(
        what=st.sampled_from(["stake", "unstake", "leave whole", "withdraw", "key"]),
        who=WHO,
        tokens=st.integers(1, 5_000),
        around=SELDOM_AROUND,
    )
    def move_stake(self, what: str, who: int, tokens: int, around: int | None) -> None:
        ways = {
            "stake": lambda: self.vaults.stake(who, tokens),
            "unstake": lambda: self.vaults.unstake(who, tokens),
            "leave whole": lambda: self.vaults.unstake(who, None),
            "withdraw": lambda: self.vaults.withdraw(who, around),
            "key": lambda: self.vaults.change_key(who),
        }
        ways[what]()

    @rule(
        what=st.sampled_from(["join", "leave", "release"]),
        who=WHO,
        service=SERVICE,
        ceiling=st.integers(0, 10**13),
        around=SELDOM_AROUND,
    )
    def move_service(
        self, what: str, who: int, service: int, ceiling: int, around: int | None
    ) -> None:
        ways = {
            "join": lambda: self.vaults.join(who, service, ceiling),
            "leave": lambda: self.vaults.leave(who, service),
            "release": lambda: self.vaults.release(who, service, around),
        }
        ways[what]()

    @rule(who=WHO, requester=REQUESTER, token=TOKEN)
    def pull(self, who: int, requester: int, token: int) -> None:
        self.vaults.pull(who, requester, token)

    @rule(pick=PICK, token=TOKEN, around=SELDOM_AROUND, gives=st.booleans())
    def reclaim_or_give(self, pick: int, token: int, around: int | None, gives: bool) -> None:
        if gives:
            gift(self.world, self.ledger, token, pick + 1)
        else:
            self.vaults.reclaim(pick, around)


class OwnerRules(Life):
    """Those who may set parameters, and tokens that were listed and turned."""

    owner: OwnerPlay

    @rule(what=st.sampled_from(PARAMETERS), value=PICK, around=SELDOM_AROUND)
    def govern(self, what: str, value: int, around: int | None) -> None:
        if what == "admit":
            self.owner.admit(around)
        elif what == "retire":
            if value % 4 == 0:  # else nobody could live
                self.owner.retire(value // 4 % 4)
        else:
            self.owner.govern(what, value)

    @rule(which=st.integers(0, 1), mode=st.integers(0, 6), pick=PICK)
    def turn(self, which: int, mode: int, pick: int) -> None:
        self.owner.turn(which, mode, pick)


class NetworkMachine(ReplicatedRules, ProvableRules, DemandRules, VaultRules, OwnerRules):
    """Eight operators of seven owners, three requesters, a watcher, four tokens."""

    world: WholeWorld
    provable: TensorPlay

    def books(self) -> Ledger:
        world = self.world
        ledger = Ledger(world.net)
        replicated = ledger.keep_lane(world.replicated, Replicated)
        provable = ledger.keep_lane(world.views, Provable)
        ledger.keep_demands(world.demands, (replicated, provable))
        return ledger

    @initialize(pick=PICK, kinds=ROUND, pair=PAIR_OF_KINDS, audited=st.booleans())
    def start(self, pick: int, kinds: list[str], pair: tuple[str, str], audited: bool) -> None:
        self.begin(scene())
        for operator in self.world.operators:  # whose keys the life before may have changed
            operator.worker = self.world.worker_of(operator.id)
        tokens = len(self.world.tokens)
        self.replicated = BundlePlay(self.world.side, tokens)
        self.provable = TensorPlay(self.world, tokens)
        self.deliveries = DeliveryPlay(self.replicated, self.provable)
        self.vaults = VaultPlay(self.world, self.ledger)
        self.owner = OwnerPlay(self.world)
        self.replicated.post({}, 0, 0)
        self.provable.post({}, 0, pick % 60)
        self.provable.live(pick, pair, audited, (True, True))
        self.replicated.work(pick, kinds)

    @rule(seconds=LEAP, blocks=BLOCKS)
    def wait(self, seconds: int, blocks: int) -> None:
        self.world.wait(seconds, blocks)

    @invariant()
    def other_tokens_are_held_too(self) -> None:
        """Whatever tokens do: none but those that lie about balances is ever short."""
        if not hasattr(self, "owner"):
            return
        escrow = str(self.world.escrow.address)
        for token in self.owner.sound - {0}:
            held = self.world.held(token, escrow)
            assert held == self.ledger.money.owed(token) + self.ledger.given[escrow, token]

    def crank_everything(self) -> None:
        self.replicated.crank_everything()
        self.provable.crank_everything()
        self.deliveries.crank_everything()
        assert not any(agreement.left for agreement in self.ledger.money.agreements.values())
        for token in sorted(self.owner.sound - {0, 1}):
            self.world.tokens[token].set_mode(0, self.world.escrow, b"")
        self.world.wait(10 * self.world.jobs.PRIORITY())
        for seat in sorted(self.provable.waiting):
            self.world.jobs.release_bounty(seat)
        self.vaults.everybody_leaves(self.owner.sound)


class TestNetwork(NetworkMachine.TestCase):
    """Deploys before the first example, whose end undoes all that it did."""

    @classmethod
    def setUpClass(cls) -> None:
        scene()
