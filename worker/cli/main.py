"""The door: `proofmesh`. Commands are imported when they are used, so that help is quick."""

import importlib
import os
import sys

import click

from worker.cli import exits

_GROUPS = {
    "job": ("worker.cli.job", "Post work, follow it, fetch and check results."),
    "node": ("worker.cli.node", "Stake and run a worker."),
    "model": ("worker.cli.model", "Turn models into tensor programs, and look into them."),
    "market": ("worker.cli.market", "What work cost lately, and how soon it found operators."),
    "delegate": ("worker.cli.delegate", "Lend stake to operators and earn with them."),
    "credits": ("worker.cli.credits", "What Escrow owes you."),
    "gov": ("worker.cli.gov", "Propose changes, vote on them, carry them out."),
    "config": ("worker.cli.settings", "Show and change settings."),
    "dev": ("worker.cli.dev", "A network on this machine, for trying things out."),
}


class LazyGroup(click.Group):
    """Knows its commands by name and one line; imports a module only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order of help."""
        return list(_GROUPS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command."""
        if cmd_name not in _GROUPS:
            return None
        module = importlib.import_module(_GROUPS[cmd_name][0])
        command: click.Command = getattr(module, cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in _GROUPS.items()])


@click.command(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog='Completion: eval "$(_PROOFMESH_COMPLETE=bash_source proofmesh)" (or zsh, fish).',
)
@click.version_option(package_name="proofmesh")
def cli() -> None:
    """A compute network that pays only for work that was checked."""


def main() -> None:
    """Run the command line and exit."""
    debug = bool(os.environ.get("PROOFMESH_DEBUG"))
    sys.exit(exits.run(lambda: cli.main(standalone_mode=False, prog_name="proofmesh"), debug=debug))
