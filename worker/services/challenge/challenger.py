"""Convicts who opened something wrong: finds the lie, announces its proof, and then shows it.

Every step is stored before it is sent, and is read off the chain again after a restart.
"""

import structlog

from worker import metrics
from worker.errors import RevertedError
from worker.protocol.outbox import Intent, OutboxEntry, TxState
from worker.protocol.provable_words import Phase, ProvableBatch
from worker.protocol.words import GWEI, SeatOutcome
from worker.services.base import Service, StepHook, no_hook
from worker.services.chain_view import ChainView
from worker.services.challenge.checker import Tell, tell_nobody, title
from worker.services.challenge.config import ChallengeConfig
from worker.services.challenge.crew import Crew
from worker.services.challenge.demander import Demander
from worker.services.challenge.docket import Docket, is_in_play
from worker.services.challenge.evidence import Evidence
from worker.services.challenge.faults import describe
from worker.storage.challenges import OPEN, Case, CaseState, CaseStore
from worker.storage.jobs import JobStore
from worker.storage.outbox import SqliteOutbox
from worker.tensor.dispute import Lie
from worker.types import Timestamp, Wei

log = structlog.get_logger(__name__)

_AT_ONCE = 32
_LONGEST_PAUSE = 60

OF_THE_COURT = (
    "court:", "tensors:", "operators:", "products:", "windows:", "fixed_point:", "merkle:",
)  # fmt: skip
"""How reasons begin by which a court refuses a proof for good, in its modules too."""


