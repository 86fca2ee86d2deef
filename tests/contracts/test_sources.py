"""What no contract's source may contain, and what each must."""

import re
from pathlib import Path

import pytest

CONTRACTS = Path(__file__).parents[2] / "contracts"
SOURCES = sorted(p for p in CONTRACTS.rglob("*.vy") if "mocks" not in p.parts)
NAMES = [str(path.relative_to(CONTRACTS)) for path in SOURCES]
FORBIDDEN = {
    r"\btx\.origin\b": "who signed is not who calls",
    r"\.(is_contract|codesize)\b": "accounts may have code, and contracts may have none yet",
    r"\bblock\.(prevrandao|difficulty|coinbase)\b": "a block's producer chooses it",
    r"\b(selfdestruct|raw_create|create_\w+)\(": "what is deployed is there from the start",
    r"is_delegate_call": "code of others never runs on this storage",
    r"@payable|\bmsg\.value\b": "no ether is taken",
    r"@nonreentrant": "the lock is the file's, for every function",
}
UNLOCKED = {
    "Timelock.vy": ["# pragma nonreentrancy off"],
    "Governor.vy": ["set_rules"],
    "Delegation.vy": ["credit"],
    "modules/pools.vy": ["delegated"],
}
"""What is come back to: by a call that the Timelock makes for a passed vote, their own settings; in
a delegation, which has changed nothing yet, its pay-out; in an exit, what is still delegated."""

HEIGHTS = {"seeds/BlockSeed.vy", "modules/sortition.vy"}
"""Where the number of a block says which hash is meant; time comes from the timestamp alone."""


def code_of(path: Path) -> str:
    """Return a source without its texts and comments."""
    return re.sub(r'""".*?"""|#(?! pragma)[^\n]*', "", path.read_text(), flags=re.S)


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_source__compiler_and_lock__are_fixed_in_each_file(path):
    source, name = path.read_text(), str(path.relative_to(CONTRACTS))
    version, lock = source.splitlines()[:2]
    open_functions = re.findall(r"^@reentrant\n(?:@\w+\n)*def (\w+)", source, re.M)

    assert version == "# pragma version 0.4.3"
    unlocked = open_functions if lock == "# pragma nonreentrancy on" else [lock]
    assert unlocked == UNLOCKED.get(name, [])


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_source__what_misleads__is_in_none(path):
    code = code_of(path)

    assert [reason for pattern, reason in FORBIDDEN.items() if re.search(pattern, code)] == []
    if str(path.relative_to(CONTRACTS)) not in HEIGHTS:
        assert "block.number" not in code


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_source__every_loop__has_a_constant_bound(path):
    """A list of calldata or storage has one in its type; a range needs it to be said."""
    for line in re.findall(r"for \w+: \w+ in range\((.*)\):", code_of(path)):
        is_constant = re.fullmatch(r"(\d+ \* )?(\w+\.)?[A-Z_\d]+", line)
        assert is_constant or "bound=" in line, line
