"""The SDK against a real chain: what is posted, shown, settled, refused."""

import json

import pytest

from tests.worker.client.conftest import digests_of, job_file
from worker.chain.config import KeyConfig
from worker.client import AsyncClient, Client, Until
from worker.client.view import BatchState, TaskState
from worker.errors import (
    ConfigError,
    InsufficientFundsError,
    NotFoundError,
    RevertedError,
    SpecError,
    UsageError,
    WaitTimeoutError,
)
from worker.protocol.record import blind

TOKEN = 10**18


async def sent_by(client: AsyncClient) -> int:
    """Return how many transactions the payer has sent."""
    async with client._wallet() as wallet:
        request = ["eth_getTransactionCount", [wallet.address, "latest"]]
        return await client._network.pool.call(*request, lambda value: int(value, 16))


async def tokens_of(client: AsyncClient) -> int:
    async with client._wallet() as wallet:
        return await wallet.call("Token", "balanceOf", wallet.address)


async def test_submit__job__is_posted_with_exactly_its_escrow(client, job, cast):
    before = await tokens_of(client)

    record = await client.submit(job)

    status = await client.show("try")
    assert status.view.key.hex() == record.key == status.key
    assert status.view.terms == record.terms
    assert [batch.state for batch in status.view.batches] == [BatchState.OPEN] * 2
    assert before - await tokens_of(client) == record.terms.escrow == 3 * 5 * TOKEN // 2
    async with client._wallet() as wallet:
        escrow = wallet.contracts.address("Escrow")
        assert await wallet.call("Token", "allowance", wallet.address, escrow) == 0


async def test_submit__settled_by_three__delivered_then_paid(client, job, cast):
    record = await client.submit(job)
    view = await client.view(record.key)

    await cast.conclude(view, 0, digests_of("a", "b"))
    half = await client.show(record.key)
    await cast.conclude(view, 1, digests_of("c"))
    whole = await client.wait(record.key, Until.FINAL, within=20)

    assert (half.is_delivered, half.state) == (False, "running")
    assert [task.state for task in half.view.tasks] == [TaskState.DONE] * 2 + [TaskState.PENDING]
    assert (whole.is_delivered, whole.is_paid, whole.state) == (True, True, "paid")
    assert whole.view.spent == 3 * 3 * TOKEN // 2
    assert whole.view.tasks[0].operators == (1, 2, 3)
    assert whole.view.tasks[2].value == blind(digests_of("c")[0])


async def test_show__few_blocks_after_the_settlement__delivered_but_not_paid(
    client_config, job, cast
):
    deep = client_config.model_copy(
        update={"chain": client_config.chain.model_copy(update={"confirmations": 3})}
    )
    async with AsyncClient(deep) as client:
        view = await client.view((await client.submit(job)).key)
        await cast.conclude(view, 0, digests_of("a", "b"))
        await cast.conclude(view, 1, digests_of("c"))

        status = await client.show("try")

        assert (status.is_delivered, status.is_paid, status.state) == (True, False, "delivered")
        with pytest.raises(WaitTimeoutError, match="not final"):
            await client.wait("try", Until.FINAL, within=0.2)


async def test_follow__from_posting_to_payment__tells_every_step_once(client, job, cast):
    view = await client.view((await client.submit(job)).key)
    await cast.conclude(view, 0, digests_of("a", "b"))
    await cast.conclude(view, 1, digests_of("c"))

    steps = [step async for step in client.follow("try") if step.text]

    assert steps[0].text == "posted: 3 tasks in 2 batches"
    assert [step.text for step in steps if step.batch == 1] == [
        "operator 1 took a seat",
        "operator 1 sealed its result",
        "operator 2 took a seat",
        "operator 2 sealed its result",
        "operator 3 took a seat",
        "operator 3 sealed its result",
        "settled: 1 paid",
    ]


async def test_submit__cut_off_after_signing__same_job_again_posts_once(
    client, job, cast, network, monkeypatch
):
    await network.anvil.ask("evm_setAutomine", False)
    before = await sent_by(client)
    with pytest.raises(WaitTimeoutError):
        await client.submit(job, within=0.5)
    await network.anvil.ask("evm_setAutomine", True)
    await network.anvil.ask("evm_mine")

    record = await client.submit(job)

    assert await sent_by(client) == before + 1
    assert [status.key for status in await client.list_jobs()] == [record.key]


