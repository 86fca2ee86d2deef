"""The dependency audit: what it makes of the tools' answers, and of none."""

import json

import pytest

from scripts import audit

_CLEAN = {"name": "aiohttp", "version": "3", "vulns": []}
_HOLE = {"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["4"]}


def _answer(*dependencies: object) -> str:
    return json.dumps({"dependencies": list(dependencies), "fixes": []})


def test_read_pip__hole__is_told_with_its_fix():
    output = _answer(_CLEAN, {"name": "rlp", "version": "1", "vulns": [_HOLE]})

    found = audit.read_pip("a.lock", output, "")

    assert found == audit.Answer(["a.lock: rlp 1: PYSEC-1, fixed in 4"], [])


def test_read_pip__accepted_advisory__is_silent_under_any_of_its_names():
    known = next(iter(audit.ACCEPTED))
    holes = [{**_HOLE, "id": known}, {**_HOLE, "aliases": [known]}]

    assert audit.read_pip("a.lock", _answer({**_CLEAN, "vulns": holes}), "") == audit.Answer([], [])


def test_read_pip__not_on_the_index__could_not_be_asked():
    output = _answer(_CLEAN, {"name": "rlp", "skip_reason": "not found"})

    assert audit.read_pip("a.lock", output, "").unasked == ["a.lock: 1 packages, such as rlp"]


@pytest.mark.parametrize("output", ["", "[]", "{}", "no network"])
def test_read__no_answer__could_not_be_asked(output):
    assert audit.read_pip("a.lock", output, "x\nno route") == audit.Answer([], ["a.lock: no route"])
    assert audit.read_npm(output).unasked and not audit.read_npm(output).found


def test_read_npm__hole__is_told():
    output = json.dumps({"vulnerabilities": {"tar": {"severity": "high"}}})

    assert audit.read_npm(output).found == ["package-lock.json: tar: high"]


def test_locks__all__are_audited():
    assert {"requirements.lock", "requirements-setup.lock"} < set(audit.LOCKS)