class Challenger(Service):
    """Brings each case one bounded step further; no case waits for another."""

    name = "challenger"
    period = 2.0

    def __init__(
        self,
        chain: ChainView,
        docket: Docket,
        cases: CaseStore,
        jobs: JobStore,
        outbox: SqliteOutbox,
        evidence: Evidence,
        demander: Demander,
        config: ChallengeConfig,
        tell: Tell = tell_nobody,
        on_step: StepHook = no_hook,
    ) -> None:
        super().__init__(on_step)
        self._chain = chain
        self._docket = docket
        self._cases = cases
        self._jobs = jobs
        self._outbox = outbox
        self._evidence = evidence
        self._demander = demander
        self._config = config
        self._tell = tell
        self._crew = Crew(self.name, _AT_ONCE)

    async def tick(self) -> bool:
        """Go on with every case that is not closed."""
        self._crew.reap()
        for case in self._cases.in_states(*OPEN):
            self._crew.begin(case.key, self._advance(case))
        counts = self._cases.count()
        for state in CaseState:
            metrics.challenges.labels(state).set(counts.get(state, 0))
        return False

    async def close(self) -> None:
        """Stop where each case stands."""
        await self._crew.close()

    async def _advance(self, case: Case) -> None:
        if case.state is CaseState.CONVICTED:
            await self._collect(case)
            return
        batch = await self._docket.batch(case.key)
        if not is_in_play(batch, case.key):
            confirmed = await self._docket.batch(case.key, self._chain.confirmed)
            if not is_in_play(confirmed, case.key):
                await self._end(case)
        elif case.state is CaseState.SUSPECT:
            await self._search(case)
        else:
            await self._accuse(case, batch)

    # Finding the lie

    async def _search(self, case: Case) -> None:
        found = await self._evidence.search(case)
        if isinstance(found, Lie):
            fault = describe(self._evidence.program(case), found)
            self._cases.prove(case.key, found.proof, found.claim.segment, fault)
            self.step("proven")
            metrics.lies_proven_total.inc()
            log.error("lie proven", case=case.key.name, fault=fault, bytes=len(found.proof))
            self._tell(f"{title(case.key)}: WRONG at {fault}")
            self.wake()
        elif found is None:
            self._close(case, CaseState.DISMISSED, "nothing differs")
        else:
            await self._demander.demand(case, found, self._evidence.program(case))

    # Showing it

    async def _accuse(self, case: Case, batch: ProvableBatch) -> None:
        entry = self._outbox.get(_purpose("convict", case))
        if entry is not None:
            self._follow(case, entry)
            return
        if case.retry_at > self._chain.now:
            return
        data = self._docket.convict_data(case)
        try:
            gas = await self._docket.estimate(data)
        except RevertedError as error:
            self._refused(case, error.reason)
            return
        if not self._is_worth(case, gas):
            return
        if await self._is_time(case, batch):
            self._send("convict", case, data)

    def _follow(self, case: Case, entry: OutboxEntry) -> None:
        """A conviction that failed is made anew; one that is mined ends the seat."""
        if entry.state in (TxState.FAILED, TxState.EXPIRED):
            self._refused(case, entry.reason or "not mined")

    def _refused(self, case: Case, reason: str) -> None:
        if reason.startswith(OF_THE_COURT):
            self._close(case, CaseState.DISMISSED, reason)
            return
        pause = min(_LONGEST_PAUSE, 1 << case.tries)
        self._cases.retry(case.key, self._chain.now + pause, reason)
        log.error("conviction refused", case=case.key.name, reason=reason, seconds=pause)

    def _is_worth(self, case: Case, gas: int) -> bool:
        """Whether the operator of this worker pays for it; never silent about a lie."""
        head = self._chain.head
        cost = gas * (head.base_fee if head else 0)
        bounty = self._docket.bounty(case.key)
        profit = bounty * self._config.token_value - cost
        least = self._config.min_profit
        if least is None or profit >= least * 10**18:
            return True
        metrics.lies_unpaid_total.inc()
        self._close(case, CaseState.SPARED, f"{gas} gas cost more than min_profit allows")
        return False

    async def _is_time(self, case: Case, batch: ProvableBatch) -> bool:
        """Whether to convict now: the announcement is ripe, or would be too late."""
        assert case.proof is not None  # noqa: S101 - it is proven
        priority, now = await self._docket.priority(), self._chain.now
        announced_at = await self._docket.announced_at(case.proof)
        ripe_at = (announced_at or now) + priority
        deadline = self._deadline(case, batch)
        if deadline is not None and ripe_at + priority > deadline:
            return True  # a conviction is never delayed past safety
        if not announced_at:
            self._send("announce-proof", case, self._docket.announce_data(case.proof), deadline)
            return False
        return now >= ripe_at

    def _deadline(self, case: Case, batch: ProvableBatch) -> int | None:
        """Return when the batch may be settled; None while its challenge has not begun."""
        if batch.phase is not Phase.CHALLENGE:
            return None
        return batch.until(self._docket.terms(case.key))

    def _send(self, verb: str, case: Case, data: bytes, not_after: int | None = None) -> None:
        purpose = _purpose(verb, case)
        if self._outbox.get(purpose) is not None:
            return
        self._outbox.enqueue(
            Intent(
                purpose=purpose,
                to=self._docket.service,
                data=data,
                worth=self._docket.bounty(case.key),
                not_after=None if not_after is None else Timestamp(not_after),
            )
        )
        self.step(f"{verb}_stored")
        log.info("sending", case=case.key.name, verb=verb)
        self.news()

    # What came of it

    async def _end(self, case: Case) -> None:
        """The seat is out of play: by our proof, by another's, or it got away with it."""
        entry = self._outbox.get(_purpose("convict", case))
        if entry is not None and not entry.is_settled:
            return
        if entry is not None and entry.state is TxState.FINAL:
            self._convicted(case, entry)
        elif not await self._claim_bounty(case):
            is_paid = self._was_paid(case)
            reason = "a wrong result became final" if is_paid else None
            self._close(case, CaseState.LOST if is_paid else CaseState.ENDED, reason)

    async def _claim_bounty(self, case: Case) -> bool:
        """Take the bounty of another's conviction if our proof was ripe then; whether it is so."""
        claim = self._outbox.get(_purpose("claim-bounty", case))
        if claim is None and await self._deserves_bounty(case):
            self._send("claim-bounty", case, self._docket.convict_data(case))
            return True
        if claim is not None and claim.state is TxState.FINAL:
            self._close(case, CaseState.REWARDED, None)
        return claim is not None and claim.state not in (TxState.FAILED, TxState.EXPIRED)

    def _convicted(self, case: Case, entry: OutboxEntry) -> None:
        inclusion = entry.inclusion
        assert inclusion is not None  # noqa: S101 - it is final
        self._cases.move(case.key, CaseState.CONVICTED)
        self.step("convicted")
        metrics.convictions_total.inc()
        tx, bounty = "0x" + inclusion.tx_hash.hex(), self._docket.bounty(case.key)
        log.info("convicted", case=case.key.name, tx=tx, gas=inclusion.gas_used, bounty=bounty)
        self._tell(
            f"{title(case.key)}: convicted of {case.fault} in tx {tx},"
            f" gas {inclusion.gas_used}, bounty {_tokens(bounty)}"
        )
        self.wake()

    async def _deserves_bounty(self, case: Case) -> bool:
        """Whether another convicted who had announced nothing, when our proof was ripe."""
        bounty = await self._docket.waiting_bounty(case.key)
        if bounty is None or case.proof is None or bounty.prover == self._docket.prover:
            return False
        announced_at = await self._docket.announced_at(case.proof)
        is_ripe = announced_at + await self._docket.priority() <= bounty.convicted_at
        return bool(announced_at) and is_ripe

    def _was_paid(self, case: Case) -> bool:
        """Whether the accused was paid for what it opened."""
        logs = self._jobs.logs(case.key.job, case.key.batch, "BatchSettled")
        seats = [SeatOutcome.unpack(word) for log in logs for word in log.args["seats"]]
        return any(seat.operator == case.key.operator and seat.paid > 0 for seat in seats)

    async def _collect(self, case: Case) -> None:
        """A bounty that waits is released in time; a ripe announcement was paid at once."""
        bounty = await self._docket.waiting_bounty(case.key)
        if bounty is None:
            self._close(case, CaseState.REWARDED, None)
        elif self._chain.now >= await self._docket.releases_at(bounty):
            self._send("release-bounty", case, self._docket.release_data(case.key))

    def _close(self, case: Case, state: CaseState, reason: str | None) -> None:
        self._cases.move(case.key, state, reason)
        self._evidence.forget(case.key)
        self.step(state)
        is_bad = state not in (CaseState.ENDED, CaseState.REWARDED)
        note = log.error if is_bad else log.info
        note("case closed", case=case.key.name, state=state, reason=reason)
        if is_bad:
            self._tell(f"{title(case.key)}: {state}: {reason}")


def _purpose(verb: str, case: Case) -> str:
    return f"{verb}:{case.key.name}:{case.tries}"


def _tokens(amount: Wei) -> str:
    return f"{amount / (GWEI * GWEI):g}"
