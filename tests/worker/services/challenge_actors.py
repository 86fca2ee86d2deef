"""An accused seat over a real database; the chain and the runs are what a test says they are."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.worker.services.service_actors import (
    BATCH,
    JOB,
    PAYER,
    TERMS,
    job_log,
    open_desk,
    posted,
)
from worker.errors import RevertedError
from worker.protocol.outbox import Inclusion, OutboxEntry, TxState
from worker.protocol.provable_words import Fate, Phase, ProvableBatch
from worker.protocol.words import Terms
from worker.services.challenge.challenger import Challenger
from worker.services.challenge.config import ChallengeConfig
from worker.services.challenge.docket import Bounty, Docket
from worker.services.desk import Desk
from worker.storage.challenges import Case, CaseKey, CaseState, CaseStore
from worker.storage.demands import DemandStore
from worker.storage.jobs import PostedJob
from worker.tensor.dispute import Lie, Missing
from worker.types import Address, OperatorId, Seconds, TaskIndex, Wei

LIAR = OperatorId(7)
OTHER_PROVER = Address("0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC")
KEY = CaseKey(JOB, BATCH, 0, LIAR)
PRIORITY = 3
PROVABLE: Terms = replace(TERMS, seats=1, max_seats=1, challenge=Seconds(60), audit_bps=100)
TRUTH, LIE = [b"t" * 32, b"u" * 32], [b"t" * 32, b"w" * 32]


def challenged(**changes: Any) -> ProvableBatch:
    """Return a batch in its challenge, which began at 1000, with the liar's seat opened."""
    batch = ProvableBatch(
        seats=((LIAR, OperatorId(0)),) * 3,
        phase=Phase.CHALLENGE,
        round=0,
        redrawn=False,
        unaudited=False,
        fates=(Fate.OPENED, Fate.IN_PLAY),
        held=(0, 0),
        since=1_000,
        height=0,
    )
    return replace(batch, **changes)


class FakeDocket(Docket):
    """Says what the chain says in a test."""

    def __init__(self, desk: Desk[Any]) -> None:
        super().__init__(desk.chain.contracts, None, desk.jobs, PAYER)  # type: ignore[arg-type]
        self.word = challenged()
        self.confirmed: ProvableBatch | None = None
        self.announced = 0
        self.waiting: Bounty | None = None
        self.refusal: str | None = None
        self.gas = 300_000

    async def batch(self, key: CaseKey, block: int | str = "latest") -> ProvableBatch:
        return self.word if block == "latest" or self.confirmed is None else self.confirmed

    async def priority(self) -> int:
        return PRIORITY

    async def announced_at(self, proof: bytes) -> int:
        return self.announced

    async def waiting_bounty(self, key: CaseKey) -> Bounty | None:
        return self.waiting

    async def estimate(self, data: bytes) -> int:
        if self.refusal is not None:
            raise RevertedError(self.refusal)
        return self.gas

    @property
    def service(self) -> Address:
        return OTHER_PROVER

    def announce_data(self, proof: bytes) -> bytes:
        return b"announce" + proof

    def convict_data(self, case: Case) -> bytes:
        return b"convict" + (case.proof or b"")

    def release_data(self, key: CaseKey) -> bytes:
        return b"release"


@dataclass
class FakeEvidence:
    """Finds what a test says."""

    found: Lie | Missing | None = None
    forgotten: list[CaseKey] = field(default_factory=list)

    async def search(self, case: Case) -> Lie | Missing | None:
        return self.found

    def program(self, case: Case) -> Any:
        return None

    def forget(self, key: CaseKey) -> None:
        self.forgotten.append(key)


@dataclass
class FakeDemander:
    """Remembers what was demanded."""

    asked: list[Missing] = field(default_factory=list)

    async def demand(self, case: Case, missing: Missing, program: Any) -> None:
        self.asked.append(missing)


class Scene:
    """A case about the liar's seat, and who is to bring it to its end."""

    def __init__(self, folder: Path, config: ChallengeConfig | None = None) -> None:
        self.desk = open_desk(folder)
        self.desk.jobs.add_job(provable_job())
        self.desk.jobs.add_logs([opening()])
        self.cases = CaseStore(self.desk.jobs._database)
        self.demands = DemandStore(self.desk.jobs._database)
        self.docket = FakeDocket(self.desk)
        self.evidence, self.demander = FakeEvidence(), FakeDemander()
        self.told: list[str] = []
        self.challenger = Challenger(
            self.desk.chain,
            self.docket,
            self.cases,
            self.desk.jobs,
            self.desk.outbox,
            self.evidence,  # type: ignore[arg-type]
            self.demander,  # type: ignore[arg-type]
            config or ChallengeConfig(),
            self.told.append,
        )

    def proven(self) -> None:
        """Have the proof at hand."""
        self.cases.add(Case(KEY, CaseState.SUSPECT, TaskIndex(1)))
        self.cases.prove(KEY, b"proof", 0, "op 7 MATMUL [3,41]")

    async def advance(self) -> Case:
        """Go one step on."""
        case = self.case
        await self.challenger._advance(case)
        return self.case

    @property
    def case(self) -> Case:
        case = self.cases.get(KEY)
        assert case is not None
        return case

    def at(self, now: int) -> None:
        """Set the chain's time."""
        assert self.desk.chain.head is not None
        self.desk.chain.head = replace(self.desk.chain.head, timestamp=now)

    def sent(self, verb: str) -> OutboxEntry | None:
        """Return the transaction of that verb."""
        entries = self.desk.outbox.entries()
        found = [e for e in entries if e.intent.purpose.startswith(f"{verb}:")]
        return found[-1] if found else None

    def mine(self, verb: str, state: TxState = TxState.FINAL, reason: str | None = None) -> None:
        """Have a transaction reach its end."""
        entry = self.sent(verb)
        assert entry is not None
        if state is TxState.FINAL:
            done = Inclusion(b"x" * 32, 9, b"h" * 32, True, 234_567, Wei(10**9))
            self.desk.outbox.mark_mined(entry.id, done)
        self.desk.outbox.settle(entry.id, state, reason)


def provable_job() -> PostedJob:
    """Return the job as the watcher stores it."""
    return replace(posted(terms=PROVABLE), service="ProvableJobs")


def opening(operator: int = LIAR, values: list[bytes] = LIE, index: int = 0) -> Any:
    """Return the log of a seat's opening."""
    args = {"operator": operator, "round": 0, "values": values}
    return job_log("ResultRevealed", index=index, **args)
