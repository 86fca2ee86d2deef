"""What mutants there are: each is one change that can be named again tomorrow."""

from collections import Counter

import pytest
from vyper.ast.parse import parse_to_ast

from scripts.mutants.readers import Readers
from scripts.mutants.sites import Mutant, mutants
from scripts.mutants.source import Source

SOURCE = '''# pragma version 0.4.3
"""
@title A source with every kind of place
"""

LIMIT: constant(uint256) = 7

event Paid:
    amount: uint256  # 1 wei each

interface Till:
    def take(amount: uint256) -> bool: nonpayable

total: uint256
bills: uint256[3]


@external
def pay(till: Till, amount: uint256, twice: bool) -> bool:
    """Not code: 1 + 1 < 3"""
    assert amount < LIMIT, "too much"
    if twice and not self._is_full(
        amount
    ):
        self.total += amount * 2
    for bill: uint256 in self.bills:
        if bill == amount:
            break
    log Paid(amount=amount >> 1)
    return extcall till.take(self.total + amount)


@internal
@view
def _is_full(amount: uint256) -> bool:
    return self.total + amount >= LIMIT
'''


def found(text: str = SOURCE) -> list[Mutant]:
    return mutants(Source("till.vy", text))


def changes() -> set[tuple[str, str, str]]:
    return {
        (mutant.kind, " ".join(SOURCE[mutant.span.start : mutant.span.end].split()), new)
        for mutant in found()
        for new in [mutant.replacement]
    }


def test_mutants__a_small_source__each_of_these_and_no_other() -> None:
    assert changes() == {
        ("constant", "7", "8"),
        ("constant", "7", "6"),
        ("check", 'assert amount < LIMIT, "too much"', "pass"),
        ("comparison", "<", "<="),
        ("comparison", "<", ">="),
        ("bound", "LIMIT", "((LIMIT) - 1)"),
        ("boolean", "and", "or"),
        ("boolean", "not self._is_full( amount )", "(self._is_full(\n        amount\n    ))"),
        ("write", "self.total += amount * 2", "pass"),
        ("arithmetic", "+=", "-="),
        ("arithmetic", "*", "//"),
        ("constant", "2", "3"),
        ("constant", "2", "1"),
        ("comparison", "==", "!="),
        ("jump", "break", "pass"),
        ("event", "log Paid(amount=amount >> 1)", "pass"),
        ("arithmetic", ">>", "<<"),
        ("constant", "1", "2"),
        ("constant", "1", "0"),
        (
            "return",
            "extcall till.take(self.total + amount)",
            "not (extcall till.take(self.total + amount))",
        ),
        ("arithmetic", "+", "-"),
        ("return", "self.total + amount >= LIMIT", "not (self.total + amount >= LIMIT)"),
        ("comparison", ">=", ">"),
        ("comparison", ">=", "<"),
        ("bound", "LIMIT", "((LIMIT) - 1)"),
    }


def test_mutants__each__changes_one_place_and_still_parses() -> None:
    for mutant in found():
        text = mutant.apply(SOURCE)
        assert text != SOURCE
        assert text.startswith(SOURCE[: mutant.span.start])
        assert text.endswith(SOURCE[mutant.span.end :])
        parse_to_ast(text)


def test_mutants__lines_before_and_other_functions_changed__keep_their_ids() -> None:
    moved = SOURCE.replace("total: uint256", "count: uint256\n\ntotal: uint256")
    moved = moved.replace("self.total + amount >= LIMIT", "self.total > LIMIT")
    in_pay = {mutant.id for mutant in found() if mutant.function == "pay"}
    assert in_pay == {mutant.id for mutant in found(moved) if mutant.function == "pay"}


def test_mutants__two_statements_alike__have_ids_of_their_own() -> None:
    alike = SOURCE.replace("self.total += amount * 2", "self.total += amount * 2\n" * 2).replace(
        "* 2\nself", "* 2\n        self"
    )
    ids = Counter(mutant.id for mutant in found(alike))
    assert set(ids.values()) == {1}
    assert {mutant.id for mutant in found()} <= ids.keys()


def test_mutants__function_of_several_values__returns_nothing_of_each() -> None:
    text = "@internal\ndef f() -> (uint256, address):\n    return 1, msg.sender\n"
    returned = [mutant for mutant in found(text) if mutant.kind == "return"]
    assert [mutant.apply(text) for mutant in returned] == [
        text.replace("1, msg.sender", "empty(uint256), empty(address)")
    ]


@pytest.mark.parametrize("call", ["log Done(a=x - 1, b=x - 2)", "y = extcall t.f(x - 1, x - 2)"])
def test_mutants__behind_a_word_that_python_lacks__stand_where_they_are_written(call) -> None:
    text = f"@internal\ndef f(x: uint256):\n    {call}\n"
    swapped = {m.apply(text) for m in found(text) if m.kind == "arithmetic"}
    assert swapped == {text.replace("x - 1", "x + 1"), text.replace("x - 2", "x + 2")}


def test_readers__constant_of_another_module__lines_that_read_it_or_what_it_makes() -> None:
    base = Source("base.vy", "DAY: constant(uint256) = 86_400\nOTHER: constant(uint256) = 1\n")
    user = Source(
        "user.vy",
        "from . import base\n"
        "WEEK: constant(uint256) = 7 * base.DAY\n"
        "@internal\n"
        "def f() -> uint256:\n"
        "    return WEEK\n"
        "@internal\n"
        "def g() -> uint256:\n"
        "    return base.OTHER\n",
    )
    assert Readers([base, user]).of("base.vy", 1) == {"user.vy": {5}}
