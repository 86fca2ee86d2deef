"""Proofs that must not convict: honest ones, and lies bent in every way to fit an honest trace.

A mutation takes a scene and returns a claim about an honest trace, and a proof against it.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.contracts.court.disputes import Dispute, other_value
from worker.tensor.commit import ZERO, Tree
from worker.tensor.dispute import Statement
from worker.tensor.program import Opcode, Source
from worker.tensor.proof import Claim, Exhibits, prove_element, prove_leaf, prove_line

HEAD = 75  # verdict, operator, counts, roots
DESCRIPTOR = 192
Mutated = tuple[Claim, bytes]


@dataclass
class Scene:
    """An honest trace and somebody who wants its operator convicted."""

    about: Dispute
    rng: random.Random

    def __post_init__(self) -> None:
        self.honest = self.about.exhibits()
        self.claim = self.honest.claim
        self.operator = self.rng.randrange(len(self.about.tensors))
        self.row, self.col = self.place(self.operator)

    def place(self, operator: int) -> tuple[int, int]:
        """Return an element, or of ARGMAX a row and a column for a witness."""
        op = self.about.program.ops[operator]
        cols = (op.a if op.opcode is Opcode.ARGMAX else op.output).type.cols
        return self.rng.randrange(op.output.type.rows), self.rng.randrange(cols)

    def lie(self) -> Statement:
        """Return the statement of somebody who lied about the element."""
        col = min(self.col, self.about.tensors[self.operator].shape[1] - 1)
        value = int(self.about.tensors[self.operator][self.row, col])
        type = self.about.program.ops[self.operator].output.type
        return self.about.corrupted(
            self.operator, self.row, col, other_value(type, value, self.rng)
        )

    def proof(self, exhibits: Exhibits | None = None) -> bytes:
        """Return the proof that the element is wrong."""
        return prove_element(exhibits or self.opened, self.operator, self.row, self.col)

    @property
    def opened(self) -> Exhibits:
        """The honest exhibits, with the operator's segment opened."""
        return self._opened(self.honest)

    def lying(self) -> Exhibits:
        """The exhibits of a lie, with the operator's segment opened."""
        said = self.lie()
        exhibits = replace(self.honest, trace=said.trace, tensors=said.tensors)
        return replace(exhibits, inner=said.inner[self._segment])

    @property
    def _segment(self) -> int:
        return self.about.program.ops[self.operator].segment

    def _opened(self, exhibits: Exhibits) -> Exhibits:
        inner = self.about.statement.inner[self._segment]
        return replace(exhibits, inner=inner)


def honest(scene: Scene) -> Mutated:
    """Nothing is changed: the element is right."""
    return scene.opened.claim, scene.proof()


def lie(scene: Scene) -> Mutated:
    """A proof against another trace."""
    return scene.opened.claim, scene.proof(scene.lying())


def byte(scene: Scene) -> Mutated:
    """One byte is another, anywhere."""
    proof = bytearray(scene.proof())
    proof[scene.rng.randrange(len(proof))] ^= scene.rng.randrange(1, 256)
    return scene.opened.claim, bytes(proof)


def head_byte(scene: Scene) -> Mutated:
    """One byte is another, in the head, the descriptor or the place of the element."""
    proof = bytearray(scene.proof())
    size = HEAD + DESCRIPTOR + 8
    proof[scene.rng.randrange(size)] ^= 1 << scene.rng.randrange(8)
    return scene.opened.claim, bytes(proof)


def length(scene: Scene) -> Mutated:
    """Bytes are missing or too many, at the end or within."""
    proof, rng = scene.proof(), scene.rng
    count = rng.choice([1, 4, 32, 64, 192, 1024])
    at = rng.choice([len(proof), rng.randrange(len(proof)), HEAD, HEAD + DESCRIPTOR])
    if rng.random() < 0.5:
        return scene.opened.claim, proof[:at] + rng.randbytes(count) + proof[at:]
    return scene.opened.claim, proof[: max(0, at - count)] + proof[at:]


def swapped_words(scene: Scene) -> Mutated:
    """Two words change places: siblings, digests, or parts of chunks."""
    proof, rng = scene.proof(scene.lying() if scene.rng.random() < 0.5 else None), scene.rng
    words = (len(proof) - HEAD) // 32
    i, j = sorted(rng.sample(range(words), 2))
    if rng.random() < 0.5:
        j = i + 1 if i + 1 < words else i
    a, b = len(proof) - 32 * (j + 1), len(proof) - 32 * (i + 1)
    swapped = bytearray(proof)
    swapped[a : a + 32], swapped[b : b + 32] = proof[b : b + 32], proof[a : a + 32]
    return scene.opened.claim, bytes(swapped)


def another_element(scene: Scene) -> Mutated:
    """The openings of one element under the name of another."""
    proof = bytearray(scene.proof())
    at = len(proof) - len(proof[HEAD + DESCRIPTOR :])
    at += 32 * scene.about.program.operators_tree.depth
    row, col = scene.place(scene.operator)
    proof[at : at + 8] = row.to_bytes(4, "big") + col.to_bytes(4, "big")
    return scene.opened.claim, bytes(proof)


def another_operator(scene: Scene) -> Mutated:
    """The head of one operator and the openings of another."""
    size = HEAD + DESCRIPTOR + 32 * scene.about.program.operators_tree.depth
    mine = scene.proof()
    claim = scene.opened.claim
    scene.operator = scene.rng.randrange(len(scene.about.tensors))
    scene.row, scene.col = scene.place(scene.operator)
    other = scene.proof()
    return claim, other[:size] + mine[size:]


