"""What every random life of a network has: a scene that it starts from, books, and refusals."""

import re
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

import boa
from hypothesis.stateful import RuleBasedStateMachine, invariant

from tests.contracts.jobs_world import World
from tests.contracts.ledger.ledger import Ledger
from tests.contracts.ledger.recorder import Fact, recording

STEPS_PER_CHECK = 4
REASON = re.compile(r"[a-z_ ]+: [a-z]")


@dataclass
class Scene:
    """A network as every life finds it, and all events that led there."""

    world: World
    facts: list[Fact] = field(default_factory=list)

    @classmethod
    def of(cls, build: Callable[[], World]) -> "Scene":
        """Build a world, listening."""
        facts: list[Fact] = []
        with recording(facts.append):
            world = build()
        return cls(world, facts)


def attempt(call: Callable[[], object]) -> bool:
    """Make a call that may be refused, but only for a reason in our own words."""
    try:
        call()
    except boa.BoaError as error:
        reason = str(getattr(error.stack_trace.last_frame, "pretty_vm_reason", error))
        assert REASON.match(reason), error
        return False
    return True


class Life(RuleBasedStateMachine):
    """One life on a scene. Nothing of it is left when it ends, after everything was cranked."""

    world: World
    ledger: Ledger

    def begin(self, scene: Scene) -> None:
        """Start from the scene, with its books."""
        self.world = scene.world
        self.ledger = self.books()
        for fact in scene.facts:
            self.ledger.take(fact)
        self._hashes = list(boa.env.evm.patch.prev_hashes)
        self._steps = 0
        self._undo = ExitStack()
        self._undo.enter_context(boa.env.anchor())
        self._undo.enter_context(recording(self.ledger.take))

    def books(self) -> Ledger:
        """Return empty books for the scene's contracts."""
        raise NotImplementedError

    def crank_everything(self) -> None:
        """Bring everything to its end by calls that anyone may make (invariant 4)."""
        raise NotImplementedError

    @invariant()
    def books_and_views_agree(self) -> None:
        """Every step what the vaults hold, every few steps everything (invariants 1 to 3)."""
        if not hasattr(self, "_undo"):
            return
        self._steps += 1
        if self._steps % STEPS_PER_CHECK:
            self.ledger.check_vaults()
        else:
            self.ledger.check()

    def teardown(self) -> None:
        if not hasattr(self, "_undo"):
            return
        with self._undo:
            self.ledger.check()
            self.crank_everything()
            self.ledger.check()
        boa.env.evm.patch.prev_hashes = self._hashes
