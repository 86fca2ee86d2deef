"""Jobs of tensor programs, the court that judges them, and demands for what they withhold."""

from boa.contracts.vyper.vyper_contract import VyperContract

from tests.contracts.court.disputes import Dispute
from tests.contracts.jobs_world import MIN_WINDOW, NO_LIMIT, Operator
from tests.contracts.provable_world import ProvableJob, ProvableWorld
from tests.contracts.stateful import network as net
from tests.contracts.stateful.network import NO_PERMIT
from worker.protocol.demands import Demand, Kind, Place, Seat, demand_id
from worker.tensor.commit import Tree
from worker.tensor.dispute import Statement
from worker.tensor.evidence import evidence
from worker.tensor.program import Program
from worker.tensor.told import Position as Node
from worker.tensor.told import descend

WINDOW = 6 * 3_600  # to answer a demand, seconds
TOP = Place(Kind.TRACE, 0, 0, 0)


class TensorWorld(ProvableWorld):
    """Jobs of tensor programs under the court of tensor programs."""

    court_name = "courts/TensorCourt"

    def opened_with(self, about: Dispute, root: bytes, **changes):
        """Return a job of the disputed program whose operator opened `root` for the task."""
        values = self.values_with(about, root)
        return self.opened(lambda job: values, tasks=len(values), batch_log2=3, **changes)

    def values_with(self, about: Dispute, root: bytes) -> list[bytes]:
        """Post jobs of the disputed program from now on; return values with `root` for its task."""
        claim = about.exhibits().claim
        self.program, self.inputs = claim.program, claim.inputs
        values = [bytes([task + 1]) * 32 for task in range(claim.tasks)]
        values[claim.task] = root
        return values


class DemandsWorld(TensorWorld):
    """The same with the real demands, and the other service of jobs beside it."""

    def deploy_demands(self, jobs: VyperContract) -> VyperContract:
        self.replicated = net.contract("services/ReplicatedJobs").deploy(
            self.staking, self.escrow, self.seeds, *(MIN_WINDOW,) * 3, sender=self.deployer
        )
        demands = net.contract("services/Demands").deploy(jobs, self.replicated, WINDOW)
        self.replicated.bind_demands(demands, sender=self.deployer)
        return demands

    def services(self) -> list[VyperContract]:
        return [self.jobs, self.replicated, self.demands]

    def join_again(self, owner: str, stake: int) -> Operator:
        operator = super().join_again(owner, stake)
        self.staking.opt_in(operator.id, self.replicated, NO_LIMIT, sender=owner)
        return operator

    def seat_of(self, job: ProvableJob, operator: Operator, task: int) -> Seat:
        return Seat(0, self.word(job).round, operator.id, task)

    def ask(
        self,
        job: ProvableJob,
        seat: Seat,
        place: Place,
        shown: bytes,
        demander: str | None = None,
        **changes,
    ) -> Demand:
        """Demand a place with the evidence for it, by the second requester if nobody is named."""
        self.demands.demand(
            changes.get("terms", job.members),
            changes.get("source", job.source),
            tuple(seat),
            tuple(place),
            changes.get("fee_bps", net.FEE_BPS),
            changes.get("permit", NO_PERMIT),
            shown,
            changes.get("values") or job.opened[seat.batch, seat.round, seat.operator],
            sender=demander or self.requesters[1],
        )
        return Demand.of(self.logged("TraceDemanded").demand)

    def answer(self, job: ProvableJob, demand: Demand, data: bytes, sender: str) -> None:
        self.demands.answer(job.members, demand, data, sender=sender)

    def close(self, job: ProvableJob, demand: Demand, sender: str | None = None) -> None:
        self.demands.close(job.members, demand, sender=sender or self.requesters[1])

    def id_of(self, job: ProvableJob, demand: Demand) -> bytes:
        return demand_id(job.key, demand.seat, demand.place)

    def logged(self, name: str):
        """Return the last event of a name that the last call to the demands logged."""
        return [log for log in self.demands.get_logs() if type(log).__name__ == name][-1]

    def held_for(self, job: ProvableJob, demand: Demand) -> int:
        """Return what Escrow holds of a demand's bond."""
        reference, bond = self.id_of(job, demand), demand.bond
        return self.escrow.agreement(self.demands, 0, reference, bond.due, bond.fee_bps)[1]


def tree_of(said: Statement, place: Place) -> Tree:
    """Return the tree that a place is in."""
    if place.kind is Kind.TRACE:
        return said.trace.tree
    if place.kind is Kind.SEGMENT:
        return said.inner[place.number].tree
    return said.tensors[place.number].tree


def shown_for(program: Program, said: Statement, place: Place) -> bytes:
    """Return the evidence for a place in what somebody committed to."""
    if place.kind in (Kind.TRACE, Kind.SEGMENT):
        if place.level == 0:
            return evidence(program, place)
        tree = tree_of(said, place)
        return evidence(program, place, tree.node(place.level, place.position), path(tree, place))
    op = program.ops[place.number]
    holder = said.trace.tree if op.is_checkpoint else said.inner[op.segment].tree
    leaf = Place(place.kind, place.number, holder.depth, place.number)
    outer = path(holder, leaf)
    if place.kind is Kind.TENSOR and place.level == 0:
        return evidence(program, place, holder.leaf(place.number), (), outer)
    tree = tree_of(said, place)
    digest = tree.node(place.level, place.position)
    return evidence(program, place, digest, path(tree, place), outer)


def path(tree: Tree, place: Place) -> list[bytes]:
    """Return the siblings from a node up."""
    return [tree.node(place.level - up, place.position >> up ^ 1) for up in range(place.level)]


def answer_to(said: Statement, place: Place) -> bytes:
    """Return what answers a demand, of what somebody committed to."""
    if place.kind is Kind.LINE:
        line = said.tensors[place.number].line(place.position)
        assert line is not None
        return line
    return b"".join(descend(tree_of(said, place), Node(place.level, place.position)))
