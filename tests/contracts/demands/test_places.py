"""demand: what can be asked for, and that whoever is honest can answer all of it."""

from random import Random

import boa
import pytest
from boa.contracts.base_evm_contract import BoaError

from tests.contracts.court.disputes import dispute
from tests.contracts.demands.asked import Asked
from tests.contracts.demands.programs import bent, places
from tests.contracts.tensor_world import TOP, answer_to, shown_for
from worker.protocol.demands import Kind, Place
from worker.tensor.program import Opcode
from worker.tensor.trace import Trace

MARK = b"\x01" * 32


def test_demand__every_kind_of_place__is_answered_by_the_honest(asked):
    asked.open_segments()
    tops = [Place(Kind.SEGMENT, segment, 0, 0) for segment in range(2)]
    known = [place for place in places(asked.about.program) if place not in tops]
    edges = [
        place
        for place in known
        if place.number in (0, 1, 64, 129) and place.position in (0, 1, 32, 49, 63, 64, 99)
    ]

    for place in edges:
        asked.answer(asked.ask(place))

    assert {(place.kind, place.level) for place in edges} == {
        *((kind, level) for kind in (Kind.TRACE, Kind.SEGMENT, Kind.TENSOR) for level in (0, 6)),
        (Kind.LINE, 7),
    } - {(Kind.SEGMENT, 0)}


@pytest.mark.parametrize("opcode", list(Opcode), ids=lambda opcode: opcode.name)
def test_demand__whatever_is_accepted__an_honest_seat_can_answer(world, opcode):
    rng = Random(f"places of {opcode}")
    about = dispute(opcode, 10 + opcode)
    asked = Asked.opened(world, about)
    asked.open_segments()
    real = [place for place in places(about.program) if place.kind != Kind.SEGMENT or place.level]
    for place in rng.sample(real, min(4, len(real))):
        asked.answer(asked.ask(place))
    known = places(about.program)
    for _ in range(8):
        place = rng.choice(real)
        wrong, shown = bent(place, rng), asked.show(place)
        try:
            demand = asked.ask(wrong, shown)
        except (BoaError, ValueError):
            continue
        assert demand.place in known
        asked.answer(demand)


def test_demand__random_evidence__is_refused(asked):
    rng = Random(5)
    for place in rng.sample(places(asked.about.program), 12):
        if asked.about.program.ops[place.number].is_checkpoint or place.kind == Kind.TRACE:
            shown = bytearray(asked.show(place))
            shown[rng.randrange(len(shown))] ^= 1 << rng.randrange(8)
            with boa.reverts():
                asked.ask(place, bytes(shown))


REFUSED = [
    (Place(Kind.TRACE, 1, 0, 0), "demands: no such trace"),
    (Place(Kind.TRACE, 0, 0, 1), "demands: no such node"),
    (Place(Kind.TRACE, 0, 1, 0), "demands: no such node"),
    (Place(Kind.TRACE, 0, 7, 0), "demands: no such node"),
    (Place(Kind.TRACE, 0, 6, 64), "demands: no such node"),
    (Place(Kind.TRACE, 0, 12, 0), "demands: no such node"),
    (Place(Kind.TRACE, 0, 2**255, 0), "demands: no such node"),
    (Place(Kind.TRACE, 0, 6, 2**255), "demands: no such node"),
    (Place(Kind.SEGMENT, 2, 0, 0), "demands: no such segment"),
    (Place(Kind.SEGMENT, 2**16, 0, 0), "demands: no such segment"),
    (Place(Kind.TENSOR, 64, 12, 0), "demands: no such node"),
    (Place(Kind.TENSOR, 64, 3, 0), "demands: no such node"),
    (Place(Kind.LINE, 64, 7, 100), "demands: no such line"),
    (Place(Kind.LINE, 64, 6, 0), "demands: no such line"),
]


@pytest.mark.parametrize(("place", "reason"), REFUSED)
def test_demand__place_that_does_not_exist__reverts(asked, place, reason):
    known = TOP if place.kind in (Kind.TRACE, Kind.SEGMENT) else Place(Kind.TENSOR, 64, 0, 0)

    with boa.reverts(reason):
        asked.ask(place, asked.show(known) + bytes(64))


@pytest.mark.parametrize("opcode", [Opcode.ADD, Opcode.MATMUL])
def test_demand__level_where_there_are_leaves_already__reverts(world, opcode):
    asked = Asked.opened(world, dispute(opcode, 1))

    with boa.reverts("demands: no such node"):
        asked.ask(TOP._replace(level=6), asked.show(TOP) + bytes(7 * 32))


@pytest.mark.parametrize("number", [130, 255, 2**16, 2**255])
def test_demand__operator_that_does_not_exist__reverts(asked, number):
    place = Place(Kind.TENSOR, number, 0, 0)

    with boa.reverts("demands: no such operator"):
        asked.ask(place, asked.show(TOP) + bytes(512))


def test_demand__unknown_kind__reverts(asked):
    with boa.reverts("demands: no such kind"):
        asked.ask(TOP._replace(kind=4), asked.show(TOP) + bytes(512))


def test_demand__more_evidence_than_there_is__reverts(asked):
    with boa.reverts("demands: wrong length"):
        asked.ask(TOP, asked.show(TOP) + b"\0")


def test_demand__another_programs_head__reverts(asked):
    other = dispute(Opcode.ADD, 1)

    with boa.reverts("court: another program"):
        asked.ask(TOP, shown_for(other.program, other.statement, TOP))


def test_demand__another_operators_descriptor__reverts(asked):
    shown = asked.show(Place(Kind.TENSOR, 129, 0, 0))

    with boa.reverts("court: another program"):
        asked.ask(Place(Kind.TENSOR, 64, 0, 0), shown)


def test_demand__tensor_without_checkpoint__only_behind_its_segments_answer(asked):
    place = Place(Kind.TENSOR, 1, 0, 0)
    with boa.reverts("tensors: not in the segment"):
        asked.ask(place)

    asked.open_segments()

    asked.answer(asked.ask(place))


@pytest.mark.parametrize(
    "place",
    [
        Place(Kind.TRACE, 0, 6, 33),  # 130 operators: the last four of them begin at 128
        Place(Kind.TENSOR, 1, 6, 50),  # 100 lines, two a node: the first node without any
    ],
    ids=lambda place: place.kind.name,
)
def test_demand__padding_alone__reverts(asked, place):
    asked.open_segments()
    asked.answer(asked.ask(place._replace(position=place.position - 1)))

    with boa.reverts("demands: padding alone"):
        asked.ask(place)


def test_demand__what_a_liar_hides_in_the_padding__is_due(world, deep):
    leaves = [*deep.statement.trace.leaves, *[bytes(32)] * 126]
    leaves[200] = MARK
    said = type(deep.statement)(Trace(leaves), deep.statement.inner, deep.statement.tensors)
    asked = Asked.opened(world, deep, said)
    asked.answer(asked.ask(TOP))
    demand = asked.ask(Place(Kind.TRACE, 0, 6, 200 >> 2))

    asked.answer(demand)

    assert answer_to(said, demand.place)[:32] == MARK
