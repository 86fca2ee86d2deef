"""`proofmesh job receipt`: proofs of results, written and checked."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from worker.cli.output import Output, output_options
from worker.cli.runtime import open_client, run
from worker.cli.times import as_time

if TYPE_CHECKING:
    from worker.client.receipts import Receipt
    from worker.types import Address


@click.command()
@click.argument("reference", metavar="JOB", required=False)
@click.option("--batch", type=int, default=0, show_default=True, help="Which batch's results.")
@click.option("--to", "folder", type=click.Path(path_type=Path, file_okay=False), default=".",
              help="Where to write the receipt.")  # fmt: skip
@click.option("--check", "file", type=click.Path(path_type=Path, dir_okay=False),
              help="Check this receipt, offline.")  # fmt: skip
@click.option("--block", help="With --check: the hash of a block that you trust.")
@click.option("--service", help="With --check: the jobs contract that you trust, instead of the "
              "one in the deployment file of the settings.")  # fmt: skip
@click.option("--config", "settings", type=click.Path(path_type=Path, dir_okay=False),
              help="Settings file instead of the usual one.")  # fmt: skip
@output_options
def receipt(
    reference: str | None,
    batch: int,
    folder: Path,
    file: Path | None,
    block: str | None,
    service: str | None,
    settings: Path | None,
    out: Output,
) -> None:
    """Write a receipt of a batch's results, or check one from a block's hash alone.

    A receipt proves with a block header and storage proofs that the contract settled on these
    results for exactly this program, these inputs and these terms. Checking it needs no network.
    """
    if (file is None) == (reference is None) or (file is None) != (block is None):
        raise click.UsageError("give JOB, or --check FILE with --block HASH")
    if file is not None and block is not None:
        out.record(_checked(file, block, service, settings), key="job")
    elif reference is not None:
        _print_written(_written(settings, reference, batch, folder), out)


def _print_written(rows: list[dict[str, Any]], out: Output) -> None:
    """Print files and block hashes so that they can be copied."""
    if out.form != "table" or out.quiet:
        out.rows(rows, columns=(), key="file")
        return
    for row in rows:
        out.record(row, key="file")


def _checked(file: Path, block: str, service: str | None, settings: Path | None) -> dict[str, Any]:
    from worker.client.receipts import Receipt, check_receipt
    from worker.types import Address

    trusted = _bytes(block, 32, "--block: not the hash of a block")
    named = None if service is None else _bytes(service, 20, "--service: not an address")
    proof = Receipt.load(file)
    contract = _deployed(proof, settings) if named is None else Address("0x" + named.hex())
    moment = check_receipt(proof, trusted, contract)
    return {
        "valid": True,
        "job": proof.key.hex(),
        "settled_before": as_time(moment),
        "stands_because": _reason(proof),
        "chain_id": proof.chain_id,
        "service": proof.service,
        "payer": proof.payer,
        "program": proof.program,
        "manifest": proof.manifest,
        "values": {str(task): value.hex() for task, value in proof.task_values().items()},
    }


def _reason(proof: "Receipt") -> str:
    """Say what made the result final."""
    if not proof.terms.challenge:
        return "operators agreed on it"
    if proof.accepted:
        return "its payer accepted it, and did not wait for proofs against it"
    return f"nobody proved it wrong in {proof.terms.challenge} s or more"


def _deployed(proof: "Receipt", settings: Path | None) -> "Address":
    """Return the contract of the deployment file that the settings name.

    Raises VerificationError for a receipt of another chain than that file's.
    """
    from worker.chain.deployment import Deployment
    from worker.client.lane import Lane
    from worker.config import config_file, read_file
    from worker.errors import UsageError, VerificationError

    path = read_file(settings or config_file()).get("deployment")
    if path is None:
        raise UsageError("give --service, the jobs contract that you trust, or a settings file")
    deployment = Deployment.load(Path(path))
    if proof.chain_id != deployment.chain_id:
        raise VerificationError(
            f"receipt: of chain {proof.chain_id}, not of {deployment.chain_id} as in {path}"
        )
    return deployment.address(Lane.of(proof.terms))


def _bytes(text: str, length: int, trouble: str) -> bytes:
    from worker.errors import UsageError

    try:
        found = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raise UsageError(trouble) from None
    if len(found) != length:
        raise UsageError(trouble)
    return found


def _written(
    settings: Path | None, reference: str, batch: int, folder: Path
) -> list[dict[str, Any]]:
    from worker.config import load_config

    async def work() -> list["Receipt"]:
        async with open_client(load_config(settings)) as client:
            return await client.receipts(reference, batch)

    rows = []
    folder.mkdir(parents=True, exist_ok=True)
    for proof in run(work()):
        name = f"receipt-{proof.key.hex()[:16]}-{proof.batch}-{proof.stage}.json"
        (folder / name).write_text(proof.model_dump_json(indent=1) + "\n")
        rows.append(
            {
                "file": str(folder / name),
                "block": "0x" + proof.block_hash.hex(),
                "tasks": list(proof.task_values()),
            }
        )
    return rows
