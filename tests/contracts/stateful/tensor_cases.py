"""Programs whose tasks were run honestly, and the lies that seats may tell of one of them."""

from dataclasses import dataclass
from functools import cache
from random import Random

from tests.contracts.court.disputes import Dispute, dispute, other_value
from tests.contracts.provable_world import ProvableJob
from worker.tensor.dispute import Lie, Statement
from worker.tensor.program import Opcode


@dataclass(frozen=True)
class Case:
    """A task of a program that was run, and what its seats may say of it: the truth, or lies."""

    about: Dispute
    said: dict[str, Statement]
    lies: dict[str, Lie]

    def truth(self, task: int) -> bytes:
        """Return the root an honest seat opens; of tasks that nobody looks at any root will do."""
        is_ours = task == self.about.job.task
        return self.said["truth"].trace.root if is_ours else bytes([task + 1]) * 32

    def kind_of(self, root: bytes) -> str | None:
        """Return what was said by whoever opened this root."""
        return next((kind for kind, said in self.said.items() if said.trace.root == root), None)


@cache
def cases() -> list[Case]:
    """Return programs whose lies show in a checkpoint, and such as hide them within a segment."""
    found = []
    for opcode in (Opcode.MATMUL, Opcode.ADD, Opcode.NORM):
        for is_hidden in (False, True):
            makes = (_case(opcode, seed) for seed in range(100))
            hides = (
                case for case in makes if (case.lies["lie"].claim.inner != bytes(32)) == is_hidden
            )
            found.append(next(hides))
    return found


def _case(opcode: Opcode, seed: int) -> Case:
    about, rng = dispute(opcode, seed), Random(seed)
    tensor = about.tensors[about.target]
    kind = about.program.ops[about.target].output.type
    right = int(tensor[0, 0])
    wrong = other_value(kind, right, rng)
    another = next(v for v in range(-2, 3) if v not in (right, wrong))
    said = {
        "truth": about.statement,
        "lie": about.corrupted(about.target, 0, 0, wrong),
        "other lie": about.corrupted(about.target, 0, 0, another),
    }
    lies = {name: about.convict(statement) for name, statement in said.items() if name != "truth"}
    return Case(about, said, lies)


class TensorJob(ProvableJob):
    """A job of which one task is a case's; its lies are told about that one."""

    case: Case

    def truths(self, batch: int = 0) -> list[bytes]:
        return [self.case.truth(task) for task in self.terms.tasks_in(batch)]

    def lies(self, name: str, batch: int = 0) -> list[bytes]:
        ours = self.case.about.job.task
        return [
            self.case.said[name].trace.root if task == ours else self.case.truth(task)
            for task in self.terms.tasks_in(batch)
        ]
