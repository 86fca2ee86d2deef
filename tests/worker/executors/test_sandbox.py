"""The sandbox: each layer holds, all are on in every child, and a missing one is told."""

import logging
import shutil

import pytest

from worker.errors import ConfigError, ExecutionFailedError
from worker.executors import bubblewrap, landlock, layers, linux, rlimits, seccomp
from worker.executors.rlimits import Budget
from worker.executors.sandbox import open_sandbox, refusals


async def test_child__all_layers_on__every_forbidden_act_is_refused(executor):
    sandbox = executor.sandbox

    refused = await refusals(sandbox.pool, sandbox.child_layers)

    assert len(refused) == 12
    assert [act for act, reason in refused.items() if reason is None] == []


async def test_child__no_layers__could_do_all_of_it(executor):
    """The acts are real: without the layers they succeed, so that a refusal means something."""
    refused = await refusals(executor.sandbox.pool, [])

    bubblewraps = {"gain privileges", "see the host's network", "see the host's accounts"}
    assert {act for act, reason in refused.items() if reason is not None} <= bubblewraps


@pytest.mark.parametrize("name", layers.ORDER)
def test_layers__on_this_kernel__are_on(executor, name):
    layer = next(layer for layer in executor.sandbox.layers if layer.name == name)

    assert layer.active, layer.detail
    assert layer.detail.startswith("stops: ")


def test_lock__layer_cannot_be_put_on__stops_the_child(monkeypatch):
    def missing():
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(landlock, "restrict", missing)

    with pytest.raises(ExecutionFailedError, match="landlock: Function not") as caught:
        layers.lock(["landlock"], Budget(0, 0), new_code=False)
    assert caught.value.reason == "sandbox"


async def test_open_sandbox__bubblewrap_fails__goes_on_without_and_warns(
    tmp_path, monkeypatch, caplog
):
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(bubblewrap, "find", lambda: str(broken))

    with caplog.at_level(logging.WARNING):
        sandbox = await open_sandbox()

    try:
        assert not sandbox.layers[0].active
        assert "sandbox layer bubblewrap is off" in caplog.text
        assert await refusals(sandbox.pool, sandbox.child_layers)
    finally:
        await sandbox.close()


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="bubblewrap is not installed")
async def test_open_sandbox__bubblewrap_works__hides_the_host():
    sandbox = await open_sandbox()
    try:
        refused = await refusals(sandbox.pool, ["no_new_privs"])
        assert sandbox.layers[0].active
        assert refused["see the host's network"] and refused["see the host's accounts"]
    finally:
        await sandbox.close()


def test_seccomp__unknown_machine__is_told(monkeypatch):
    monkeypatch.setattr("platform.machine", lambda: "vax")

    with pytest.raises(OSError, match="no system call table for vax"):
        seccomp.restrict(new_code=False)


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
@pytest.mark.parametrize("new_code", [True, False])
def test_seccomp__filter__jumps_stay_inside(machine, new_code):
    code = seccomp._build(machine, new_code)

    count = len(code) // 8
    assert len(code) % 8 == 0 and count < 4096
    for number in range(count):
        opcode, then, otherwise = code[8 * number], code[8 * number + 2], code[8 * number + 3]
        if opcode & 7 == 5:
            assert number + 1 + max(then, otherwise) < count


def test_landlock__kernel_without_it__is_told(monkeypatch):
    def missing(*arguments):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(landlock, "syscall", missing)
    with pytest.raises(OSError, match="not implemented"):
        landlock.restrict()


def test_linux__another_system__is_refused_clearly(monkeypatch):
    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.setattr("platform.system", lambda: "Darwin")

    with pytest.raises(ConfigError, match="Linux sandbox; this system is Darwin"):
        linux.require_linux()


def test_pool__stack_limit_too_low__is_refused_clearly(monkeypatch):
    monkeypatch.setattr("resource.getrlimit", lambda kind: (1 << 20, 1 << 20))

    with pytest.raises(ConfigError, match="ulimit -Hs"):
        rlimits.require_stack()
