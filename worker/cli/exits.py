"""How the command line ends: one exit code and one line for every kind of trouble."""

import sys
import traceback
from collections.abc import Callable
from enum import IntEnum

import click

from worker import errors


class Exit(IntEnum):
    """The documented exit codes; see docs/operations.md."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    BAD_SPEC = 3
    NOT_FOUND = 4
    WALLET = 5
    FUNDS = 6
    CHAIN = 7
    REVERTED = 8
    TIMED_OUT = 9
    JOB_FAILED = 10
    REFUNDED = 11
    DISPUTED = 12
    VERIFICATION = 13
    INTERRUPTED = 130


# The first class that fits decides: subclasses stand before their parents.
_CODES: tuple[tuple[type[BaseException], Exit], ...] = (
    (errors.SpecError, Exit.BAD_SPEC),
    (errors.InvalidManifestError, Exit.BAD_SPEC),
    (errors.InvalidProgramError, Exit.BAD_SPEC),
    (errors.NotFoundError, Exit.NOT_FOUND),
    (errors.UsageError, Exit.USAGE),
    (errors.KeyAccessError, Exit.WALLET),
    (errors.ConfigError, Exit.USAGE),
    (errors.InsufficientFundsError, Exit.FUNDS),
    (errors.RevertedError, Exit.REVERTED),
    (errors.TransactionError, Exit.REVERTED),
    (errors.WrongChainError, Exit.CHAIN),
    (errors.KeyInUseError, Exit.WALLET),
    (errors.UnbondedError, Exit.FUNDS),
    (errors.RetryableError, Exit.CHAIN),
    (errors.WaitTimeoutError, Exit.TIMED_OUT),
    (errors.InvalidBlobError, Exit.VERIFICATION),
    (errors.VerificationError, Exit.VERIFICATION),
    (errors.ExecutionFailedError, Exit.JOB_FAILED),
)

_HINTS: tuple[tuple[type[BaseException], str], ...] = (
    (errors.SpecError, "nothing was sent; `proofmesh job validate` checks a file again"),
    (errors.InsufficientFundsError, "`proofmesh credits show` tells what can be withdrawn"),
    (errors.RpcError, "nothing is lost; `chain.rpc_urls` in the settings lists the endpoints"),
)


def code_for(error: BaseException) -> Exit:
    """Return the exit code of an error."""
    for kind, code in _CODES:
        if isinstance(error, kind):
            return code
    return Exit.INTERNAL


def run(command: Callable[[], object], *, debug: bool) -> int:
    """Run `command` and return its exit code; trouble is one line on stderr and perhaps a hint."""
    try:
        left_with = command()  # click returns the code of an `Exit` that a command raised
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        return Exit.INTERRUPTED
    except errors.ProofmeshError as error:
        return _report(error, debug)
    except BaseExceptionGroup as group:
        return _report(_first(group), debug)
    except BrokenPipeError:
        sys.stderr.close()  # the reader left, as in `| head`: not an error of ours
        return Exit.OK
    except Exception as error:
        return _report(error, debug)
    return left_with if isinstance(left_with, int) else Exit.OK


def _report(error: BaseException, debug: bool) -> int:
    code = code_for(error)
    if debug:
        traceback.print_exception(error)
    if code == Exit.INTERNAL:
        click.echo(f"internal error: {type(error).__name__}: {error}", err=True)
        if not debug:
            click.echo("hint: PROOFMESH_DEBUG=1 shows where", err=True)
        return code
    click.echo(f"error: {error}", err=True)
    for kind, hint in _HINTS:
        if isinstance(error, kind):
            click.echo(f"hint: {hint}", err=True)
    return code


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
