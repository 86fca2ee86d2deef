"""From a job file to the terms that a contract takes, checked against the network's rules first."""

from dataclasses import replace

from worker.client.build import Build
from worker.client.lane import Lane
from worker.client.network import Network
from worker.client.rules import Rules, Stakes, fetch_rules, fetch_stakes
from worker.client.spec import JobSpec
from worker.client.tensor_spec import TensorSpec
from worker.client.wallet import as_tokens
from worker.client.wasm_spec import WasmSpec
from worker.errors import SpecError
from worker.protocol.merkle import named_root
from worker.protocol.provable_words import bond_needed, worst_case
from worker.protocol.words import GWEI, OnDissent, Origin, Terms
from worker.types import Address, Gwei, Seconds, Timestamp, Wei

_MINING_TIME = 600
"""Seconds that a posting may wait to be mined; the contract counts from the block it is in."""

_MOST_SINGLE = 9 * 86_400
_MOST = 60 * 86_400
"""How far ahead an expiry may lie, of jobs with one seat and of others."""

_RAISES = 2
_BOND_MARGIN = 20
"""A twentieth is laid on the least bond: what it is measured by may move before the posting."""


def make_origin(build: Build, nonce: int) -> Origin:
    """Return what stands in the posting besides the terms."""
    return Origin(nonce, build.program, build.inputs_root, build.manifest.digest())


async def fetch_terms(network: Network, build: Build, payer: Address, origin: Origin) -> Terms:
    """Return the terms to post now, `posted_at` still open.

    Raises SpecError with the field's path where the network's rules forbid the job.
    """
    lane = Lane.PROVABLE if isinstance(build.spec, TensorSpec) else Lane.REPLICATED
    rules = await fetch_rules(network, lane)
    _check_windows(build.spec, rules)
    now = (await network.head()).timestamp
    if isinstance(build.spec, TensorSpec):
        stakes = await fetch_stakes(network, build.spec.token)
        terms = _provable(build.spec, rules, stakes, len(build.rows), now)
    else:
        terms = _replicated(build.spec, rules, len(build.rows), now)
    return replace(terms, origin=origin.digest(payer))


def _replicated(spec: WasmSpec, rules: Rules, tasks: int, now: int) -> Terms:
    return Terms(
        price=Wei(spec.price),
        bond=Gwei(spec.bond_wei // GWEI),
        tasks=tasks,
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
        named=_named(spec),
    )


def _provable(spec: TensorSpec, rules: Rules, stakes: Stakes, tasks: int, now: int) -> Terms:
    if spec.audit < stakes.least_audit_bps:
        raise SpecError("audit", f"this network asks for at least {stakes.least_audit_bps / 100} %")
    terms = Terms(
        price=Wei(spec.price),
        bond=Gwei(0),
        tasks=tasks,
        seats=1,
        max_seats=1,
        batch_log2=spec.batch.bit_length() - 1,
        on_dissent=OnDissent.ESCALATE,
        token=spec.token,
        fee_bps=rules.fee_bps,
        claim=Seconds(spec.windows.claim),
        run=Seconds(spec.windows.run),
        reveal=Seconds(spec.windows.reveal),
        expiry=Timestamp(0),
        named=_named(spec),
        court=stakes.court,
        challenge=Seconds(spec.windows.challenge),
        audit_bps=spec.audit,
    )
    expiry = Timestamp(now + _provable_lifetime(spec, terms))
    return replace(terms, bond=_provable_bond(spec, stakes, terms), expiry=expiry)


def _named(spec: JobSpec) -> bytes:
    return named_root(spec.operators) if spec.operators else bytes(32)


def _provable_bond(spec: TensorSpec, stakes: Stakes, terms: Terms) -> Gwei:
    """Return the bond a task: as given, else the least that lets no lie pay, and a margin; at
    least the price, as in every lane, where that is in the network token."""
    least = bond_needed(terms, stakes.capture_bps, stakes.least_bond, stakes.rate)
    if spec.token == 0:
        least = max(least, Gwei(-(-spec.price // GWEI)))
    if spec.bond is None:
        return Gwei(least + -(-least // _BOND_MARGIN))
    if spec.bond < least * GWEI:
        raise SpecError(
            "bond", f"with this price and audit share it must be at least {as_tokens(least * GWEI)}"
        )
    return Gwei(spec.bond // GWEI)


def _check_windows(spec: JobSpec, rules: Rules) -> None:
    for name, least in rules.windows.items():
        if getattr(spec.windows, name) < least:
            raise SpecError(f"windows.{name}", f"this network asks for at least {least} s")
    if spec.windows.claim > rules.epoch:
        raise SpecError("windows.claim", f"longer than this network's epoch of {rules.epoch} s")


def _lifetime(spec: WasmSpec) -> int:
    """Return the seconds from now to the expiry; by default twice the worst case and an hour."""
    windows = spec.windows
    length = windows.claim + windows.run + windows.reveal
    grows = spec.seats > 1 and spec.on_dissent == "escalate"
    base = 2 * _RAISES * windows.claim + length
    worst = base + length + windows.claim if grows else base
    return _chosen(spec.expiry, worst, _MOST_SINGLE if spec.seats == 1 else _MOST)


def _provable_lifetime(spec: TensorSpec, terms: Terms) -> int:
    """Return the same; a batch whose operator is convicted begins again while there is time."""
    return _chosen(spec.expiry, terms.claim + worst_case(terms), _MOST)


def _chosen(asked: int | None, worst: int, most: int) -> int:
    least = worst + _MINING_TIME
    if asked is None:
        return min(2 * worst + 3_600, most)
    if not least <= asked <= most:
        raise SpecError("expiry", f"with these windows it must be between {least} s and {most} s")
    return asked
