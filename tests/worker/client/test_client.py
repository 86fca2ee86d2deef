"""The SDK against a real chain: what is posted, shown, settled, refused."""

from tests.worker.client.conftest import digests_of
from worker.client import AsyncClient, Until
from worker.client.view import BatchState, TaskState


async def nonce_of(client: AsyncClient) -> int:
    """Return how many transactions the payer has sent."""
    async with client._wallet() as wallet:
        request = ["eth_getTransactionCount", [wallet.address, "latest"]]
        return await client._network.pool.call(*request, lambda value: int(value, 16))


async def test_submit__job__is_posted_with_exactly_its_escrow(client, job, cast):
    async with client._wallet() as wallet:
        before = await wallet.call("Token", "balanceOf", wallet.address)

    record = await client.submit(job)

    status = await client.show("try")
    assert status.view.key.hex() == record.key == status.key
    assert status.view.terms == record.terms
    assert [batch.state for batch in status.view.batches] == [BatchState.OPEN] * 2
    async with client._wallet() as wallet:
        escrow = client._network.contracts.address("Escrow")
        after = await wallet.call("Token", "balanceOf", wallet.address)
        assert before - after == record.terms.escrow == 3 * 5 * 5 * 10**17
        assert await wallet.call("Token", "allowance", wallet.address, escrow) == 0


async def test_submit__settled_by_three__delivered_then_paid(client, job, cast):
    record = await client.submit(job)
    view = (await client.show(record.key)).view

    await cast.conclude(view, 0, digests_of("a", "b"))
    half = await client.show(record.key)
    await cast.conclude(view, 1, digests_of("c"))
    whole = await client.wait(record.key, Until.FINAL, within=20)

    assert (half.is_delivered, half.state) == (False, "running")
    assert [task.state for task in half.view.tasks] == [TaskState.DONE] * 2 + [TaskState.PENDING]
    assert (whole.is_delivered, whole.is_paid, whole.state) == (True, True, "paid")
    assert whole.view.spent == 3 * 3 * 5 * 10**17
    assert whole.view.tasks[0].operators == (1, 2, 3)
