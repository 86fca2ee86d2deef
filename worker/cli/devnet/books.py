"""A worker's books: its database as of one moment, with what it takes to ask the chain about it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from worker.chain.contracts import Contracts
from worker.chain.keys import open_signer
from worker.config import Config
from worker.protocol.seals import seal_digest
from worker.services.chain_view import ChainView
from worker.services.desk import Desk, Identity
from worker.services.provable.lane import DEMANDS, ProvableLane
from worker.services.rounds import ReplicatedLane
from worker.storage.cursor import CursorStore
from worker.storage.database import Database
from worker.storage.demands import DemandStore
from worker.storage.jobs import JobStore
from worker.storage.outbox import SqliteOutbox
from worker.storage.seats import Seat, SeatStore
from worker.types import OperatorId

_LANES = (ReplicatedLane(), ProvableLane())


@dataclass(frozen=True)
class Books:
    """What one worker holds as fact. `window` is {block: hash} of what it scanned last."""

    identity: Identity
    window: dict[int, bytes]
    jobs: JobStore
    demands: DemandStore
    outbox: SqliteOutbox
    desks: Sequence[Desk[Any]]

    @property
    def cursor(self) -> int:
        """The last block that was scanned, -1 for none."""
        return max(self.window, default=-1)

    @property
    def watched(self) -> set[str]:
        """The contracts whose events it keeps."""
        return {DEMANDS, *(desk.lane.service for desk in self.desks)}

    def seal_of(self, desk: Desk[Any], seat: Seat) -> bytes | None:
        """Return the digest that the seat must have sealed, None when a record is missing."""
        values, key = desk.values(seat), seat.key
        if len(values) != seat.mask.bit_count():
            return None
        salt = desk.salt(key)
        return seal_digest(key.job, key.batch, key.round, self.identity.operator, values, salt)


@contextmanager
def open_books(config: Config, contracts: Contracts) -> Iterator[Books]:
    """Read the database of the worker with these settings, which may be running.

    Raises StoreCorruptError when it cannot be read, KeyAccessError when the key cannot.
    """
    node = config.require_node()
    signer = open_signer(node.key, contracts.deployment.chain_id)
    identity = Identity(OperatorId(node.operator), signer.address, signer.seal_salt)
    view = ChainView(contracts, config.chain.confirmations)
    with Database.snapshot(config.data / "worker.sqlite") as database:
        jobs, seats, outbox = JobStore(database), SeatStore(database), SqliteOutbox(database)
        yield Books(
            identity=identity,
            window=CursorStore(database).load(),
            jobs=jobs,
            demands=DemandStore(database),
            outbox=outbox,
            desks=[
                Desk(identity, view, lane, jobs, seats, outbox)
                for lane in _LANES
                if lane.service in contracts.deployment.contracts
            ],
        )
