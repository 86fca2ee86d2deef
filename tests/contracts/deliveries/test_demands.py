"""demand_output: which pieces a payer can ask for, of whom, and until when."""

from dataclasses import replace
from random import Random

import boa
import pytest
from boa.contracts.base_evm_contract import BoaError

from tests.contracts.deliveries.world import Bundled, Side, Traced, bundle_of, record_of
from tests.contracts.demands.programs import copies
from tests.contracts.jobs_world import digests
from tests.contracts.provable_world import GAS_PRICE, ProvableJob
from tests.contracts.stateful import network as net
from tests.contracts.tensor_world import WINDOW
from worker.protocol.deliveries import SERVE_SECONDS
from worker.protocol.demands import bond_for
from worker.protocol.record import FAILED
from worker.protocol.settled import Result
from worker.protocol.words import OnDissent
from worker.tensor.proof import program_head

NO_RESULT = "deliveries: no such result"


def test_demand__logs_what_all_others_need(world, owed):
    delivery = owed.demand(1)

    log = world.logged("OutputDemanded")
    assert (log.id, log.job, log.operator) == (delivery.id, owed.job.key, owed.server.id)
    assert (delivery.job, delivery.debt) == (owed.job.key, owed.debt(1))
    data, path = owed.piece(1)
    assert delivery.part.size == len(data)
    amount = bond_for(len(data) + 32 * len(path), GAS_PRICE)
    assert delivery.bond == (world.now + WINDOW, amount, net.FEE_BPS)
    assert world.demands.delivery_of(delivery.id) == delivery.record
    assert owed.held(delivery) == amount


@pytest.mark.parametrize("size", [1, 900, 1_024, 2_047, 3_000, 7_000])
def test_demand__every_chunk__is_answered_by_the_honest(world, size):
    owed = Bundled.settled(world, (size, 10))

    for position in owed.positions():
        owed.answer(owed.demand(position))

    with boa.reverts("deliveries: no such chunk"):
        owed.demand(len(owed.positions()))


def test_demand__whole_chunks__the_last_is_whole(world):
    size = 3_000 - len(bundle_of(3_000)) % 1_024
    owed = Bundled.settled(world, (size, 10))
    assert len(owed.content) % 1_024 == 0

    last = owed.demand(owed.positions()[-1])

    assert last.part.size == 1_024
    owed.answer(last)


@pytest.mark.parametrize("shape", [(1, 1), (1, 1_025), (3, 256), (9, 255), (40, 100), (2, 16_400)])
@pytest.mark.parametrize("count", [1, 5])
def test_demand__every_line__is_answered_by_the_honest(world, shape, count):
    owed = Traced.settled(world, copies(count, *shape, 2))

    for position in owed.positions():
        owed.answer(owed.demand(position))

    with boa.reverts("deliveries: no such line"):
        owed.demand(len(owed.positions()))


def test_demand__bent_at_random__accepted_only_if_it_can_be_answered(owed):
    """Whatever is accepted is answered by what the honest operator has."""
    rng = Random(11)
    accepted = 0
    for _ in range(40):
        field = rng.choice(["batch", "number", "position", "operator"])
        usual = getattr(owed.debt(0), field)
        other = rng.choice([usual + 1, usual ^ 1, rng.randrange(40), 1 << rng.randrange(256)])
        try:
            delivery = owed.demand(**{field: other})
        except BoaError:
            continue
        owed.answer(delivery)
        accepted += 1
    assert accepted


# Who asks, and whom


def test_demand__not_the_payer__reverts(world, owed):
    for other in (world.requesters[1], owed.server.owner, owed.server.worker, world.net.owner):
        with boa.reverts("deliveries: not the payer"):
            owed.demand(sender=other)
    with boa.reverts("deliveries: not the payer"):
        nonce, *rest = owed.job.origin_members
        owed.demand(origin=(nonce + 1, *rest))


def test_demand__operator_that_was_not_paid__reverts(world, owed):
    paid = set(owed.result.servers)
    others = [operator.id for operator in world.operators if operator.id not in paid]
    for other in (0, *others, 1 << 24 | owed.server.id, owed.server.id << 24):
        with boa.reverts("deliveries: it owes nothing"):
            owed.demand(operator=other)


def test_demand__each_that_was_paid__owes_it(world, bundled):
    for operator in bundled.result.servers:
        bundled.answer(bundled.demand(operator=operator))

    assert len(bundled.result.servers) == 3


