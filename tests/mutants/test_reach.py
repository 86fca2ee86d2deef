"""What is known of tests holds for as long as what they are made of."""

from pathlib import Path

import pytest

from scripts.mutants.reach import Reach
from scripts.mutants.reach import Test as Reached

PARTS = {"Whole": ["Whole.vy", "modules/part.vy"]}
FIRST, SECOND = "tests/test_a.py::test_first", "tests/test_b.py::test_second"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("tests/test_a.py", "tests/test_b.py", "contracts/Whole.vy", "contracts/Other.vy"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "contracts" / "modules").mkdir()
    (tmp_path / "contracts" / "modules" / "part.vy").write_text("part")
    reach = Reach(tmp_path, tmp_path / "reach.json")
    reach.tests = {
        FIRST: Reached(1.5, {"Other.vy": {3, 1}}),
        SECOND: Reached(0.5, {}, {"Whole"}),
    }
    reach.save(PARTS)
    return tmp_path


def left(root: Path) -> dict[str, Reached]:
    reach = Reach(root, root / "reach.json")
    reach.load(PARTS)
    return reach.tests


def test_load__nothing_changed__as_it_was(root: Path) -> None:
    found = left(root)
    assert found[FIRST] == Reached(1.5, {"Other.vy": {1, 3}})
    assert found[SECOND] == Reached(0.5, {}, {"Whole"})


@pytest.mark.parametrize(
    ("changed", "known"),
    [
        ("tests/test_a.py", SECOND),
        ("contracts/Other.vy", SECOND),
        ("contracts/modules/part.vy", FIRST),
    ],
)
def test_load__something_changed__what_is_made_of_it_is_forgotten(
    root: Path, changed: str, known: str
) -> None:
    (root / changed).write_text("changed")
    assert list(left(root)) == [known]
