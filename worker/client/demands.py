"""Demands for outputs on the chain, as a payer makes them: asked before, asked now, closed."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from worker.chain.wire import parse_amount
from worker.client.network import Network
from worker.client.view import JobView
from worker.client.wallet import Progress, Wallet, as_tokens
from worker.errors import FetchError, NotFoundError, UsageError
from worker.protocol.deliveries import SERVE_SECONDS, Debt, Delivery
from worker.protocol.demands import bond_for
from worker.protocol.settled import Result
from worker.protocol.words import GWEI
from worker.types import Gwei, OperatorId, TaskIndex, Wei

MOST = 32
"""How many pieces are demanded at once, unless told otherwise."""

_DEMANDS = "Demands"
_MAX_OPEN = 31  # of an operator in a batch; the contract refuses more


@dataclass(frozen=True)
class Piece:
    """A piece of a task's outputs: where it is, as in a Debt, what shows that it exists, and how
    many bytes an answer has, its path included."""

    task: TaskIndex
    number: int
    position: int
    evidence: bytes
    size: int

    @property
    def place(self) -> tuple[int, int, int]:
        """What tells it from the job's other pieces."""
        return self.task, self.number, self.position


@dataclass(frozen=True)
class Answer:
    """A piece's bytes, which the contract has checked, and the operator that owed them."""

    data: bytes
    operator: OperatorId


@dataclass(frozen=True)
class Lapse:
    """A demand that was not answered in time, and what that burnt of the operator's bond."""

    burnt: Gwei


@dataclass(frozen=True)
class Cost:
    """What demands cost: `bonds` for those who answer (what is not answered comes back), wei of
    the network token, and gas for so many pieces."""

    pieces: int
    bonds: Wei
    gas: int
    gas_cost: Wei


Ask = Callable[[Cost], None]
"""Called with the cost of what is about to be demanded; raises to have nothing sent."""


