"""Finds every durable step in the services' sources, so that the matrix can be compared with it."""

import ast
from collections.abc import Iterator
from pathlib import Path

from worker.services.desk import Verb
from worker.services.provable.lane import ProvableLane
from worker.services.rounds import ReplicatedLane

SERVICES = Path(__file__).parents[3] / "worker" / "services"
PREFIXES = ReplicatedLane.prefix, ProvableLane.prefix


def declared_steps() -> set[str]:
    """Return the name of every step that the sources mark by `step` or a step hook."""
    trees = [ast.parse(path.read_text()) for path in SERVICES.rglob("*.py")]
    verbs = {verb for tree in trees for verb in _verbs(tree)} | set(Verb)
    found: set[str] = set()
    for tree in trees:
        for made in ast.walk(tree):
            if isinstance(made, ast.ClassDef):
                found |= _steps_of(made, verbs)
    return found


def _steps_of(made: ast.ClassDef, verbs: set[str]) -> set[str]:
    """Return the steps that one class marks, under each name that it goes by."""
    names = {
        prefix + name
        for name in _constants(made, "name")
        for prefix in (PREFIXES if "lane.prefix" in ast.unparse(made) else ("",))
    }
    found: set[str] = set()
    for call in _calls(made, "step"):
        for step in _expand(call.args[0], made, verbs):
            found |= {f"{name}.{step}" for name in names}
    for call in _calls(made, "_on_step"):  # the name is whole there
        if made.name != "Service":
            found |= set(_expand(call.args[0], made, verbs))
    return found


def _expand(told: ast.expr, made: ast.ClassDef, verbs: set[str]) -> Iterator[str]:
    """Yield all that an expression may name: constants, or whatever fills its one gap."""
    constants = [
        one.value
        for one in ast.walk(told)
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
    ]
    if isinstance(told, ast.Name):  # a case's last state
        yield from _last_states(made)
    elif isinstance(told, ast.JoinedStr):
        fixed = [part.value if isinstance(part, ast.Constant) else None for part in told.values]
        sent_here = verbs if made.name == "Sending" else set(_verbs(made))
        for verb in sent_here:
            yield "".join(verb if part is None else str(part) for part in fixed)
    else:
        yield from constants


def _last_states(made: ast.ClassDef) -> Iterator[str]:
    """Yield the states in which `_close` is told to end a case."""
    for call in _calls(made, "_close"):
        for part in ast.walk(call):
            if isinstance(part, ast.Attribute) and ast.unparse(part.value) == "CaseState":
                yield part.attr.lower()


def _verbs(tree: ast.AST) -> Iterator[str]:
    """Yield what the purposes of transactions begin with: `verb:…`, or a helper's first word."""
    for part in ast.walk(tree):
        if isinstance(part, ast.JoinedStr) and isinstance(part.values[0], ast.Constant):
            verb, colon, rest = str(part.values[0].value).partition(":")
            if colon and not rest and verb.replace("-", "").isalpha():
                yield verb
    for helper in ("_purpose", "_send"):
        for call in _calls(tree, helper):
            if isinstance(call.args[0], ast.Constant):
                yield call.args[0].value


def _calls(tree: ast.AST, name: str) -> Iterator[ast.Call]:
    for part in ast.walk(tree):
        if isinstance(part, ast.Call) and part.args:
            called = part.func
            if name == getattr(called, "attr", getattr(called, "id", None)):
                yield part


def _constants(made: ast.ClassDef, name: str) -> Iterator[str]:
    for part in made.body:
        if isinstance(part, ast.Assign) and ast.unparse(part.targets[0]) == name:
            yield ast.literal_eval(part.value)
