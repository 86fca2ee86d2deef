"""Provable jobs against a real chain: posted, followed, cancelled, accepted, settled, refused."""

import pytest
from eth_utils.crypto import keccak

from tests.worker.client.conftest import TOKEN
from tests.worker.client.provable_cast import ProvableCast, digits_file
from worker.client import AsyncClient, Until
from worker.client.receipts import check_receipt
from worker.client.view import BatchState, TaskState
from worker.errors import InsufficientFundsError, SpecError, UsageError, VerificationError
from worker.protocol.provable_words import is_bond_enough
from worker.protocol.words import Stage

VALUES = [keccak(text="trace 0"), keccak(text="trace 1")]
BYTES = 9_901  # of the job's blobs


@pytest.fixture
def job(tmp_path):
    return digits_file(tmp_path / "job")


@pytest.fixture
async def cast(network, client) -> ProvableCast:
    cast = ProvableCast(network, client._network.contracts)
    await cast.join()
    return cast


async def test_submit__digits__is_posted_with_its_whole_reserve(client: AsyncClient, job):
    record = await client.submit(job)

    view = await client.view("digits")
    terms = view.terms
    assert (view.key.hex(), view.lane, view.terms) == (record.key, "ProvableJobs", record.terms)
    assert view.origin.program == job.build().program
    assert (terms.audit_bps, terms.challenge, terms.seats) == (5_000, 60, 1)
    assert [batch.state for batch in view.batches] == [BatchState.OPEN] * 2
    assert view.batches[0].until == terms.posted_at + 30
    _, capture, least, rate = await client._network.view("Courts", "limits", 0, 0)
    assert is_bond_enough(terms, capture, least, rate)
    async with client._wallet() as wallet:
        escrow = wallet.contracts.address("Escrow")
        assert await wallet.call("Token", "balanceOf", escrow) == 8 * terms.price


async def test_quote__digits__tells_cost_and_who_can_run_it(client: AsyncClient, job, cast):
    quote = await client.quote(job)

    assert quote.problem is None and quote.gas > 100_000
    assert quote.escrow == 8 * TOKEN // 100
    assert quote.expected == 6 * TOKEN // 100  # half of the batches are paid for twice
    assert quote.upload_bytes == BYTES
    assert [one.reasons for one in quote.candidates] == [(), ()]


async def test_quote__operators_of_the_other_lane__have_not_opted_in(client, tmp_path, cast):
    quote = await client.quote(digits_file(tmp_path / "one", operators=[2], bond="300"))

    first, second = quote.candidates
    assert first.reasons[0] == "not named by the job"
    assert "its free stake is below the batch's bond of 600" in second.reasons
    assert any("1 operator" in text or "0 operators" in text for text in quote.warnings)


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        ({"audit": "0.5%"}, "audit", "this network asks for at least 1.0 %"),
        ({"bond": "0.02"}, "bond", "with this price and audit share it must be at least 0.03"),
        ({"windows": {"challenge": "2s"}}, "windows.challenge", "at least 3 s"),
        ({"windows": {"claim": "61s"}}, "windows.claim", "epoch of 60 s"),
        ({"expiry": "1d"}, "expiry", "it must be between"),
        ({"token": 1}, "token", "this network's courts refuse it"),
    ],
)
async def test_submit__against_the_networks_rules__names_the_field(
    client: AsyncClient, tmp_path, changes, path, message
):
    windows = {"claim": "30s", "run": "60s", "reveal": "30s", **changes.pop("windows", {})}
    with pytest.raises(SpecError, match=message) as caught:
        await client.submit(digits_file(tmp_path / "bad", windows=windows, **changes))

    assert caught.value.path == path


async def test_submit__everything_audited__bond_is_no_less_than_the_price(client, tmp_path):
    await client.submit(digits_file(tmp_path / "sure", audit="100%", price="1"))

    terms = (await client.view("digits")).terms
    assert terms.price <= terms.bond * 10**9 < terms.price * 11 // 10


async def test_submit__more_than_the_wallet_has__is_refused_before_sending(client, tmp_path):
    with pytest.raises(InsufficientFundsError):
        await client.submit(digits_file(tmp_path / "dear", price="300000000"))


async def test_cancel__open_batches__reserve_comes_back(client: AsyncClient, job):
    record = await client.submit(job)

    assert await client.cancel("digits") == [0, 1]
    steps = [step.text async for step in client.follow("digits") if step.text]

    assert steps == ["posted: 4 tasks in 2 batches", *["cancelled, refunded"] * 2]
    status = await client.show("digits")
    assert status.state == "refunded"
    assert await client.credit() == 8 * record.terms.price
    assert await client.withdraw() == 8 * record.terms.price
    assert (await client.unfinished("digits")).only == (0, 1, 2, 3)


