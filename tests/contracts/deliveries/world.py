"""Both services of jobs in one network with the real demands, and outputs that were paid for."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from random import Random
from tempfile import NamedTemporaryFile
from typing import ClassVar

from tests.contracts.court.disputes import Dispute
from tests.contracts.demands.programs import copies
from tests.contracts.jobs_world import Job, Operator, World
from tests.contracts.stateful import network as net
from tests.contracts.stateful.network import NO_PERMIT
from tests.contracts.tensor_world import DemandsWorld
from worker.protocol import bundle
from worker.protocol.deliveries import Debt, Delivery, Part
from worker.protocol.merkle import CHUNKS, chunk_count, chunks_of, root
from worker.protocol.record import ExitClass, Record
from worker.protocol.results import TaskResult
from worker.protocol.settled import Result
from worker.protocol.words import SeatOutcome
from worker.tensor.commit import Layout
from worker.tensor.proof import program_head
from worker.tensor.tensors import to_bytes
from worker.work.pieces import cut_bundle, cut_tensor


class Side(World):
    """The replicated jobs of a network, driven as if there were no other."""

    def __init__(self, whole: DemandsWorld) -> None:
        self.__dict__.update(whole.__dict__)
        self.jobs = whole.replicated
        self.whole = whole

    def wait(self, seconds: int, blocks: int = 2) -> None:
        """Let time and blocks pass for the whole network."""
        self.whole.wait(seconds, blocks)


@dataclass
class Owed:
    """A job that was settled, and one of its tasks, whose outputs its payer asks for."""

    world: DemandsWorld
    lane: World
    job: Job
    result: Result
    task: int

    number: ClassVar[int] = 0

    @property
    def server(self) -> Operator:
        """The first operator that owes the outputs."""
        wanted = self.result.servers[0]
        return next(operator for operator in self.world.operators if operator.id == wanted)

    def positions(self) -> range:
        """Return the pieces of the output."""
        raise NotImplementedError

    def evidence(self) -> bytes:
        """Return what shows that pieces of the output exist."""
        raise NotImplementedError

    def piece(self, position: int) -> tuple[bytes, list[bytes]]:
        """Return a piece and its path, as an honest operator has them."""
        raise NotImplementedError

    def debt(self, position: int = 0, **changes) -> Debt:
        usual = Debt(
            str(self.lane.jobs.address), 0, self.server.id, self.task, self.number, position
        )
        return usual._replace(**changes)

    def demand(self, position: int = 0, sender: str | None = None, **changes) -> Delivery:
        """Demand a piece as the payer does, but for the changes."""
        named = {name: changes.pop(name) for name in Debt._fields if name in changes}
        self.world.demands.demand_output(
            self.debt(position, **named),
            changes.get("terms", self.job.members),
            changes.get("origin", self.job.origin_members),
            net.FEE_BPS,
            NO_PERMIT,
            changes.get("evidence", self.evidence()),
            changes.get("result", self.result).members(),
            sender=sender or self.job.payer,
        )
        return Delivery.of(self.world.logged("OutputDemanded").delivery)

    def answer(
        self,
        delivery: Delivery,
        data: bytes | None = None,
        path: Sequence[bytes] | None = None,
        sender: str | None = None,
    ) -> None:
        """Answer a demand, honestly if nothing is said."""
        honest = self.piece(delivery.debt.position)
        data = honest[0] if data is None else data
        path = honest[1] if path is None else path
        self.world.demands.answer_output(
            delivery, data, list(path), sender=sender or self.server.worker
        )

    def close(self, delivery: Delivery) -> None:
        self.world.demands.close_output(delivery, sender=self.world.requesters[1])

    def held(self, delivery: Delivery) -> int:
        """Return what Escrow holds of a demand's bond."""
        bond = delivery.bond
        terms = (self.world.demands, 0, delivery.id, bond.due, bond.fee_bps)
        return self.world.escrow.agreement(*terms)[1]

    def standing(self, operator: Operator | None = None) -> int:
        """Return what the service holds of an operator's stake, gwei."""
        return self.world.staking.lane((operator or self.server).id, self.lane.jobs)


@dataclass
class Bundled(Owed):
    """In ReplicatedJobs: the bundle that a task's execution record commits to."""

    record: Record
    content: bytes

    def positions(self) -> range:
        return range(chunk_count(len(self.content)))

    def evidence(self) -> bytes:
        return self.record.encode()

    def piece(self, position: int) -> tuple[bytes, list[bytes]]:
        document = TaskResult.of(self.record, bytes(32)).encode()
        part = Part(self.result.values[0], 0, 0, 0)
        with blob_of(self.content) as path:
            piece = cut_bundle(document, path, self.debt(position), part)
        return piece.data, piece.path

    @classmethod
    def settled(cls, world: DemandsWorld, sizes: Sequence[int] = (5_000, 10)) -> "Bundled":
        """Return task 0 of a job that three operators ran, its results of about these sizes."""
        lane = Side(world)
        contents = [bundle_of(size) for size in sizes]
        records = [record_of(content) for content in contents]
        job = lane.post(tasks=len(sizes), batch_log2=(len(sizes) - 1).bit_length())
        found = [record.digest() for record in records]
        lane.play(job, {seat: found for seat in range(3)})
        result = Result.of_event(lane.settle(job)._asdict())
        return cls(world, lane, job, result, 0, records[0], contents[0])


@dataclass
class Traced(Owed):
    """In ProvableJobs: an output tensor under the trace root that a task came to."""

    about: Dispute

    @property
    def number(self) -> int:
        return next(k for k, op in enumerate(self.about.program.ops) if op.is_output)

    def positions(self) -> range:
        return range(Layout(self.about.program.ops[self.number].output.type).lines)

    def evidence(self) -> bytes:
        return program_head(self.about.program, self.number)

    def piece(self, position: int) -> tuple[bytes, list[bytes]]:
        ops, tensors = self.about.program.ops, self.about.tensors
        outputs = [to_bytes(tensors[k]).tobytes() for k, op in enumerate(ops) if op.is_output]
        content = b"".join([*self.about.statement.trace.leaves, *outputs])
        with blob_of(content) as path:
            piece = cut_tensor(path, ops, self.debt(position))
        return piece.data, piece.path

    @classmethod
    def settled(cls, world: DemandsWorld, about: Dispute | None = None) -> "Traced":
        """Return the disputed task of a job that one operator ran, after its challenge."""
        about = about or copies(5, 30, 300, 2)
        job, operator = world.opened_with(about, about.statement.trace.root)
        world.go_to(world.until(job))
        log = world.settle(job, job.opened[0, 0, operator.id])
        assert [SeatOutcome.unpack(seat).operator for seat in log.seats] == [operator.id]
        result = Result.of_event(log._asdict())
        return cls(world, world, job, result, about.job.task, about)


@contextmanager
def blob_of(content: bytes) -> Iterator[Path]:
    """Keep what a run left as a file, as a worker does."""
    with NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        yield Path(file.name)


def bundle_of(size: int) -> bytes:
    """Return the bundle of a run that wrote so many bytes."""
    target = BytesIO()
    written = {"stdout": b"done\n", "stderr": b"", "out/data": Random(size).randbytes(size)}
    bundle.pack(written, target)
    return target.getvalue()


def record_of(content: bytes) -> Record:
    """Return the execution record of a run that left this bundle."""
    chunk_root = root(CHUNKS, chunks_of(BytesIO(content)))
    return Record(ExitClass.OK, 0, 1_000, chunk_root, len(content), bytes(32))