def result_of(view: JobView, task: int) -> Result:
    """Return the settled result that a task is part of. Raises NotFoundError."""
    batch = view.batch(view.task(task).index // view.terms.batch_size)
    bit = 1 << task % view.terms.batch_size
    for result in batch.result.values():
        if result.mask & bit:
            return result
    state = view.task(task).state
    raise NotFoundError(f"task {task} was not settled with a result: it is {state}")


@dataclass(frozen=True)
class Demander:
    """Demands pieces of one job's outputs. `operator` is who is asked, None: the first of the
    operators that were paid for the task and let no demand for it lapse."""

    network: Network
    wallet: Wallet
    view: JobView
    poll_seconds: float
    operator: OperatorId | None
    most: int
    ask: Ask
    tell: Progress

    async def obtain(self, pieces: Sequence[Piece]) -> dict[Piece, Answer]:
        """Return the bytes of pieces; demand those that nobody was asked for yet, and wait.

        Raises UsageError where that cannot be or takes more than `most` demands, before anything
        is sent; InsufficientFundsError, RevertedError; FetchError when an operator did not answer
        in time: its standing bond is burnt then, and the bond of the demand given back.
        """
        places = {piece.place: piece for piece in pieces}
        answers: dict[Piece, Answer] = {}
        waiting: dict[Piece, Delivery] = {}
        silent: set[tuple[int, int]] = set()
        for delivery in await self._demanded():
            debt = delivery.debt
            outcome = await self._outcome(delivery)
            if isinstance(outcome, Lapse):
                silent.add((debt.task, debt.operator))
            elif piece := places.get((debt.task, debt.number, debt.position)):
                if outcome is None:
                    waiting[piece] = delivery
                else:
                    answers[piece] = outcome
        missing = [piece for piece in pieces if piece not in answers and piece not in waiting]
        debts = {piece: self._debt(piece, silent) for piece in missing}
        bonds = await self._check(debts)
        answers |= await self._collect(waiting)
        for part in _parts(missing):
            sent = {piece: await self._demand(piece, debts[piece], bonds[piece]) for piece in part}
            self.tell(f"demanded {len(sent)} pieces")
            answers |= await self._collect(sent)
        return answers

    async def _demanded(self) -> list[Delivery]:
        """Return what was demanded of this job so far."""
        head = await self.network.head()
        topics = [None, None, self.view.key]
        events = await self.network.logs(topics, self.view.block, head.number)
        found = [event.args for event in events if event.name == "OutputDemanded"]
        return [Delivery.of(args["delivery"]) for args in found]

    async def _outcome(self, delivery: Delivery) -> Answer | Lapse | None:
        """Return how a demand ended; None while it is open."""
        head = await self.network.head()
        topics = [None, delivery.id]
        events = await self.network.logs(topics, self.view.block, head.number)
        told = {event.name: event.args for event in events}
        if "OutputForfeited" in told:
            return Lapse(Gwei(told["OutputForfeited"]["burnt"]))
        if "OutputAnswered" in told:
            return Answer(told["OutputAnswered"]["data"], OperatorId(delivery.debt.operator))
        return None

    def _debt(self, piece: Piece, silent: set[tuple[int, int]]) -> Debt:
        """Return whom to ask for a piece. Raises UsageError when nobody is left."""
        servers = result_of(self.view, piece.task).servers
        able = [one for one in servers if (piece.task, one) not in silent]
        if self.operator is not None and self.operator not in able:
            others = ", ".join(map(str, able)) or "nobody"
            raise UsageError(f"operator {self.operator} cannot be asked for task {piece.task}; "
                             f"who can: {others}")  # fmt: skip
        if not able:
            raise UsageError(f"nobody is left to be asked for task {piece.task}")
        service = self.network.contracts.address(self.view.lane)
        batch = piece.task // self.view.terms.batch_size
        return Debt(service, batch, self.operator or able[0], *piece.place)

    async def _check(self, debts: Mapping[Piece, Debt]) -> dict[Piece, Wei]:
        """Return the bond of each piece once all may be demanded and the payer agrees."""
        if not debts:
            return {}
        await self._check_time(debts)
        gas_price = await self.network.view("Courts", "gas_price")
        bonds = {piece: bond_for(piece.size, gas_price) for piece in debts}
        total = Wei(sum(bonds.values()))
        if len(debts) > self.most:
            raise UsageError(f"{len(debts)} pieces, for bonds of {as_tokens(total)} tokens: more "
                             f"than the {self.most} allowed")  # fmt: skip
        await self.wallet.require_tokens(total)
        first = next(iter(debts))
        arguments = await self._arguments(first, debts[first], bonds[first])
        gas = len(debts) * await self.wallet.estimate(_DEMANDS, "demand_output", *arguments)
        price = await self.network.pool.call("eth_gasPrice", [], parse_amount)
        self.ask(Cost(len(debts), total, gas, Wei(gas * price)))
        return bonds

    async def _check_time(self, debts: Mapping[Piece, Debt]) -> None:
        """Raise UsageError unless every answer would be due in time."""
        window = await self.network.view(_DEMANDS, "WINDOW")
        now = (await self.network.head()).timestamp
        for task in sorted({piece.task for piece in debts}):
            late = now + window - result_of(self.view, task).settled_at - SERVE_SECONDS
            if late > 0:
                raise UsageError(f"task {task}: it is {late} s too late to demand its outputs")

    async def _demand(self, piece: Piece, debt: Debt, bond: Wei) -> Delivery:
        arguments = await self._arguments(piece, debt, bond)
        entry = await self.wallet.send(_DEMANDS, "demand_output", *arguments)
        events = await self.wallet.events_of(entry)
        args = next(event.args for event in events if event.name == "OutputDemanded")
        return Delivery.of(args["delivery"])

    async def _arguments(self, piece: Piece, debt: Debt, bond: Wei) -> tuple[object, ...]:
        origin = self.view.origin
        return (
            debt,
            self.view.terms.members(),
            (origin.nonce, origin.program, origin.inputs, origin.manifest),
            await self.network.view("Escrow", "fee_bps"),
            await self.wallet.permit("Escrow", bond),
            piece.evidence,
            result_of(self.view, piece.task).members(),
        )

    async def _collect(self, waiting: Mapping[Piece, Delivery]) -> dict[Piece, Answer]:
        """Wait for every demand to end. Raises FetchError when any was not answered."""
        answers: dict[Piece, Answer] = {}
        lapsed: dict[Piece, Lapse] = {}
        for piece, delivery in waiting.items():
            outcome = await self._end(delivery)
            if isinstance(outcome, Lapse):
                lapsed[piece] = outcome
            else:
                answers[piece] = outcome
        if lapsed:
            names = {waiting[piece].debt.operator for piece in lapsed}
            burnt = sum(lapse.burnt for lapse in lapsed.values()) * GWEI
            raise FetchError(
                f"operator {', '.join(map(str, sorted(names)))} did not answer {len(lapsed)} of "
                f"{len(waiting)} demands: {as_tokens(burnt)} tokens of its "
                "standing bond are burnt, what these demands cost is credited back"
            )
        return answers

    async def _end(self, delivery: Delivery) -> Answer | Lapse:
        """Wait for the end of a demand; close it when its answer is overdue."""
        while True:
            if (outcome := await self._outcome(delivery)) is not None:
                return outcome
            if (await self.network.head()).timestamp >= delivery.bond.due:
                await self.wallet.send(_DEMANDS, "close_output", delivery)
            else:
                await asyncio.sleep(self.poll_seconds)


def _parts(pieces: Sequence[Piece]) -> Iterator[Sequence[Piece]]:
    for start in range(0, len(pieces), _MAX_OPEN):
        yield pieces[start : start + _MAX_OPEN]
