"""What a run is worth: enough killed, and every other mutant explained."""

import json
from pathlib import Path

import pytest

from scripts.mutants.results import Results, Verdict, read_equivalent
from scripts.mutants.sites import Mutant, mutants
from scripts.mutants.source import Source

TEXT = "@internal\ndef f(a: uint256) -> uint256:\n    return a + 1 + 2 + 3 + 4 + 5\n"


@pytest.fixture
def ten() -> list[Mutant]:
    return mutants(Source("f.vy", TEXT))[:10]


def results(ten: list[Mutant], outcomes: list[str], **equivalent: str) -> Results:
    made = Results({"seed": 1}, equivalent)
    for mutant, outcome in zip(ten, outcomes, strict=True):
        made.add(mutant, TEXT, Verdict(outcome))
    return made


def test_passes__nine_in_ten_killed__not_while_the_tenth_is_unexplained(ten) -> None:
    found = results(ten, ["killed"] * 9 + ["survived"])
    assert found.killed_share() == 0.9
    assert found.unexplained() == [ten[9].id]
    assert not found.passes()
    found.equivalent[ten[9].id] = "the same"
    assert found.passes()


@pytest.mark.parametrize("outcome", ["survived", "timed out"])
def test_passes__eight_in_nine_killed__fails_though_explained(ten, outcome) -> None:
    found = results(ten, ["killed"] * 8 + [outcome, "invalid"])
    found.equivalent[ten[8].id] = "the same"
    assert found.killed_share() == 8 / 9
    assert not found.passes()


def test_passes__excused_and_yet_killed__fails(ten) -> None:
    found = results(ten, ["killed"] * 10)
    assert found.passes()
    found.equivalent[ten[0].id] = "wrong"
    assert found.wrongly_excused() == [ten[0].id]
    assert not found.passes()


def test_save__counts_by_kind_and_by_source__and_is_read_back(ten, tmp_path: Path) -> None:
    found = results(ten, ["killed"] * 8 + ["survived", "invalid"])
    found.save(tmp_path / "mutants.json")
    kept = json.loads((tmp_path / "mutants.json").read_text())
    assert kept["counts"] == {"killed": 8, "survived": 1, "timed out": 0, "invalid": 1}
    assert kept["by_source"]["f.vy"] == {"killed": 8, "survived": 1, "invalid": 1}
    assert sum(sum(counts.values()) for counts in kept["by_kind"].values()) == 10
    assert list(kept["survivors"]) == [ten[8].id]
    again = Results({"seed": 2}, {})
    again.load(tmp_path / "mutants.json", {mutant.id for mutant in ten})
    assert again.deployed == 9
    assert again.left() == [ten[8].id]
    again.add(ten[8], TEXT, Verdict("killed"))
    assert again.left() == []


def test_load__sources_that_changed__their_mutants_are_left_out(ten, tmp_path: Path) -> None:
    results(ten, ["killed"] * 10).save(tmp_path / "mutants.json")
    again = Results({"seed": 1}, {})
    again.load(tmp_path / "mutants.json", {ten[0].id, "another"})
    assert list(again.verdicts) == [ten[0].id]


def test_read_equivalent__as_committed__each_with_a_reason() -> None:
    file = Path(__file__).parents[2] / "scripts" / "mutants" / "equivalent.toml"
    assert all(len(reason) > 10 for reason in read_equivalent(file).values())