async def test_settle__operator_gone_behind_its_opening__is_paid(
    client: AsyncClient, job, cast, network
):
    view = await client.view((await client.submit(job)).key)
    await cast.show(view, 0, VALUES)
    assert await client.settle("digits", [0]) == {0: "provable: settled too early"}
    await network.anvil.skip(view.terms.challenge)

    assert await client.settle("digits", [0]) == {0: None}

    assert (await client.view("digits")).batches[0].state is BatchState.SETTLED


async def test_settle__operator_that_never_opens__is_moved_on_to_the_refund(
    client: AsyncClient, job, cast, network
):
    view = await client.view((await client.submit(job)).key)
    await cast.take(view, 0, VALUES)
    await cast.draw(view, 0, audited=False)

    before, rounds = await client.credit(), 0
    while not view.is_over and rounds < 9:  # its draw, its silence, the rounds that nobody takes
        await client.settle("digits")
        await network.anvil.skip(60)
        view, rounds = await client.view("digits"), rounds + 1

    assert [batch.state for batch in view.batches] == [BatchState.EXPIRED] * 2
    assert await client.credit() - before == 8 * view.terms.price


async def test_retry__cancelled_tasks__are_posted_alone(client: AsyncClient, job, cast):
    view = await client.view((await client.submit(job)).key)
    await cast.take(view, 0, VALUES)
    await client.cancel("digits")

    again = await client.retry("digits")

    posted = await client.view(again.key)
    assert posted.terms.tasks == 2
    assert posted.origin.inputs != view.origin.inputs


async def test_follow__shown_and_unchallenged__settled_and_paid(client: AsyncClient, job, cast):
    view = await client.view((await client.submit(job)).key)
    await cast.take(view, 0, VALUES)
    assert (await client.view("digits")).batches[0].state is BatchState.SEALED
    await cast.draw(view, 0, audited=False)
    arguments = (view.terms.members(), 0, 1, VALUES, bytes(32))
    await cast.send(1, "ProvableJobs", "reveal", *arguments)

    shown = (await client.view("digits")).batches[0]
    head = await client._network.head()
    assert (shown.state, shown.standing, shown.shown_by) == (
        BatchState.CHALLENGE,
        tuple(VALUES),
        (1,),
    )
    assert shown.until == head.timestamp + view.terms.challenge
    await cast.settle(view, 0, VALUES)
    await client.cancel("digits")
    steps = [step async for step in client.follow("digits", Until.RESULT) if step.text]

    assert [step.text for step in steps if step.batch == 0] == [
        "operator 1 took a seat",
        "operator 1 sealed its result",
        "operator 1 showed its result",
        "settled: 2 paid",
    ]
    done = (await client.view("digits")).tasks[1]
    assert (done.state, done.value, done.operators) == (TaskState.DONE, VALUES[1], (1,))


async def test_accept__in_the_challenge__is_paid_at_once(client: AsyncClient, job, cast):
    view = await client.view((await client.submit(job)).key)
    with pytest.raises(UsageError, match="no batch is in a state"):
        await client.accept("digits")
    with pytest.raises(UsageError, match="batch 0 has no result to accept: it is open"):
        await client.accept("digits", [0])
    await cast.show(view, 0, VALUES)

    assert await client.accept("digits") == [0]

    batch = (await client.view("digits")).batches[0]
    assert batch.state is BatchState.SETTLED
    result = batch.result[Stage.FINAL]
    assert (result.mask, result.values, result.servers) == (3, tuple(VALUES), (1,))


async def test_raise_price__provable_job__says_what_to_do_instead(client: AsyncClient, job):
    await client.submit(job)

    with pytest.raises(UsageError, match="cancel it, and post it again"):
        await client.raise_price("digits", TOKEN, [0])


@pytest.mark.parametrize("accepted", [False, True], ids=["challenged", "accepted"])
async def test_receipts__settled_batch__prove_values_and_whether_they_were_accepted(
    client: AsyncClient, job, cast, accepted
):
    view = await client.view((await client.submit(job)).key)
    await cast.show(view, 0, VALUES)
    if accepted:
        await client.accept("digits")
    else:
        await cast.settle(view, 0, VALUES)

    (receipt,) = await client.receipts("digits", 0)

    service = client._network.contracts.address("ProvableJobs")
    check_receipt(receipt, receipt.block_hash, service)
    assert receipt.task_values() == dict(enumerate(VALUES))
    assert (receipt.accepted, receipt.program) == (accepted, view.origin.program.hex())
    bent = receipt.model_copy(update={"accepted": not accepted})
    with pytest.raises(VerificationError, match="keeps another result"):
        check_receipt(bent, receipt.block_hash, service)
    other = receipt.model_copy(update={"stage": Stage.BASE})
    with pytest.raises(VerificationError, match="no result of a base round"):
        check_receipt(other, receipt.block_hash, service)
