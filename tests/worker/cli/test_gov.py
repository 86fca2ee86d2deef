"""`proofmesh gov`: a change from the proposal to its execution, and what may go wrong."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import LocalNetwork
from tests.worker.cli.conftest import Run
from worker.chain.config import ChainConfig
from worker.chain.deployment import Deployment
from worker.chain.keys import dev_signer
from worker.cli.exits import Exit
from worker.client import operator
from worker.client.wallet import open_wallet
from worker.types import Wei

STAKE = Wei(20_000_000 * 10**18)
DELAY, PERIOD, TIMELOCK = 5, 15, 5  # scripts/params/local.yaml
FEE = "Escrow.set_fee_bps(321)"


@pytest.fixture
def skip(chain: LocalNetwork) -> Callable[[int], None]:
    return lambda seconds: asyncio.run(chain.anvil.skip(seconds))


@pytest.fixture
def voter(run: Run, chain: LocalNetwork, settings: Callable[..., None], tmp_path: Path) -> int:
    """The person's operator, whose stake is more than the quorum."""

    async def stake() -> int:
        config = ChainConfig(rpc_urls=(chain.url,), confirmations=0, poll_seconds=0.02)
        deployment = Deployment.load(chain.deployment)
        signer = dev_signer(0, 31337)
        async with open_wallet(deployment, config, signer, tmp_path / "staker") as wallet:
            return await operator.stake(wallet, STAKE)

    number = asyncio.run(stake())
    assert run("gov", "sync", "--operator", number, "-q").out == "20000000\n"
    return number


@pytest.fixture
def proposed(run: Run, voter: int, skip: Callable[[int], None]) -> str:
    skip(1)
    made = run("gov", "propose", "--operator", voter, "--call", FEE, "--because", "why", "-q")
    assert made.code == Exit.OK, made.err
    return made.out.strip()


def _state(run: Run, number: str) -> str:
    return run("gov", "show", number, "-q").out.strip()


def test_gov__from_proposal_to_execution__changes_the_fee(
    run: Run, voter: int, proposed: str, skip: Callable[[int], None]
) -> None:
    skip(DELAY)
    voted = run("gov", "vote", proposed, "for", "--operator", voter, "-o", "json")
    assert voted.data == {"number": 1, "support": "for", "votes": "20000000"}
    skip(PERIOD)
    assert _state(run, proposed) == "succeeded"
    assert run("gov", "queue", proposed).code == Exit.OK
    early = run("gov", "execute", proposed)
    assert (early.code, "governor: delay is not over" in early.err) == (Exit.REVERTED, True)
    skip(TIMELOCK)
    assert run("gov", "execute", proposed).code == Exit.OK

    shown = run("gov", "show", proposed, "-o", "json").data
    assert shown["state"] == "executed"
    assert shown["calls"] == [FEE]
    assert (shown["for"], shown["quorum"]) == ("20000000", "10000000")


def test_sign__brought_by_somebody_else__counts_once(
    run: Run,
    voter: int,
    proposed: str,
    skip: Callable[[int], None],
    settings: Callable[..., None],
    tmp_path: Path,
) -> None:
    signed = run("gov", "sign", proposed, "against", "--operator", voter)
    assert signed.code == Exit.OK, signed.err
    (ballot := tmp_path / "ballot.json").write_text(signed.out)
    settings(wallet="dev_account = 1")
    others = run("gov", "sign", proposed, "for", "--operator", voter)
    assert (others.code, "operator 1 is 0x" in others.err) == (Exit.USAGE, True)
    skip(DELAY)

    brought = run("gov", "bring", ballot, "-o", "json")
    assert brought.data == {"number": 1, "support": "against", "votes": "20000000"}
    again = run("gov", "bring", ballot)
    assert (again.code, "governor: operator has voted" in again.err) == (Exit.REVERTED, True)
    ballot.write_text(signed.out.replace('"support":1', '"support":0'))
    forged = run("gov", "bring", ballot)
    assert forged.code == Exit.REVERTED, forged.err


