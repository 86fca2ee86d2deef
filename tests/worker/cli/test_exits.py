"""Every error ends the command line with its code and one line a person can act on."""

import click
import pytest

from worker import errors
from worker.cli.exits import Exit, code_for, run

CASES = [
    (errors.SpecError("tasks.range.to", "must be above from"), Exit.BAD_SPEC),
    (errors.NotFoundError("no job 0x12"), Exit.NOT_FOUND),
    (errors.ConfigError("rpc_urls: none given"), Exit.USAGE),
    (errors.InsufficientFundsError("needs 5 tokens, has 2"), Exit.FUNDS),
    (errors.UnbondedError("operator 3 has no stake"), Exit.FUNDS),
    (errors.RpcError("no endpoint answers"), Exit.CHAIN),
    (errors.WrongChainError("chain 1, expected 31337"), Exit.CHAIN),
    (errors.RevertedError("jobs: claim closed"), Exit.REVERTED),
    (errors.WaitTimeoutError("still running"), Exit.TIMED_OUT),
    (errors.ExecutionFailedError("time"), Exit.JOB_FAILED),
    (errors.VerificationError("record differs"), Exit.VERIFICATION),
    (errors.KeyInUseError("process 7 works with it"), Exit.WALLET),
    (RuntimeError("bug"), Exit.INTERNAL),
]


def _raise(error: BaseException) -> None:
    raise error


@pytest.mark.parametrize(("error", "code"), CASES, ids=lambda case: type(case).__name__)
def test_run__error__gives_its_code_and_words(
    error: Exception, code: Exit, capsys: pytest.CaptureFixture[str]
) -> None:
    assert code_for(error) == code
    assert run(lambda: _raise(error), debug=False) == code
    shown = capsys.readouterr().err
    assert str(error) in shown
    assert "Traceback" not in shown


def test_run__debug__shows_the_trace(capsys: pytest.CaptureFixture[str]) -> None:
    run(lambda: _raise(RuntimeError("bug")), debug=True)
    assert "Traceback" in capsys.readouterr().err


def test_run__interrupted__is_130() -> None:
    assert run(lambda: _raise(KeyboardInterrupt()), debug=False) == Exit.INTERRUPTED
    assert run(lambda: _raise(click.Abort()), debug=False) == Exit.INTERRUPTED


def test_run__error_in_a_task_group__is_the_error() -> None:
    group = BaseExceptionGroup("tasks", [BaseExceptionGroup("inner", [errors.RpcError("gone")])])
    assert run(lambda: _raise(group), debug=False) == Exit.CHAIN


def test_every_error__has_a_code_of_its_own() -> None:
    def leaves(kind: type[Exception]) -> list[type[Exception]]:
        below = kind.__subclasses__()
        return [leaf for child in below for leaf in leaves(child)] if below else [kind]

    fatal = {errors.StoreCorruptError}
    for kind in leaves(errors.ProofmeshError):
        instance = kind.__new__(kind)
        assert (code_for(instance) == Exit.INTERNAL) == (kind in fatal), kind


def test_run__command_leaves_with_a_code__is_the_code() -> None:
    @click.command()
    def leaving() -> None:
        raise click.exceptions.Exit(Exit.REFUNDED)

    code = run(lambda: leaving.main([], standalone_mode=False), debug=False)
    assert code == Exit.REFUNDED
