"""Demands, from both sides: what is demanded next, what silence costs, what is answered and how."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.worker.services.challenge_actors import KEY, LIAR, Scene
from tests.worker.services.service_actors import JOB, ME
from worker.protocol.demands import Bond, Demand, Expected, Kind, Place, Seat
from worker.protocol.outbox import TxState
from worker.services.challenge.answerer import Answerer
from worker.services.challenge.demander import Demander
from worker.storage.challenges import Case, CaseState
from worker.storage.demands import Demanded
from worker.tensor.build import Builder, Fin, Keep
from worker.tensor.dispute import Missing
from worker.tensor.numbers import IDENTITY
from worker.tensor.program import DType, Program
from worker.types import Address, TaskIndex, Wei

TOP = Place(Kind.TRACE, 0, 0, 0)
DUE = 1_050
BOND = 500
HOME = Address("0x90F79bf6EB2c4f870365E785982E1f101E93b906")


class FakeContracts:
    """Answers calls by a table, and words calldata as its function's name."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self.answers = dict(answers)

    async def call(self, contract: str, function: str, *args: Any, **more: Any) -> Any:
        return self.answers[function]

    def encode(self, contract: str, function: str, *args: Any) -> bytes:
        return f"{contract}.{function}{args[-1]!r}".encode()

    def address(self, contract: str) -> Address:
        return HOME


def _program() -> Program:
    build = Builder()
    value = build.input(DType.I8, 2, 300)
    for _ in range(3):
        value = build.requant(value, IDENTITY, Fin(DType.I8))
    build.output(value)
    return build.build(Keep.ALL)


def _demanded(id: bytes, operator: int = LIAR, due: int = DUE, place: Place = TOP) -> Demanded:
    demand = Demand(Seat(0, 0, operator, 1), place, Expected(b"", 0, 128), Bond(due, Wei(BOND), 0))
    return Demanded(id, 7, JOB, demand)


class Asking(Scene):
    """A suspect of whom something must be demanded."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.cases.add(Case(KEY, CaseState.SUSPECT, TaskIndex(1)))
        self.contracts = FakeContracts(
            {"bond_for": BOND, "allowance": BOND, "balanceOf": BOND, "fee_bps": 250}
        )
        self.docket.contracts = self.contracts  # type: ignore[assignment]
        self.asker = Demander(
            self.desk.chain, self.docket, self.cases, self.demands, self.desk.outbox,
            self.told.append,
        )  # fmt: skip

    async def ask(self, place: Place = TOP) -> None:
        await self.asker.demand(self.case, Missing(place), _program())

    @property
    def id(self) -> bytes:
        return self.docket.demand_id(KEY, TaskIndex(1), TOP)


@pytest.fixture
def asking(tmp_path: Path) -> Asking:
    return Asking(tmp_path)


async def test_demand__nothing_asked_yet__is_sent_once(asking):
    await asking.ask()
    await asking.ask()
    (entry,) = asking.desk.outbox.entries()
    assert entry.intent.purpose == f"demand:{asking.id.hex()}:0"
    assert entry.intent.data.startswith(b"Demands.demand")
    assert "demanding trace, node 0/0" in asking.told[0]


async def test_demand__no_allowance__gives_one_first(asking):
    asking.contracts.answers["allowance"] = BOND - 1
    await asking.ask()
    (entry,) = asking.desk.outbox.entries()
    assert entry.intent.data == f"Token.approve{64 * BOND}".encode()


async def test_demand__no_tokens__waits_and_says_why(asking):
    asking.contracts.answers.update(allowance=0, balanceOf=BOND - 1)
    await asking.ask()
    assert asking.desk.outbox.entries() == []
    assert "lacks the 500 wei of tokens" in asking.case.reason


async def test_demand__anybodys_is_open__waits_for_its_answer(asking):
    asking.demands.add(_demanded(asking.id))
    asking.at(DUE - 1)
    await asking.ask()
    assert asking.desk.outbox.entries() == []


async def test_demand__not_answered_in_time__has_the_bond_burnt(asking):
    asking.demands.add(_demanded(asking.id))
    asking.at(DUE)
    await asking.ask()
    await asking.ask()
    (entry,) = asking.desk.outbox.entries()
    assert entry.intent.data.startswith(b"Demands.close")
    assert "did not answer" in asking.told[0]


async def test_demand__refused__is_tried_again_later(asking):
    await asking.ask()
    asking.mine("demand", TxState.FAILED, "demands: kept for the parties")
    await asking.ask()
    assert (asking.case.tries, asking.case.reason) == (1, "demands: kept for the parties")
    await asking.ask()
    assert len(asking.desk.outbox.entries()) == 1
    asking.at(asking.case.retry_at)
    await asking.ask()
    assert len(asking.desk.outbox.entries()) == 2


class FakeRuns:
    """Answers everything alike."""

    def __init__(self) -> None:
        self.asked: list[Place] = []

    async def answer(self, job: Any, batch: int, task: int, place: Place) -> bytes:
        self.asked.append(place)
        return b"answer"


class Answering(Scene):
    """This worker's own seats, of which something is demanded."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.contracts = FakeContracts({})
        self.desk.chain.contracts = self.contracts  # type: ignore[assignment]
        self.runs = FakeRuns()
        self.answerer = Answerer(self.desk, self.demands, self.runs)  # type: ignore[arg-type]

    def demand(self, demanded: Demanded) -> None:
        self.demands.add(demanded)
        self.contracts.answers["record_of"] = demanded.demand.record

    async def tick(self) -> None:
        await self.answerer.tick()
        if busy := self.answerer._crew._busy.values():
            await asyncio.wait(busy)