def test_demand__auditor__owes_it_too(world):
    about = copies(3, 4, 300, 1)
    values = world.values_with(about, about.statement.trace.root)
    job, operator, auditor = world.audited(*[lambda _: values] * 2, tasks=2, batch_log2=3)
    world.go_to(world.until(job))
    result = Result.of_event(world.settle(job, values)._asdict())
    owed = Traced(world, world, job, result, about.job.task, about)

    for seat in (operator, auditor):
        owed.answer(owed.demand(operator=seat.id))


@pytest.mark.parametrize("wrong", ["other", "failed"])
def test_demand__dissenter_in_another_task__owes_nothing(world, wrong):
    lane = Side(world)
    contents = [bundle_of(2_000), bundle_of(10)]
    records = [record_of(content) for content in contents]
    found = [record.digest() for record in records]
    spoilt = FAILED if wrong == "failed" else digests("other")[1]
    job = lane.post(on_dissent=OnDissent.SETTLE)
    lane.play(job, {0: found, 1: [found[0], spoilt], 2: found})
    result = Result.of_event(lane.settle(job)._asdict())
    owed = Bundled(world, lane, job, result, 0, records[0], contents[0])

    with boa.reverts("deliveries: it owes nothing"):
        owed.demand(operator=world.operators[1].id)
    owed.answer(owed.demand(operator=world.operators[2].id))


# What


def test_demand__another_result__reverts(owed):
    result = owed.result
    bent = [
        replace(result, mask=result.mask ^ 1 << 5),
        replace(result, values=result.values[::-1]),
        replace(result, values=(*result.values, bytes(32))),
        replace(result, servers=(*result.servers, 7)),
        replace(result, settled_at=result.settled_at + 1),
        Result(0, (), (owed.server.id,), 0),
    ]
    for other in bent:
        with boa.reverts(NO_RESULT):
            owed.demand(result=other, operator=owed.server.id)


def test_demand__before_the_settlement__reverts(world):
    lane = Side(world)
    record, content = record_of(bundle_of(10)), bundle_of(10)
    job = lane.post(tasks=1, batch_log2=0)
    lane.play(job, {seat: [record.digest()] for seat in range(3)})
    result = Result(1, tuple(lane.values(job, [record.digest()])), (1, 2, 3), world.now)
    owed = Bundled(world, lane, job, result, 0, record, content)

    with boa.reverts(NO_RESULT):
        owed.demand()


def test_demand__of_another_service__reverts(world, owed):
    for other in (world.demands, world.escrow, world.requesters[1]):
        with boa.reverts(NO_RESULT):
            owed.demand(service=str(getattr(other, "address", other)))
    other = world.jobs if owed.lane.jobs.address != world.jobs.address else world.replicated
    with boa.reverts(NO_RESULT):
        owed.demand(service=str(other.address))


@pytest.mark.parametrize("task", [2, 31, 32, 255, 1 << 255])
def test_demand__task_that_has_no_result__reverts(owed, task):
    with boa.reverts(
        "deliveries: no such task" if task >= 32 else "deliveries: task has no result"
    ):
        owed.demand(task=task)


def test_demand__task_before_the_batch__reverts(world):
    lane = Side(world)
    record, content = record_of(bundle_of(10)), bundle_of(10)
    job = lane.post(tasks=2, batch_log2=0)
    lane.last_third(job, 1)
    for operator in world.operators[:3]:
        lane.claim(job, operator, 1)
        lane.seal(job, operator, [record.digest()], 1)
    for operator in world.operators[:3]:
        lane.reveal(job, operator, [record.digest()], 1)
    result = Result.of_event(lane.settle(job, 1)._asdict())
    owed = Bundled(world, lane, job, result, 1, record, content)

    with boa.reverts("deliveries: no such task"):
        owed.demand(batch=1, task=0)
    owed.answer(owed.demand(batch=1))


def test_demand__another_record__reverts(world, bundled):
    other = replace(bundled.record, output_bytes=1 << 40)
    encoded = bundled.record.encode()
    for wrong in (other.encode(), b"", encoded[:-1], encoded + bytes(32), bundled.record.digest()):
        with boa.reverts("deliveries: another record"):
            bundled.demand(evidence=wrong)
    with boa.reverts("deliveries: another record"):
        bundled.demand(task=1)


def test_demand__the_record__by_a_payer_that_was_told_nothing(world, bundled):
    delivery = bundled.demand(number=1, evidence=b"")

    assert delivery.part == (bundled.result.values[0], 1, 0, 192)
    encoded = bundled.record.encode()
    for wrong in (encoded[:-1] + b"\1", encoded + b"\0", bundled.record.digest()):
        with boa.reverts("deliveries: wrong answer"):
            bundled.answer(delivery, wrong, [])
    bundled.answer(delivery, encoded, [])
    assert world.logged("OutputAnswered").data == encoded
    bundled.answer(bundled.demand(evidence=encoded))


