"""`proofmesh config`: where settings are, what they are, and where each comes from."""

from pathlib import Path
from typing import Any

import click

from worker.cli.output import Output, output_options

_FILE = click.option(
    "--config", "file", type=click.Path(path_type=Path, dir_okay=False), help="Another file."
)


@click.group("config")
def config() -> None:
    """Show and change settings."""


@config.command()
@click.option("--rpc", multiple=True, required=True, help="An RPC endpoint; give two or more.")
@click.option("--deployment", required=True, type=click.Path(exists=True, path_type=Path),
              help="The network's deployment file.")  # fmt: skip
@click.option("--wallet", type=click.Path(exists=True, path_type=Path), help="Your keystore.")
@_FILE
@output_options
def init(
    rpc: tuple[str, ...], deployment: Path, wallet: Path | None, file: Path | None, out: Output
) -> None:
    """Write the settings of a requester; `node init` writes those of a worker."""
    from worker.config import config_file

    path = file or config_file()
    changes: dict[str, Any] = {
        "deployment": str(deployment.resolve()),
        "chain.rpc_urls": list(rpc),
    }
    if wallet:
        changes["wallet.keystore"] = str(wallet.resolve())
    write(path, changes)
    out.note("next: `proofmesh job init`, or `proofmesh job submit FILE --dry-run`")
    out.record({"settings": path}, key="settings")


@config.command("path")
@_FILE
def show_path(file: Path | None) -> None:
    """Print where settings are kept."""
    from worker.config import config_file

    click.echo(file or config_file())


@config.command()
@_FILE
@output_options
def show(file: Path | None, out: Output) -> None:
    """Show every setting and where it comes from."""
    from worker.config import config_file, load_config, origins

    path = file or config_file()
    rows = [
        {"name": name, "value": value, "origin": origin}
        for name, value, origin in origins(load_config(path), path)
    ]
    out.rows(rows, columns=["name", "value", "origin"], key="name")


@config.command("set")
@_FILE
@click.argument("name")
@click.argument("value")
def set_value(file: Path | None, name: str, value: str) -> None:
    """Set NAME, such as chain.confirmations, to VALUE; what would not be valid is not written."""
    from worker.config import config_file

    write(file or config_file(), {name: parse(value)})


def parse(text: str) -> Any:
    """Return what TOML makes of `text`, else the text itself."""
    import tomllib

    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def write(path: Path, changes: dict[str, Any]) -> None:
    """Change settings, keeping the file's comments and order. Raises ConfigError, changing nothing,
    when the result would not be valid."""
    import tomlkit

    from worker.config import load_config

    document = tomlkit.parse(path.read_text()) if path.exists() else tomlkit.document()
    for name, value in changes.items():
        *tables, leaf = name.split(".")
        table: Any = document
        for part in tables:
            table = table.setdefault(part, tomlkit.table())
        table[leaf] = value
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    trial = path.with_name(path.name + ".new")
    trial.write_text(tomlkit.dumps(document))
    try:
        load_config(trial)
        trial.replace(path)
    finally:
        trial.unlink(missing_ok=True)
