"""What a payer may still do at the command line: accept, raise the price, retry, publish."""

import asyncio
from pathlib import Path

import pytest

from tests.conftest import LocalNetwork
from tests.worker.cli.test_job import job_file, sent
from tests.worker.client.conftest import Cast, digests_of
from worker.chain.contracts import Contracts
from worker.chain.deployment import Deployment
from worker.chain.endpoints import RpcPool
from worker.cli.exits import Exit
from worker.client import AsyncClient, ClientConfig
from worker.client.view import JobView
from worker.config import load_config

NAMED = {"bond": "2", "operators": [1, 2, 3, 4, 5]}
ALONE = {**NAMED, "seats": 1}


@pytest.fixture
def cast(chain: LocalNetwork, settings) -> Cast:
    """Five staked operators played by hand; they need no endpoint of ours."""
    config, deployment = load_config(), Deployment.load(chain.deployment)
    cast = Cast(chain, Contracts(deployment, RpcPool(config.chain, deployment.identity)))
    asyncio.run(cast.join())
    return cast


def view_of(key: str) -> JobView:
    config = load_config()
    wanted = ClientConfig(deployment=config.deployment, chain=config.chain, data=config.data)

    async def read() -> JobView:
        async with AsyncClient(wanted) as client:
            return await client.view(key)

    return asyncio.run(read())


def submit(run, tmp_path: Path, **changes) -> str:
    result = run("job", "submit", job_file(tmp_path / "job", **changes), "-q")
    assert result.code == Exit.OK, result.err
    return result.out.strip()


def test_accept__single_seat_that_showed_its_result__paid(run, cast, tmp_path):
    key = submit(run, tmp_path, **ALONE)
    early = run("job", "accept", key)
    assert (early.code, "no batch is in a state that allows it" in early.err) == (Exit.USAGE, True)

    asyncio.run(cast.show_alone(view_of(key), 0, digests_of("a", "b")))
    named = run("job", "accept", key, "--batch", 1)
    assert named.code == Exit.USAGE
    assert "batch 1 has no result to accept: it is open" in named.err
    assert run("job", "accept", key, "-o", "json").data == {"job": key, "accepted": [0]}
    assert [batch.state for batch in view_of(key).batches] == ["settled", "open"]


def test_raise_price__unfilled__another_round_at_the_new_price(run, chain, cast, tmp_path):
    key = submit(run, tmp_path, **NAMED)
    early = run("job", "raise-price", key, "0.75")
    assert (early.code, "no batch is in a state that allows it" in early.err) == (Exit.USAGE, True)

    asyncio.run(chain.anvil.skip(31))
    same = run("job", "raise-price", key, "0.5")
    assert same.code == Exit.USAGE
    assert "the new price must be higher than the old one" in same.err
    raised = run("job", "raise-price", key, "0.75", "-o", "json")
    assert raised.data == {"job": key, "added_to_escrow": "3.75"}
    batches = run("job", "show", key, "-o", "json").data["batches"]
    assert [(one["round"], one["price"], one["state"]) for one in batches] == [
        (2, "0.75", "open"),
        (2, "0.75", "open"),
    ]


@pytest.mark.parametrize("price", ["0", "nan", "0.0000000000000000001", "cheap"])
def test_raise_price__not_an_amount__usage(run, settings, price):
    result = run("job", "raise-price", "try", price)
    assert result.code == Exit.USAGE
    assert "number of tokens" in result.err


@pytest.mark.parametrize("verb", [("cancel",), ("accept",), ("raise-price", "9"), ("demand",)])
def test_payers_verbs__somebody_elses_job__refused_and_nothing_sent(
    run, chain, settings, tmp_path, verb
):
    key = submit(run, tmp_path)
    settings(wallet="dev_account = 1")
    before = sent(chain)

    result = run("job", verb[0], key, *verb[1:])

    assert result.code == Exit.USAGE
    assert "only the payer 0x" in result.err
    assert sent(chain) == before