@pytest.fixture
def answering(tmp_path: Path) -> Answering:
    return Answering(tmp_path)


async def test_answer__open_demand__is_answered_before_it_is_due(answering):
    answering.demand(_demanded(b"1" * 32, ME))
    await answering.tick()
    await answering.tick()
    (entry,) = answering.desk.outbox.entries()
    assert entry.intent.not_after == DUE
    assert entry.intent.worth == Wei(2 * 10**18)  # the bond of the batch
    assert entry.intent.data == b"Demands.answerb'answer'"
    assert answering.runs.asked == [TOP]


async def test_answer__several__the_earliest_due_first(answering):
    line = Place(Kind.LINE, 0, 0, 0)
    first, second = _demanded(b"1" * 32, ME, 1_040, line), _demanded(b"2" * 32, ME, 1_045, line)
    answering.demand(second)
    answering.demand(first)
    await answering.tick()
    purposes = [entry.intent.purpose for entry in answering.desk.outbox.entries()]
    assert purposes == [f"answer:{first.id.hex()}:0"]  # the other's record is not the contract's


async def test_answer__not_the_contracts_demand__is_left_alone(answering):
    answering.demands.add(_demanded(b"1" * 32, ME))
    answering.contracts.answers["record_of"] = bytes(32)
    await answering.tick()
    assert answering.desk.outbox.entries() == []


@pytest.mark.parametrize(("now", "count"), [(DUE - 1, 1), (DUE, 0)])
async def test_answer__around_the_due_time__is_half_open(answering, now, count):
    answering.demand(_demanded(b"1" * 32, ME))
    answering.at(now)
    await answering.tick()
    assert len(answering.desk.outbox.entries()) == count


async def test_answer__of_another_operator__is_not_ours(answering):
    answering.demand(_demanded(b"1" * 32, LIAR))
    await answering.tick()
    assert answering.desk.outbox.entries() == []


async def test_answer__refused__is_tried_five_times(answering):
    answering.demand(_demanded(b"1" * 32, ME))
    for _ in range(7):
        await answering.tick()
        if answering.sent("answer").state is not TxState.FAILED:
            answering.mine("answer", TxState.FAILED, "demands: wrong answer")
    assert len(answering.desk.outbox.entries()) == 5
