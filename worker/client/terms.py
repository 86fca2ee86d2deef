"""From a job file to the terms that a contract takes, checked against the network's rules first."""

from worker.client.build import Build
from worker.client.network import Rules
from worker.client.spec import JobSpec
from worker.errors import SpecError
from worker.protocol.merkle import named_root
from worker.protocol.words import GWEI, OnDissent, Origin, Terms
from worker.types import Address, Gwei, Seconds, Timestamp, Wei

_MINING_TIME = 600
"""Seconds that a posting may wait to be mined; the contract counts from the block it is in."""

_MOST_SINGLE = 9 * 86_400
_MOST = 60 * 86_400
"""How far ahead an expiry may lie, of jobs with one seat and of others."""

_RAISES = 2


def make_origin(build: Build, nonce: int) -> Origin:
    """Return what stands in the posting besides the terms."""
    return Origin(nonce, build.program, build.inputs_root, build.manifest.digest())


def make_terms(build: Build, rules: Rules, payer: Address, origin: Origin, now: int) -> Terms:
    """Return the terms to post, `posted_at` still open. Raises SpecError with the field's path."""
    spec = build.spec
    _check_windows(spec, rules)
    return Terms(
        price=Wei(spec.price),
        bond=Gwei(spec.bond_wei // GWEI),
        tasks=len(build.rows),
        seats=spec.seats,
        max_seats=spec.most_seats,
        batch_log2=spec.batch.bit_length() - 1,
        on_dissent=OnDissent[spec.on_dissent.upper()],
        token=spec.token,
        fee_bps=rules.fee_bps,
        claim=Seconds(spec.windows.claim),
        run=Seconds(spec.windows.run),
        reveal=Seconds(spec.windows.reveal),
        expiry=Timestamp(now + _lifetime(spec)),
        named=named_root(spec.operators) if spec.operators else bytes(32),
        origin=origin.digest(payer),
    )


def _check_windows(spec: JobSpec, rules: Rules) -> None:
    windows = spec.windows
    for name in ("claim", "run", "reveal"):
        least = getattr(rules, f"min_{name}")
        if getattr(windows, name) < least:
            raise SpecError(f"windows.{name}", f"this network asks for at least {least} s")
    if windows.claim > rules.epoch:
        raise SpecError("windows.claim", f"longer than this network's epoch of {rules.epoch} s")


def _lifetime(spec: JobSpec) -> int:
    """Return the seconds from now to the expiry; by default twice the worst case and an hour."""
    windows = spec.windows
    length = windows.claim + windows.run + windows.reveal
    grows = spec.seats > 1 and spec.on_dissent == "escalate"
    base = 2 * _RAISES * windows.claim + length
    worst = base + length + windows.claim if grows else base
    least = worst + _MINING_TIME
    most = _MOST_SINGLE if spec.seats == 1 else _MOST
    if spec.expiry is None:
        return min(2 * worst + 3_600, most)
    if not least <= spec.expiry <= most:
        raise SpecError("expiry", f"with these windows it must be between {least} s and {most} s")
    return spec.expiry