def test_settle__by_anybody__tells_of_each_batch_what_came_of_it(
    run, chain, cast, settings, tmp_path
):
    key = submit(run, tmp_path, **NAMED)
    early = run("job", "settle", key, "--batch", "1", "-o", "json")
    late = {"batch": 1, "moved_on": False, "why_not": "jobs: expired too early"}
    assert (early.code, early.data) == (Exit.OK, [late])

    asyncio.run(chain.anvil.skip(60))
    settings(wallet="dev_account = 1")
    moved = run("job", "settle", key)

    assert moved.code == Exit.OK, moved.err
    over = run("job", "settle", key)
    assert (over.code, "every batch is over" in over.err) == (Exit.USAGE, True)
    missing = run("job", "settle", key, "--batch", "7")
    assert (missing.code, "no batch 7: the job has 2" in missing.err) == (Exit.NOT_FOUND, True)


def test_retry__tasks_without_a_result__are_posted_again(run, chain, cast, tmp_path):
    key = submit(run, tmp_path, **NAMED)
    none = run("job", "retry", key)
    assert (none.code, "no task ended without a result" in none.err) == (Exit.USAGE, True)

    asyncio.run(cast.conclude(view_of(key), 0, digests_of("a", "b")))
    assert run("job", "cancel", key, "-o", "json").data["cancelled"] == [1]
    again = run("job", "retry", key, "-o", "json")

    assert again.code == Exit.OK, again.err
    assert again.data["job"] != key
    assert run("job", "show", again.data["job"], "-o", "json").data["tasks"] == 1


@pytest.mark.parametrize(
    ("verb", "words", "code"),
    [
        (("retry", "nobody"), "no job", Exit.NOT_FOUND),
        (("publish", "nobody"), "no job nobody was posted from this machine", Exit.NOT_FOUND),
        (("fetch", "nobody"), "no job", Exit.NOT_FOUND),
        (("demand", "nobody"), "no job", Exit.NOT_FOUND),
        (("settle", "nobody"), "no job", Exit.NOT_FOUND),
        (("verify", "nobody"), "no job", Exit.NOT_FOUND),
        (("receipt", "nobody"), "no job", Exit.NOT_FOUND),
        (("logs", "nobody", "0"), "no job", Exit.NOT_FOUND),
    ],
)
def test_verbs__unknown_job__not_found(run, settings, verb, words, code):
    result = run("job", *verb)
    assert (result.code, words in result.err) == (code, True), result.err


def test_results__not_there_yet__each_verb_says_so(run, settings, tmp_path):
    key = submit(run, tmp_path)

    for verb in ("fetch", "verify"):
        result = run("job", verb, key)
        assert (result.code, "no task has a result yet" in result.err) == (Exit.NOT_FOUND, True)
    for verb in (("fetch", key, "--task", 0), ("verify", key, "--task", 0), ("logs", key, 0)):
        result = run("job", *verb)
        assert result.code == Exit.NOT_FOUND, verb
        assert "task 0 has no result: it is pending" in result.err
    demanded = run("job", "demand", key)
    assert demanded.code == Exit.NOT_FOUND
    assert "no task is settled with a result yet" in demanded.err
    receipt = run("job", "receipt", key)
    assert receipt.code == Exit.NOT_FOUND
    assert "batch 0 has no result: it is open" in receipt.err
    assert run("job", "receipt", key, "--batch", 7).code == Exit.NOT_FOUND


def test_results__workers_gone__fetch_names_who_was_asked(run, cast, tmp_path):
    key = submit(run, tmp_path, **NAMED)
    asyncio.run(cast.conclude(view_of(key), 0, digests_of("a", "b")))

    result = run("job", "fetch", key, "--to", tmp_path / "out")

    assert result.code == Exit.CHAIN
    assert "operator 1: announces no endpoint" in result.err
    assert "`job demand` gets it through the chain" in result.err


def test_demand__more_than_allowed__refused_with_its_cost(run, chain, cast, tmp_path):
    key = submit(run, tmp_path, **NAMED)
    asyncio.run(cast.conclude(view_of(key), 0, digests_of("a", "b")))
    before = sent(chain)

    result = run("job", "demand", key, "--most", 1)

    assert result.code == Exit.USAGE
    assert "2 pieces, for bonds of 0." in result.err and "more than the 1 allowed" in result.err
    assert sent(chain) == before


def test_publish__no_worker_announces_itself__says_so(run, settings, tmp_path):
    key = submit(run, tmp_path)
    result = run("job", "publish", key)
    assert result.code == Exit.CHAIN
    assert "no worker took the inputs: no eligible operator announces an endpoint" in result.err
