"""Deployment: resumes where it stopped, is idempotent, refuses the wrong chain."""

import json
from pathlib import Path

import ape
import pytest

from scripts._deployment import Deployer, DeploymentError
from scripts._params import Params, ParamsError, load
from worker.chain.deployment import Deployment

# Fourteen contracts, seven bindings, four admissions, one sealing, four offered and accepted.
TRANSACTIONS = 14 + 7 + 4 + 1 + 4 * 2


@pytest.fixture
def params() -> Params:
    return load("local").model_copy(update={"chain_id": ape.chain.chain_id})


@pytest.fixture
def deployer_for(params, tmp_path):
    def make(**changes):
        changed = params.model_copy(update=changes)
        account = ape.accounts.test_accounts[0]
        return Deployer(ape.project, account, changed, tmp_path, say=lambda _: None)

    return make


def test_run__fresh_chain__writes_what_the_worker_reads(deployer_for) -> None:
    deployment = Deployment.load(deployer_for().run())
    vaults = {"Token", "Staking", "Escrow", "Registry", "BlockSeed", "Governor", "Timelock"}
    services = {"ReplicatedJobs", "ProvableJobs", "Demands"}
    economy = {"Delegation", "Rewards"}
    assert set(deployment.contracts) == vaults | economy | services | {"Courts", "TensorCourt"}
    staking = ape.project.Staking.at(deployment.contracts["Staking"].address)
    assert staking.is_sealed()
    for service in services:
        assert staking.is_active(deployment.contracts[service].address)
    for name in services - {"Demands"}:
        jobs = getattr(ape.project, name).at(deployment.contracts[name].address)
        assert jobs.demands() == deployment.contracts["Demands"].address
    assert staking.service(deployment.contracts["Demands"].address).standing == 0
    courts = ape.project.Courts.at(deployment.contracts["Courts"].address)
    assert courts.court_of(0) == deployment.contracts["TensorCourt"].address


def test_run__again__sends_nothing(deployer_for) -> None:
    file = deployer_for().run()
    before, nonce = file.read_text(), ape.accounts.test_accounts[0].nonce
    assert deployer_for().run() == file
    assert (file.read_text(), ape.accounts.test_accounts[0].nonce) == (before, nonce)


@pytest.mark.parametrize("step", ["Token", "Escrow", "Rewards", "Demands"])
def test_run__cut_off_before_a_contract__goes_on_there(deployer_for, monkeypatch, step) -> None:
    deploy = Deployer._deploy

    def cut_off(self, name, *args):
        if name == step:
            raise ConnectionError("the endpoint is gone")
        return deploy(self, name, *args)

    monkeypatch.setattr(Deployer, "_deploy", cut_off)
    started = ape.accounts.test_accounts[0].nonce
    with pytest.raises(ConnectionError):
        deployer_for().run()
    monkeypatch.undo()
    deployer_for().run()
    # Nothing was sent twice.
    assert ape.accounts.test_accounts[0].nonce == started + TRANSACTIONS


def test_run__cut_off_before_admission__goes_on_there(deployer_for, monkeypatch) -> None:
    started = ape.accounts.test_accounts[0].nonce
    monkeypatch.setattr(Deployer, "_admit", lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        deployer_for().run()
    monkeypatch.undo()
    deployer_for().run()
    assert ape.accounts.test_accounts[0].nonce == started + TRANSACTIONS


def test_deployer__other_chain__refuses(deployer_for) -> None:
    with pytest.raises(DeploymentError, match="the parameters are for 5"):
        deployer_for(chain_id=5)


def test_run__other_code_at_a_journalled_address__refuses(deployer_for, tmp_path) -> None:
    token = ape.project.Token.deploy(1, sender=ape.accounts.test_accounts[1])
    journal = tmp_path / f"{ape.chain.chain_id}.part.json"
    journal.write_text(json.dumps({"Staking": token.address}))
    with pytest.raises(DeploymentError, match="Staking: other code"):
        deployer_for().run()


def test_run__done__the_timelock_owns_all_and_is_the_treasury(deployer_for) -> None:
    deployment = Deployment.load(deployer_for().run())
    timelock = deployment.contracts["Timelock"].address
    for name in ("Staking", "Escrow", "Rewards", "Courts"):
        contract = getattr(ape.project, name).at(deployment.contracts[name].address)
        assert contract.owner() == timelock
    rewards = ape.project.Rewards.at(deployment.contracts["Rewards"].address)
    assert rewards.treasury() == timelock
    assert ape.project.Escrow.at(deployment.contracts["Escrow"].address).fee_sink() == rewards
    governor = ape.project.Governor.at(deployment.contracts["Governor"].address)
    assert governor.timelock() == timelock


@pytest.mark.parametrize("accepted", [0, 3])
def test_run__cut_off_while_it_hands_over__goes_on_there(
    deployer_for, monkeypatch, accepted
) -> None:
    accept = Deployer._accept
    left = iter([True] * accepted)

    def cut_off(self, contract):
        if not next(left, False):
            raise ConnectionError("the endpoint is gone")
        accept(self, contract)

    started = ape.accounts.test_accounts[0].nonce
    monkeypatch.setattr(Deployer, "_accept", cut_off)
    with pytest.raises(ConnectionError):
        deployer_for().run()
    monkeypatch.undo()
    deployer_for().run()
    assert ape.accounts.test_accounts[0].nonce == started + TRANSACTIONS


def test_load__unknown_network__lists_the_known(tmp_path: Path) -> None:
    with pytest.raises(ParamsError, match=r"no goerli\.yaml .* there are local, sepolia"):
        load("goerli")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("chain_id: [", "not YAML"),
        ("chain_id: 5", "seed_source: Field required"),
        ("chain_id: 0", "chain_id: Input should be greater"),
    ],
)
def test_load__bad_file__names_the_field(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "x.yaml").write_text(text)
    with pytest.raises(ParamsError, match=words):
        load("x", tmp_path)


@pytest.mark.parametrize("network", ["local", "sepolia"])
def test_load__shipped__is_valid(network: str) -> None:
    assert load(network).staking.epoch > 0
