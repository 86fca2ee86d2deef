"""Terms, words and a desk over a real database; the chain is what a test says it is."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from worker.chain.contracts import Contracts
from worker.chain.deployment import Deployment
from worker.chain.wire import Block
from worker.protocol.words import BatchWord, OnDissent, Terms
from worker.services.chain_view import ChainView
from worker.services.desk import Desk, Identity
from worker.services.rounds import SERVICE, ReplicatedLane, Round
from worker.storage.database import Database
from worker.storage.jobs import JobLog, JobStore, PostedJob
from worker.storage.outbox import SqliteOutbox
from worker.storage.seats import Seat, SeatKey, SeatState, SeatStore
from worker.types import (
    Address,
    BatchIndex,
    Digest,
    Gwei,
    JobKey,
    OperatorId,
    Seconds,
    Timestamp,
    Wei,
)

ME = OperatorId(1)
PAYER = Address("0x70997970C51812dc3A010C7d01b50e0d17dc79C8")
JOB = JobKey(b"j" * 32)
BATCH = BatchIndex(0)
TERMS = Terms(
    price=Wei(10**18),
    bond=Gwei(10**9),
    tasks=4,
    seats=3,
    max_seats=5,
    batch_log2=1,
    on_dissent=OnDissent.ESCALATE,
    token=0,
    fee_bps=0,
    claim=Seconds(30),
    run=Seconds(60),
    reveal=Seconds(40),
    expiry=Timestamp(100_000),
    posted_at=Timestamp(1_000),
)


def posted(block: int = 5, terms: Terms = TERMS) -> PostedJob:
    """Return the job as the watcher stores it."""
    return PostedJob(
        job=JOB,
        service=SERVICE,
        block=block,
        payer=PAYER,
        a=terms.a,
        b=terms.b,
        named=terms.named,
        nonce=1,
        program=Digest(b"p" * 32),
        inputs=b"i" * 32,
        manifest=Digest(b"m" * 32),
        locators=b"",
        ends_at=terms.expiry,
    )


def seat(state: SeatState = SeatState.SEALED, **changes: Any) -> Seat:
    """Return a seat of ours in the first batch's first round."""
    known = Seat(
        key=SeatKey(JOB, BATCH, 0),
        state=state,
        mask=3,
        is_growth=False,
        claims_late=False,
        claim_from=Timestamp(1_000),
        bond=Gwei(2 * 10**9),
        price=TERMS.price,
        opened_at=TERMS.posted_at,
    )
    return replace(known, **changes)


def word(**changes: Any) -> BatchWord:
    """Return a filled and sealed base round of operators 1, 2 and 3."""
    operators = tuple(map(OperatorId, (1, 2, 3)))
    return replace(BatchWord(operators, 0b111, 0, 0, False, 0, 0), **changes)


def running(batch: BatchWord, terms: Terms = TERMS, mask: int = 3) -> Round:
    """Return the running round that a batch's word describes."""
    clock = terms.clock(batch.opened_at)
    return Round(terms, BATCH, batch, batch.round, clock, mask, terms.price)


def job_log(name: str, block: int = 6, index: int = 0, **args: Any) -> JobLog:
    """Return a log about the first batch."""
    return JobLog(block, index, name, JOB, {"job": JOB, "batch": BATCH, **args})


def open_desk(folder: Path, head: int = 10, kind: type[Desk[Any]] = Desk) -> Desk[Round]:
    """Return a desk of the replicated lane over a new database; nothing can be called."""
    deployment = Deployment(chain_id=31337, genesis_hash="0x" + "00" * 32, block=0, contracts={})
    database = Database(folder / "worker.sqlite")
    chain = ChainView(Contracts(deployment, None), confirmations=2)  # type: ignore[arg-type]
    chain.head = Block(head, b"h" * 32, b"g" * 32, Timestamp(1_010), Wei(1))
    chain.scanned_to = head
    identity = Identity(ME, PAYER, lambda job, batch, number: bytes(32))
    lane = ReplicatedLane()
    return kind(
        identity, chain, lane, JobStore(database), SeatStore(database), SqliteOutbox(database)
    )