async def test_submit__cut_off_before_signing__leaves_nothing_that_could_be_sent(
    client, job, cast, monkeypatch
):
    async def die(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("worker.client.wallet.Wallet.send", die)
        await client.submit(job)

    record = await client.submit(job)

    states = [(status.key, status.record.error) for status in await client.list_jobs()]
    assert sorted(states) == sorted([("", "never sent"), (record.key, None)])


async def test_submit__same_job_after_it_was_posted__is_another_posting(client, job, cast):
    first, second = await client.submit(job), await client.submit(job)

    assert first.key != second.key
    assert first.fingerprint == second.fingerprint


@pytest.mark.parametrize(
    ("changes", "path", "message"),
    [
        ({"windows": {"claim": "1s"}}, "windows.claim", "at least 3 s"),
        ({"windows": {"claim": "2m"}}, "windows.claim", "epoch of 60 s"),
        ({"expiry": "5m"}, "expiry", "must be between"),
        ({"program": "none.wasm"}, "program", "no file"),
    ],
)
async def test_submit__against_the_rules__names_the_field_and_sends_nothing(
    client, tmp_path, changes, path, message
):
    before = await sent_by(client)
    with pytest.raises(SpecError, match=message) as caught:
        await client.submit(job_file(tmp_path / "bad", **changes))

    assert caught.value.path == path
    assert await sent_by(client) == before
    assert await client.list_jobs() == []


async def test_submit__without_tokens__is_refused_before_sending(client_config, job, cast):
    poor = client_config.model_copy(update={"wallet": KeyConfig(dev_account=7)})
    async with AsyncClient(poor) as client:
        with pytest.raises(InsufficientFundsError, match=r"holds 0 of token .* needs 7\.5"):
            await client.submit(job)

        assert await sent_by(client) == 0
        assert "holds 0" in (await client.show("try")).record.error


async def test_submit__without_a_wallet__says_so(client_config, job):
    async with AsyncClient(client_config.model_copy(update={"wallet": None})) as client:
        with pytest.raises(ConfigError, match="no wallet is configured"):
            await client.submit(job)


async def test_submit__postings_paused__tells_the_contracts_reason(client, job, cast):
    async with client._wallet() as wallet:
        await wallet.send("Escrow", "pause", 60)
    before = await sent_by(client)

    with pytest.raises(RevertedError, match="escrow: postings are paused"):
        await client.submit(job)

    assert await sent_by(client) == before
    assert (await client.show("try")).state == "not posted"


async def test_submit__token_without_permits__approves_the_exact_sum(
    client, job, cast, monkeypatch
):
    async def no_permit(*_):
        raise RevertedError("no such function")

    monkeypatch.setattr("worker.client.wallet.Wallet.permit", no_permit)
    before = await sent_by(client)

    record = await client.submit(job)

    assert record.key
    assert await sent_by(client) == before + 2
    async with client._wallet() as wallet:
        escrow = wallet.contracts.address("Escrow")
        assert await wallet.call("Token", "allowance", wallet.address, escrow) == 0


async def test_quote__job__tells_cost_gas_and_who_cannot_run_it(client, tmp_path, cast):
    before = await sent_by(client)
    quote = await client.quote(job_file(tmp_path / "job", operators=[1, 2, 3, 4, 9]))

    assert (quote.escrow, quote.expected) == (3 * 5 * TOKEN // 2, 3 * 3 * TOKEN // 2)
    assert quote.fee == quote.expected // 100
    assert quote.gas and quote.gas_cost and quote.problem is None
    assert [one.operator for one in quote.eligible] == [1, 2, 3, 4]
    assert quote.candidates[4].reasons == ("not named by the job",)
    assert "public" in quote.warnings[0] and "4 operators can claim" in quote.warnings[1]
    assert await sent_by(client) == before


async def test_quote__no_stake_old_enough__tells_why_nobody_can(client, tmp_path, cast):
    quote = await client.quote(job_file(tmp_path / "job", operators=None, bond="200"))

    assert quote.eligible == ()
    reasons = quote.candidates[0].reasons
    assert reasons[0] == "no stake that counts in this epoch"
    assert "free stake is below the batch's bond of 400" in reasons[-1]


async def test_cancel__untouched_batches__are_credited_back(client, job, cast):
    record = await client.submit(job)
    view = await client.view(record.key)
    await cast.conclude(view, 0, digests_of("a", "b"))
    refunded = await client.credit()

    assert await client.cancel("try") == [1]

    status = await client.show("try")
    assert status.view.batches[1].state is BatchState.CANCELLED
    assert status.view.tasks[2].state is TaskState.REFUNDED
    assert await client.credit() - refunded == 5 * TOKEN // 2
    assert await client.withdraw() == await client.credit() + 5 * TOKEN // 2 + refunded
    with pytest.raises(UsageError, match="no batch is in a state"):
        await client.cancel("try")


async def test_settle__nobody_came__expires_and_refunds(client, job, network):
    await client.submit(job)
    before = await client.credit()
    assert await client.settle("try") == dict.fromkeys((0, 1), "jobs: expired too early")
    await network.anvil.skip(60)

    assert await client.settle("try") == {0: None, 1: None}

    assert {batch.state for batch in (await client.view("try")).batches} == {BatchState.EXPIRED}
    assert await client.credit() - before == 3 * 5 * TOKEN // 2
    with pytest.raises(UsageError, match="every batch is over"):
        await client.settle("try")


async def test_settle__operators_gone_behind_their_openings__pays_them_and_burns_the_silent(
    client, job, cast, network
):
    view = await client.view((await client.submit(job)).key)
    await cast.open_two_of_three(view, 0, digests_of("a", "b"))
    assert set((await client.settle("try", [0])).values()) != {None}
    await network.anvil.skip(120)

    assert await client.settle("try", [0]) == {0: None}

    batch = (await client.view("try")).batches[0]
    assert batch.state is BatchState.SETTLED
    assert [(seat.paid > 0, seat.burnt > 0) for seat in batch.settled] == [
        (True, False),
        (True, False),
        (False, True),
    ]


async def test_settle__base_disagrees_then_growth_opens__counts_both_rounds(
    client, job, cast, network
):
    view = await client.view((await client.submit(job)).key)
    await cast.grow(view, 0, digests_of("a", "b"), digests_of("a", "c"), by_hand=False)
    await network.anvil.skip(60)

    assert await client.settle("try", [0]) == {0: None}

    view = await client.view("try")
    assert view.batches[0].state is BatchState.SETTLED
    assert [task.state for task in view.batches[0].tasks.values()] == [TaskState.DONE] * 2


async def test_retry__cancelled_tasks__are_posted_alone(client, job, cast):
    view = await client.view((await client.submit(job)).key)
    await cast.conclude(view, 0, digests_of("a", "b"))
    with pytest.raises(UsageError, match="no task ended without a result"):
        await client.retry("try")
    await client.cancel("try")

    again = await client.retry("try")

    assert again.only == (2,)
    assert (await client.view(again.key)).terms.tasks == 1
    table = [json.loads(row) for row in client._store.read(_table(client, again)).splitlines()]
    assert [row["args"] for row in table] == [["2"]]


async def test_raise_price__unfilled_batch__opens_another_round(client, job, cast, network):
    record = await client.submit(job)
    with pytest.raises(UsageError, match="no batch is in a state"):
        await client.raise_price(record.key, TOKEN)
    await network.anvil.skip(31)
    with pytest.raises(UsageError, match="higher than the old"):
        await client.raise_price(record.key, TOKEN // 2, [0])

    added = await client.raise_price(record.key, TOKEN)

    view = await client.view(record.key)
    assert added == 3 * 5 * TOKEN // 2
    assert [(b.round, b.price, b.state) for b in view.batches] == [(1, TOKEN, BatchState.OPEN)] * 2


async def test_cancel__by_somebody_else__is_refused_before_sending(
    client, client_config, job, cast
):
    record = await client.submit(job)
    other = client_config.model_copy(update={"wallet": KeyConfig(dev_account=7)})
    async with AsyncClient(other) as stranger:
        with pytest.raises(UsageError, match="only the payer"):
            await stranger.cancel(record.key)


async def test_accept__single_operator__is_paid_for_what_it_showed(client, tmp_path, cast):
    file = job_file(tmp_path / "one", name="one", seats=1, operators=[1, 2, 3, 4, 5])
    view = await client.view((await client.submit(file)).key)
    await cast.show_alone(view, 1, digests_of("x"))
    assert (await client.show("one")).view.batches[1].state is BatchState.REVEALED

    assert await client.accept("one") == [1]

    assert (await client.view("one")).tasks[2].state is TaskState.DONE


async def test_show__unknown_job__not_found(client):
    with pytest.raises(NotFoundError, match="posted from this machine"):
        await client.show("nobody")
    with pytest.raises(NotFoundError, match="no such job on this chain"):
        await client.show("ab" * 32)


async def test_show__posted_from_another_machine__needs_the_key_alone(
    client, client_config, job, cast, tmp_path
):
    record = await client.submit(job)
    elsewhere = client_config.model_copy(update={"data": tmp_path / "elsewhere", "wallet": None})
    async with AsyncClient(elsewhere) as other:
        status = await other.show(f"0x{record.key}")

    assert status.record is None
    assert status.view.terms == record.terms


def test_client__without_an_event_loop__has_the_same_verbs(sync_config, tmp_path):
    with Client(sync_config) as client:
        record = client.submit(job_file(tmp_path / "job"))
        view = client.view(record.key)
        steps = [step.text for step in client.follow(record.key, Until.SUBMITTED)]

        assert steps == ["posted: 3 tasks in 2 batches", ""]
        assert client.show("try").state == "open"
        assert view.terms == record.terms
        with pytest.raises(NotFoundError):
            client.show("nobody")


def _table(client, record):
    from worker.protocol.manifest import Manifest

    manifest = Manifest.decode(client._store.read(bytes.fromhex(record.manifest)))
    return bytes.fromhex(manifest.table)
