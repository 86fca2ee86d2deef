"""What an answer costs whoever gives it, and what its bond pays for it."""

from collections.abc import Iterator

import boa
import pytest

from tests.contracts.demands.asked import Asked
from tests.contracts.demands.programs import copies
from tests.contracts.tensor_world import TOP, DemandsWorld, answer_to
from worker.protocol.demands import ANSWER_GAS, BYTE_GAS, Kind, Place

BASE = 21_000
MOST_FEE = 1_000  # basis points, of Escrow
LONGEST = 16_400  # bytes of a line


@pytest.fixture
def own_world() -> Iterator[DemandsWorld]:
    """A chain of its own, on which a transaction finds what was written before it.

    Of a name of its own too: ape takes fixtures of one name for one, and isolates them wrongly.
    """
    with boa.swap_env(boa.Env()):
        yield DemandsWorld()


def paid_for(asked: Asked, place: Place) -> tuple[int, int]:
    """Answer a demand; return the gas that the bond pays for, and the gas that it took.

    Calldata is counted by the dearer of the two rules, at 4 to 16 gas a byte beside what is
    executed, or at 10 to 40 alone.
    """
    demand = asked.ask(place)
    data = answer_to(asked.said, place)
    boa.env.evm.vm.state.lock_changes()
    asked.answer(demand, data)
    call = asked.world.demands.answer.prepare_calldata(asked.job.members, demand, data)
    tokens = 4 * len(call) - 3 * call.count(0)
    execution = asked.world.demands._computation.net_gas_used
    paid = ANSWER_GAS + BYTE_GAS * demand.expected.size
    return paid * (10_000 - MOST_FEE) // 10_000, BASE + max(4 * tokens + execution, 10 * tokens)


@pytest.mark.ignore_isolation
def test_bond__pays_for_every_kind_of_answer(own_world):
    found = []
    for about in (copies(130, 100, 300, 65), copies(2, 33, LONGEST, 2)):
        asked = Asked.opened(own_world, about)
        last = len(about.tensors) - 1
        depth = asked.said.tensors[last].tree.depth
        for place in (
            TOP,
            Place(Kind.SEGMENT, 0, 0, 0),
            Place(Kind.TENSOR, last, 0, 0),
            Place(Kind.LINE, last, depth, 32),
        ):
            found.append((place, *paid_for(asked, place)))

    assert [row for row in found if row[1] < row[2]] == [], found
    dearest = max(found, key=lambda row: row[2])
    assert dearest[0].kind == Kind.LINE
    assert dearest[1] < 2 * dearest[2]  # nor much more
