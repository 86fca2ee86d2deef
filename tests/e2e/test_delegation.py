"""Stake that somebody lends: it backs a job that the operator's own could not, and is paid."""

from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.e2e.network import configure, events, until, write_picture
from tests.e2e.person import Person
from worker.chain.keys import LOCAL_CHAIN_ID, dev_signer
from worker.chain.standing import fetch_standing
from worker.cli.devnet.network import DELEGATOR, FIRST_OWNER, FIRST_WORKER, TOKEN, Network
from worker.client import delegation, operator, rewards
from worker.client.wallet import as_tokens
from worker.protocol.words import GWEI
from worker.types import OperatorId, Wei

pytestmark = pytest.mark.asyncio(loop_scope="session")

OPERATOR = OperatorId(1)
LENT = 1_000
COMMISSION_BPS = 1_000
PRICE, FEE_BPS = 5, 100
BOND = 600  # for each of two tasks: more than the operator has of its own


@pytest_asyncio.fixture(loop_scope="session")
async def delegator(network: Network, tmp_path: Path) -> Person:
    """Somebody with tokens and no machine; operator 1 takes delegations."""
    bank = await network.wallet(0)
    address = dev_signer(DELEGATOR, LOCAL_CHAIN_ID).address
    await bank.send("Token", "transfer", address, LENT * TOKEN)
    owner = await network.wallet(FIRST_OWNER)
    await delegation.open_pool(owner, OPERATOR, COMMISSION_BPS)
    key = dev_signer(FIRST_WORKER, LOCAL_CHAIN_ID)
    await operator.join(owner, Wei(0), key, OPERATOR)  # it may lock more from now on
    settings = network.write_settings("delegator", {"wallet": {"dev_account": DELEGATOR}})
    configure(network.operators[0], "node", policy={"circles": [[int(OPERATOR)]]})  # alone
    return Person(settings, tmp_path)


async def test_delegator__backs_a_dear_job__claims_its_part(
    network: Network, delegator: Person
) -> None:
    await delegator.data("delegate", "to", OPERATOR, LENT)
    before = await fetch_standing(network.requester.contracts, OPERATOR)
    worker = network.operators[0]
    await network.start(worker)
    await network.until_ready(worker)
    assert before.backing.own < 1_200 * 10**9 <= before.room("ReplicatedJobs")
    assert before.room("ProvableJobs") < 1_000 * 10**9  # own stake only

    terms = {"price": PRICE, "bond": BOND, "seats": 1, "operators": [int(OPERATOR)]}
    write_picture(delegator.folder, name="dear", **terms)
    payer = Person(network.write_requester_settings(), delegator.folder)
    key = (await payer.run("job", "submit", "job.yaml", "-q")).strip()
    job = bytes.fromhex(key.removeprefix("0x"))

    async def is_shown() -> bool:
        return bool(await events(network, "ResultRevealed", job=job))

    await until(is_shown, "the result shown", network)
    await payer.run("job", "accept", "dear")  # the payer named a sole operator, and decides

    owner = await network.wallet(FIRST_OWNER)
    address = dev_signer(DELEGATOR, LOCAL_CHAIN_ID).address
    paid = 2 * PRICE * TOKEN * (10_000 - FEE_BPS) // 10_000
    assert await owner.call("Escrow", "operator_credit", OPERATOR, 0) == paid
    stake = await owner.call("Staking", "stake_of", OPERATOR) * GWEI
    rest = paid * (10_000 - COMMISSION_BPS) // 10_000
    part = rest * LENT * TOKEN // (stake + LENT * TOKEN)
    had = await owner.call("Token", "balanceOf", address)
    (claimed,) = await delegator.data("delegate", "claim")
    assert claimed["claimed"] == as_tokens(part)
    assert await owner.call("Token", "balanceOf", address) == had + part

    await rewards.collect(owner, OPERATOR)
    person = Person(worker.settings, delegator.folder)
    told = await person.data("node", "earnings")
    assert told["of_delegators"] == as_tokens(part)
    by_job: dict[str, Any] = {}

    async def is_booked() -> bool:
        rows = await person.data("node", "earnings", "--by-job")
        by_job.update({row["job"]: row for row in rows})
        return "0x" + job.hex() in by_job

    await until(is_booked, "the worker knows what it earned", network)
    row = by_job["0x" + job.hex()]
    amounts = [as_tokens(amount) for amount in (2 * PRICE * TOKEN, 2 * PRICE * TOKEN - paid, paid)]
    assert [row[name] for name in ("paid", "fee", "net")] == amounts
    assert (row["burnt"], row["gas"] != "0") == ("0", True)
    audit = await network.audit(worker)
    assert audit.holds, [check for check in audit.checks if not check.holds]
