"""Which sources a contract is made of: a mutant of any of them changes it."""

from pathlib import Path

import boa

from scripts.mutants.builds import sources_of


def test_sources_of__modules_of_modules__all_of_ours(tmp_path: Path) -> None:
    folder = tmp_path / "contracts"
    (folder / "modules").mkdir(parents=True)
    (folder / "modules" / "inner.vy").write_text("x: uint256\n")
    outer = "from . import inner\n\ninitializes: inner\n"
    (folder / "modules" / "outer.vy").write_text(outer)
    whole = "from snekmate.utils import math\nfrom .modules import outer\n\n"
    (folder / "Whole.vy").write_text(whole + "initializes: outer\n")

    deployer = boa.load_partial(str(folder / "Whole.vy"))

    assert sources_of(deployer) == {"Whole.vy", "modules/outer.vy", "modules/inner.vy"}