def operator_number(scene: Scene) -> Mutated:
    """The operator's number is another, or an alias of its own."""
    proof, rng = bytearray(scene.proof()), scene.rng
    depth = scene.about.program.operators_tree.depth
    number = rng.choice([scene.operator + (1 << depth), rng.randrange(8), rng.randrange(2**16)])
    proof[1:3] = number.to_bytes(2, "big")
    return scene.opened.claim, bytes(proof)


def verdict(scene: Scene) -> Mutated:
    """The proof of an element as that of something else."""
    proof = bytearray(scene.proof(scene.lying() if scene.rng.random() < 0.5 else None))
    proof[0] = scene.rng.choice([0, 2, 3, 4, 5, 255])
    return scene.opened.claim, bytes(proof)


def another_task(scene: Scene) -> Mutated:
    """A right proof in a claim about another task, or with another number of tasks."""
    claim, rng = scene.opened.claim, scene.rng
    changes = [
        {"task": claim.task + 1},
        {"task": claim.task + (1 << scene.honest.tasks.depth)},
        {"tasks": claim.tasks + rng.randrange(1, 4)},
        {"inputs": rng.randbytes(32)},
    ]
    return claim._replace(**rng.choice(changes)), scene.proof()


def another_segment(scene: Scene) -> Mutated:
    """A right proof in a claim with another segment's number or trace, or none."""
    claim, rng = scene.opened.claim, scene.rng
    changes = [
        {"segment": claim.segment + 1},
        {"segment": claim.segment + 2**16},
        {"inner": ZERO},
        {"inner": claim.trace},
        {"trace": claim.inner},
    ]
    return claim._replace(**rng.choice(changes)), scene.proof()


def swapped_operands(scene: Scene) -> Mutated:
    """A lie in what was read: the operands are others than those that were committed to."""
    lying = scene.lying()
    tensors = {**lying.tensors, scene.operator: scene.honest.tensors[scene.operator]}
    scene.operator = min(scene.operator + 1, len(scene.about.tensors) - 1)
    scene.row, scene.col = scene.place(scene.operator)
    return scene.opened.claim, scene.proof(replace(lying, tensors=tensors))


def another_input(scene: Scene) -> Mutated:
    """Inputs that are not the task's."""
    inputs = [tensor.copy() for tensor in scene.honest.inputs]
    for tensor in inputs:
        tensor[0, 0] ^= 1
    return scene.opened.claim, scene.proof(replace(scene.opened, inputs=inputs))


def leaf(scene: Scene) -> Mutated:
    """A leaf of an honest trace, padding too: it is due or empty."""
    source = scene.rng.choice([Source.CHECKPOINT, Source.INNER])
    tree = scene.opened.tree_of(source)
    index = scene.rng.randrange(2**tree.depth)
    leaves = [*tree.leaves, *[ZERO] * (2**tree.depth - len(tree.leaves))]
    padded = replace(scene.opened, trace=type(scene.honest.trace)(leaves))
    if source is Source.INNER:
        padded = replace(scene.opened, inner=type(scene.honest.trace)(leaves, scene._segment))
    return scene.opened.claim, prove_leaf(padded, source, index)


def node_as_leaf(scene: Scene) -> Mutated:
    """A leaf or a node of the trace under the number of a leaf that must be zero."""
    program, rng = scene.about.program, scene.rng
    tree = scene.opened.trace.tree
    index = rng.randrange(len(program.ops), len(program.ops) + (2 << tree.depth))
    node = tree.leaves[rng.randrange(len(tree.leaves))]
    path = tree.path(rng.randrange(len(tree.leaves)))
    climbed = rng.randrange(tree.depth + 1)
    if climbed:
        node = path[climbed - 1]
    head = bytes([rng.choice([2, 3])]) + index.to_bytes(2, "big") + program.header[2:10]
    constants = program.constants_tree.root if program.constants_tree else ZERO
    roots = program.inputs_digest + constants + program.operators_tree.root
    proof = head + roots + node + b"".join(path[climbed:])
    return scene.opened.claim, proof.ljust(768, b"\0")


def line(scene: Scene) -> Mutated:
    """A line of an honest tensor, its padding, or one of them under another number."""
    operator, rng = scene.operator, scene.rng
    held = scene.opened.tensors[operator]
    size = 2**held.tree.depth
    leaves = [*held.tree.leaves, *[ZERO] * (size - len(held.tree.leaves))]
    held.tree = Tree(leaves)
    index = rng.randrange(size)
    proof = bytearray(prove_line(scene.opened, operator, index))
    if rng.random() < 0.7:
        at = HEAD + DESCRIPTOR + 32 * scene.about.program.operators_tree.depth
        number = rng.choice([index + size, rng.randrange(2 * size), rng.randrange(2**32)])
        proof[at : at + 4] = number.to_bytes(4, "big")
    return scene.opened.claim, bytes(proof)


def counts(scene: Scene) -> Mutated:
    """The header's counts are others."""
    proof = bytearray(scene.proof())
    at = 3 + 2 * scene.rng.randrange(4)
    proof[at : at + 2] = scene.rng.randrange(2**16).to_bytes(2, "big")
    if proof == scene.proof():
        proof[at + 1] ^= 1
    return scene.opened.claim, bytes(proof)


MUTATIONS: list[Callable[[Scene], Mutated]] = [
    honest,
    lie,
    byte,
    head_byte,
    length,
    swapped_words,
    another_element,
    another_operator,
    operator_number,
    verdict,
    another_task,
    another_segment,
    swapped_operands,
    another_input,
    leaf,
    node_as_leaf,
    line,
    counts,
]