@pytest.mark.parametrize(("position", "evidence"), [(1, b""), (0, b"\0"), (0, bytes(192))])
def test_demand__record_under_another_name__reverts(bundled, position, evidence):
    with boa.reverts("deliveries: no such record"):
        bundled.demand(position, number=1, evidence=evidence)


def test_demand__chunk_under_another_name__reverts(bundled):
    with boa.reverts("deliveries: no such chunk"):
        bundled.demand(number=2)
    for position in (len(bundled.positions()), 1 << 246, 2**256 - 1):
        with boa.reverts("deliveries: no such chunk"):
            bundled.demand(position)


def test_demand__not_an_output__reverts(traced):
    program = traced.about.program
    for number in range(len(program.ops) - 1):
        with boa.reverts("deliveries: no such output"):
            traced.demand(number=number, evidence=program_head(program, number))
    with boa.reverts("deliveries: no such output"):
        beyond = len(program.ops)
        traced.demand(number=beyond, evidence=program_head(program, beyond))


def test_demand__another_programs_head__reverts(traced):
    other = copies(5, 30, 301, 2).program
    with boa.reverts("court: another program"):
        traced.demand(evidence=program_head(other, traced.number))
    for wrong in (traced.evidence() + b"\0", traced.evidence() + bytes(32)):
        with boa.reverts("deliveries: wrong length"):
            traced.demand(evidence=wrong)


# Once, and in time


def test_demand__same_piece_again__reverts(owed):
    delivery = owed.demand()
    with boa.reverts("deliveries: demanded before"):
        owed.demand()
    owed.answer(delivery)

    with boa.reverts("deliveries: demanded before"):
        owed.demand()
    owed.demand(1)


@pytest.mark.parametrize("late", [-1, 0, 1])
def test_demand__until_its_answer_would_be_due_a_day_after_the_settlement(world, owed, late):
    world.go_to(owed.result.settled_at + SERVE_SECONDS - WINDOW + late)

    if late > 0:
        with boa.reverts("deliveries: too late to demand"):
            owed.demand()
    else:
        assert owed.demand().bond.due <= owed.result.settled_at + SERVE_SECONDS


def test_demand__more_than_it_must_answer_at_once__reverts(world):
    owed = Bundled.settled(world, (40_000, 10))
    demands = [owed.demand(position) for position in range(31)]
    with boa.reverts("deliveries: too many demands"):
        owed.demand(31)
    owed.demand(31, operator=owed.result.servers[1])

    owed.answer(demands[7])
    owed.demand(31)
    with boa.reverts("deliveries: too many demands"):
        owed.demand(32)


def test_demand__what_stood_before_the_batch_grew(world):
    lane = Side(world)
    contents = [bundle_of(2_000), bundle_of(10)]
    records = [record_of(content) for content in contents]
    found = [record.digest() for record in records]
    job = lane.post()
    lane.play(job, {0: found, 1: found, 2: [found[0], digests("lie")[1]]})
    base = Result.of_event(lane.settle(job)._asdict())
    owed = Bundled(world, lane, job, base, 0, records[0], contents[0])

    owed.answer(owed.demand(1, operator=world.operators[2].id))
    lane.play(job, {3: found, 4: found})
    final = Result.of_event(lane.settle(job)._asdict())
    owed.answer(owed.demand(0, operator=world.operators[2].id))
    grown = Bundled(world, lane, job, final, 1, records[1], contents[1])
    grown.answer(grown.demand(operator=world.operators[4].id))

    with boa.reverts("deliveries: it owes nothing"):
        grown.demand(operator=world.operators[2].id)


def test_demand__accepted_by_the_payer__is_owed_as_well(world):
    about = copies(3, 4, 300, 1)
    job, operator = world.opened_with(about, about.statement.trace.root)
    values = job.opened[0, 0, operator.id]
    world.jobs.accept(job.members, job.origin_members, 0, values, sender=job.payer)
    result = Result.of_event(world.last("BatchSettled")._asdict())
    owed = Traced(world, world, job, result, about.job.task, about)

    owed.answer(owed.demand())


def test_demand__batch_without_a_result__reverts(world):
    about = copies(3, 4, 300, 1)
    truth = world.values_with(about, about.statement.trace.root)
    lies = [bytes([9]) * 32] * 2
    job, operator, _ = world.audited(lambda _: truth, lambda _: lies, tasks=2, batch_log2=3)
    world.go_to(world.until(job))
    world.settle(job, [])
    result = Result(0b11, tuple(truth), (operator.id,), world.now)
    owed = Traced(world, world, job, result, about.job.task, about)

    assert isinstance(job, ProvableJob)
    with boa.reverts(NO_RESULT):
        owed.demand()
