"""What a payer may still do with a posted job: cancel, raise the price, accept."""

from collections.abc import Iterator, Sequence

from worker.client.grants import make_grant
from worker.client.lane import Lane
from worker.client.view import BatchState, BatchView, JobView
from worker.client.wallet import NO_PERMIT, Wallet
from worker.errors import UsageError
from worker.types import Address, BatchIndex, Wei

_PER_CALL = 32


def check_payer(view: JobView, wallet: Wallet) -> None:
    """Raise UsageError unless the wallet paid for the job."""
    if view.payer != wallet.address:
        raise UsageError(f"only the payer {view.payer} may do this, not {wallet.address}")


def cancellable(view: JobView) -> list[BatchIndex]:
    """Return the batches that nobody works on."""
    return [batch.index for batch in view.batches if _is_idle(batch)]


def unfilled(view: JobView) -> list[BatchIndex]:
    """Return the batches that wait for a higher price."""
    return [batch.index for batch in view.batches if batch.state is BatchState.UNFILLED]


def acceptable(view: JobView) -> list[BatchIndex]:
    """Return the batches whose shown result the payer alone decides about now."""
    return [batch.index for batch in view.batches if _is_acceptable(batch)]


async def cancel(wallet: Wallet, view: JobView, batches: Sequence[int]) -> None:
    """End batches and get their escrow credited back. Raises RevertedError."""
    for part in _parts(batches):
        await wallet.send(
            view.lane,
            "cancel",
            view.terms.members(),
            _origin(view),
            part,
            purpose=_purpose("cancel", view, part),
        )


async def accept(wallet: Wallet, view: JobView, batches: Sequence[int]) -> None:
    """Pay for the results that the operators of these batches showed, whoever might still prove
    them wrong. Raises UsageError where there is none to accept, RevertedError."""
    for index in _some(batches):
        batch = view.batch(index)
        if not _is_acceptable(batch):
            raise UsageError(f"batch {index} has no result to accept: it is {batch.state}")
        await wallet.send(
            view.lane,
            "accept",
            view.terms.members(),
            _origin(view),
            index,
            list(batch.standing),
            purpose=_purpose("accept", view, [index]),
        )


async def raise_price(
    wallet: Wallet, view: JobView, batches: Sequence[int], price: Wei, token: Address
) -> Wei:
    """Open another round of unfilled batches at `price` wei per task and seat.

    Returns what that added to the escrow. Raises UsageError unless the price is higher
    and the job's can change,
    InsufficientFundsError, RevertedError.
    """
    if view.lane is Lane.PROVABLE:
        raise UsageError("the price of a provable job stays: cancel it, and post it again")
    total = 0
    for part in _parts(batches):
        chosen = [view.batch(index) for index in part]
        if any(price <= batch.price for batch in chosen):
            raise UsageError("the new price must be higher than the old one")
        added = sum(_added(view, batch, price) for batch in chosen)
        purpose = _purpose(f"raise:{price}", view, part)
        grant = await make_grant(wallet, token, "Escrow", Wei(added))
        await grant.approve(wallet, purpose)
        await wallet.send(
            view.lane,
            "raise_price",
            view.terms.members(),
            _origin(view),
            part,
            price,
            NO_PERMIT if grant.needs_approval else grant.permit,
            purpose=purpose,
        )
        total += added
    return Wei(total)


def _added(view: JobView, batch: BatchView, price: Wei) -> int:
    return batch.mask.bit_count() * view.terms.max_seats * (price - batch.price)


def _is_acceptable(batch: BatchView) -> bool:
    return batch.state in (BatchState.REVEALED, BatchState.CHALLENGE) and bool(batch.standing)


def _is_idle(batch: BatchView) -> bool:
    is_untouched = batch.state is BatchState.OPEN and not batch.seats
    return is_untouched or batch.state is BatchState.UNFILLED


def _origin(view: JobView) -> tuple[int, bytes, bytes, bytes]:
    origin = view.origin
    return origin.nonce, origin.program, origin.inputs, origin.manifest


def _parts(batches: Sequence[int]) -> Iterator[list[int]]:
    ordered = _some(batches)
    for start in range(0, len(ordered), _PER_CALL):
        yield ordered[start : start + _PER_CALL]


def _some(batches: Sequence[int]) -> list[int]:
    """Return the batches in order. Raises UsageError when there is none."""
    if not batches:
        raise UsageError("no batch is in a state that allows it")
    return sorted(set(batches))


def _purpose(verb: str, view: JobView, batches: Sequence[int]) -> str:
    """Name a transaction so that asking for it again, in the same rounds, is not a second one."""
    places = ",".join(f"{index}.{view.batch(index).round}" for index in batches)
    return f"{verb}:{view.key.hex()}:{places}"
