"""Demands on chain what an accused worker does not serve, and has its silence burnt."""

import structlog

from worker import metrics
from worker.protocol.demands import Kind, Place
from worker.protocol.outbox import Intent, TxState
from worker.services.base import StepHook, no_hook
from worker.services.chain_view import ChainView
from worker.services.challenge.checker import Tell, tell_nobody, title
from worker.services.challenge.docket import Docket
from worker.services.provable.lane import DEMANDS
from worker.storage.challenges import Case, CaseStore
from worker.storage.demands import Demanded, DemandStore
from worker.storage.outbox import SqliteOutbox
from worker.tensor.commit import Layout
from worker.tensor.dispute import Missing
from worker.tensor.evidence import evidence
from worker.tensor.program import Program
from worker.tensor.told import STEP
from worker.types import Address, TaskIndex, Wei

log = structlog.get_logger(__name__)

_BONDS = 64
"""For how many bonds Escrow is given an allowance at once: a whole descent needs seven."""

_LONGEST_PAUSE = 60


class Demander:
    """Makes one demand after the other: what the next asks for follows from the last answer.

    A bond is drawn from the prover's own tokens; an answer takes it, silence gives it back.
    """

    def __init__(
        self,
        chain: ChainView,
        docket: Docket,
        cases: CaseStore,
        demands: DemandStore,
        outbox: SqliteOutbox,
        tell: Tell = tell_nobody,
        on_step: StepHook = no_hook,
    ) -> None:
        self._chain = chain
        self._docket = docket
        self._cases = cases
        self._demands = demands
        self._outbox = outbox
        self._tell = tell
        self._on_step = on_step

    async def demand(self, case: Case, missing: Missing, program: Program) -> None:
        """Bring the demand for what is missing one step further. Raises RpcError."""
        assert case.task is not None  # noqa: S101 - a suspect has one
        id = self._docket.demand_id(case.key, case.task, missing.place)
        known = self._demands.get(id)
        if known is not None:
            self._await_answer(case, known)
            return
        if case.retry_at > self._chain.now:
            return
        entry = self._outbox.get(_purpose("demand", id, case))
        if entry is None:
            await self._ask(case, case.task, missing, program)
        elif entry.state in (TxState.FAILED, TxState.EXPIRED):
            self._retry(case, entry.reason or "not mined")

    def _await_answer(self, case: Case, known: Demanded) -> None:
        """From the due time on the silence is burnt."""
        if known.is_over or self._chain.now < known.demand.bond.due:
            return
        entry = self._outbox.get(_purpose("close-demand", known.id, case))
        if entry is None:
            members = self._docket.terms(case.key).members()
            data = self._docket.contracts.encode(DEMANDS, "close", members, known.demand)
            self._enqueue(_purpose("close-demand", known.id, case), DEMANDS, data, case)
            self._tell(f"{title(case.key)}: did not answer, its bond is being burnt")
        elif entry.state in (TxState.FAILED, TxState.EXPIRED):
            self._retry(case, entry.reason or "not mined")

    async def _ask(self, case: Case, task: TaskIndex, missing: Missing, program: Program) -> None:
        bond = await self._bond(missing.place, program)
        if not await self._may_draw(case, bond):
            return
        fee_bps = await self._docket.contracts.call("Escrow", "fee_bps")
        place, digest, path, tensor_path = missing
        shown = evidence(program, place, digest, path, tensor_path)
        data = self._docket.demand_data(case.key, task, place, fee_bps, shown)
        id = self._docket.demand_id(case.key, task, place)
        self._enqueue(_purpose("demand", id, case), DEMANDS, data, case)
        metrics.demands_total.inc()
        log.info("demanded", case=case.key.name, place=place, bond=bond)
        self._tell(f"{title(case.key)}: not served, demanding {_named(place)}")

    async def _bond(self, place: Place, program: Program) -> Wei:
        size = answer_bytes(place, program)
        return Wei(await self._docket.contracts.call(DEMANDS, "bond_for", size))

    async def _may_draw(self, case: Case, bond: Wei) -> bool:
        """Whether Escrow may draw the bond; else see that it may."""
        contracts, owner = self._docket.contracts, self._docket.prover
        escrow = contracts.address("Escrow")
        if await contracts.call("Token", "allowance", owner, escrow) >= bond:
            return True
        if await contracts.call("Token", "balanceOf", owner) < bond:
            self._retry(case, f"{owner} lacks the {bond} wei of tokens that a demand costs")
            return False
        data = contracts.encode("Token", "approve", escrow, bond * _BONDS)
        self._enqueue(f"approve-demands:{case.key.name}:{case.tries}", "Token", data, case)
        return False

    def _enqueue(self, purpose: str, contract: str, data: bytes, case: Case) -> None:
        to: Address = self._docket.contracts.address(contract)
        worth = self._docket.bounty(case.key)
        self._outbox.enqueue(Intent(purpose=purpose, to=to, data=data, worth=worth))
        self._on_step(f"challenger.{purpose.partition(':')[0]}_stored")

    def _retry(self, case: Case, reason: str) -> None:
        pause = min(_LONGEST_PAUSE, 1 << case.tries)
        self._cases.retry(case.key, self._chain.now + pause, reason)
        log.error("demand refused", case=case.key.name, reason=reason, seconds=pause)


def answer_bytes(place: Place, program: Program) -> int:
    """Return how many bytes answer a demand."""
    depth = (len(program.ops) - 1).bit_length()
    if place.kind in (Kind.TENSOR, Kind.LINE):
        layout = Layout(program.ops[place.number].output.type)
        if place.kind is Kind.LINE:
            return layout.line_bytes(place.position)
        depth = layout.depth
    return 32 << min(STEP, depth - place.level)


def _purpose(verb: str, id: bytes, case: Case) -> str:
    return f"{verb}:{id.hex()}:{case.tries}"


def _named(place: Place) -> str:
    number = "" if place.kind is Kind.TRACE else f" {place.number}"
    return f"{place.kind.name.lower()}{number}, node {place.level}/{place.position}"