@pytest.mark.parametrize(
    "text", ["", "{}", '{"proposal": 1, "operator": 1, "support": 7, "deadline": 1}', "\x00"]
)
def test_bring__no_ballot__sends_nothing(
    run: Run, settings: Callable[..., None], tmp_path: Path, text: str
) -> None:
    (ballot := tmp_path / "ballot.json").write_text(text)
    brought = run("gov", "bring", ballot)
    assert (brought.code, "no ballot" in brought.err) == (Exit.USAGE, True), brought.err


def test_list__two_proposals__the_newest_first(run: Run, voter: int, proposed: str) -> None:
    calls = ("--call", "Staking.set_weight_cap(5)", "--call", "Courts.set_capture_bps(1)")
    run("gov", "propose", "--operator", voter, *calls, "--because", "[red]two\x1b[2Jcalls")
    rows = run("gov", "list", "-o", "json").data
    assert [(row["number"], row["state"]) for row in rows] == [(2, "pending"), (1, "pending")]
    table = run("gov", "list").out
    assert "[red]two [2Jcalls" in table and "\x1b" not in table
    assert run("gov", "show", 2, "-o", "json").data["calls"] == [calls[1], calls[3]]


def test_list__no_proposals__is_empty(run: Run, settings: Callable[..., None]) -> None:
    assert run("gov", "list", "-o", "json").data == []


def test_cancel__ones_own__is_over(run: Run, proposed: str) -> None:
    assert run("gov", "cancel", proposed).code == Exit.OK
    assert _state(run, proposed) == "canceled"


def test_show__no_such_proposal__says_so(run: Run, settings: Callable[..., None]) -> None:
    shown = run("gov", "show", 7)
    assert (shown.code, "there is no proposal 7" in shown.err) == (Exit.NOT_FOUND, True)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ("set_fee_bps(3)", "is not a call"),
        ("Escrow.set_fee_bps", "is not a call"),
        ("Escrow.set_fee_bps(bps=3)", "is not a call"),
        ("Escrow.set_fee_bps(", "is not a call"),
        ("Nothing.set_fee_bps(3)", "Nothing"),
        ("Escrow.set_nothing(3)", "no set_nothing of 1 arguments"),
        ("Escrow.set_fee_bps(3, 4)", "no set_fee_bps of 2 arguments"),
        ("Escrow.set_fee_bps(-1)", "set_fee_bps"),
        ("Escrow.set_fee_sink(1)", "set_fee_sink"),
        ("Escrow.set_fee_sink(Nobody)", "Nobody"),
        ("Escrow.set_fee_bps(2 ** 99999)", "is no argument"),
        ('Escrow.set_fee_sink("0xzz")', "is not hexadecimal"),
    ],
)
def test_propose__not_a_call__sends_nothing(run: Run, voter: int, call: str, words: str) -> None:
    made = run("gov", "propose", "--operator", voter, "--call", call)
    assert made.code == Exit.USAGE
    assert words in made.err
    assert run("gov", "list", "-o", "json").data == []


def test_propose__contracts_by_name__become_addresses(
    run: Run, chain: LocalNetwork, voter: int, skip: Callable[[int], None]
) -> None:
    skip(1)
    call = "Escrow.set_fee_sink(Timelock)"
    number = run("gov", "propose", "--operator", voter, "--call", call, "-q").out.strip()
    timelock = Deployment.load(chain.deployment).address("Timelock")
    (shown,) = run("gov", "show", number, "-o", "json").data["calls"]
    assert shown == f'Escrow.set_fee_sink("{timelock}")'


def test_propose__out_of_the_timelocks_reach__the_contracts_words(run: Run, voter: int) -> None:
    call = "Registry.retract(1)"
    made = run("gov", "propose", "--operator", voter, "--call", call)
    assert made.code == Exit.REVERTED
    assert "governor: target out of the timelock's reach" in made.err


def test_vote__before_it_is_open__the_contracts_words(run: Run, voter: int, proposed: str) -> None:
    voted = run("gov", "vote", proposed, "against", "--operator", voter)
    assert voted.code == Exit.REVERTED
    assert "governor: voting is not open yet" in voted.err
