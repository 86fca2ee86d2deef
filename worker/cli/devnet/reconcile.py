"""Whether a worker's books agree with its chain (docs/protocol.md §7, 7).

The books lag: what was scanned must be equal up to their cursor, and what the worker says that it
did must be on the chain by now. Each function returns what differs, in words.
"""

from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from worker.chain.config import ChainConfig
from worker.chain.contracts import Contracts, Event
from worker.chain.deployment import Deployment
from worker.chain.endpoint import Request
from worker.chain.endpoints import RpcPool
from worker.chain.wire import Receipt, parse_block, parse_quantity, parse_receipt
from worker.cli.devnet.audit import Audit, Auditor
from worker.cli.devnet.books import Books, open_books
from worker.cli.devnet.seat_truth import Place, Told, place_of, seat_trouble
from worker.config import Config
from worker.protocol.outbox import LIVE, OutboxEntry, TxState
from worker.services.desk import Desk
from worker.services.lane import BatchKey
from worker.services.watcher import job_logs
from worker.storage.seats import Seat, SeatKey, SeatState

_AT_ONCE = 50


class Reconciler:
    """Compares books with the chain as of a block that is no older than they are."""

    def __init__(self, contracts: Contracts, rpc: RpcPool) -> None:
        self._contracts = contracts
        self._rpc = rpc

    async def reconcile(self, audit: Audit, books: Books, events: Sequence[Event]) -> None:
        """Add the checks of one worker's books; `events` are all up to the audit's block."""
        scanned = [one for one in events if one.block_number <= books.cursor]
        found = {
            "the blocks it scanned": await self._blocks(books),
            "jobs": _jobs(books, scanned),
            "logs": _logs(books, scanned),
            "demands": _demands(books, scanned),
            "transactions": await self._transactions(books),
            "seats": await self._seats(books, events, audit.block),
        }
        for what, differences in found.items():
            name = f"worker {books.identity.operator}: {what} are the chain's"
            audit.compare(7, name, differences)

    async def _blocks(self, books: Books) -> list[str]:
        requests = [
            Request("eth_getBlockByNumber", [hex(number), False], _hash_or_none)
            for number in books.window
        ]
        hashes = await self._rpc.batch(requests) if requests else []
        pairs = zip(books.window.items(), hashes, strict=True)
        return [f"block {number}" for (number, known), now in pairs if known != now]

    async def _transactions(self, books: Books) -> list[str]:
        entries = books.outbox.entries()
        receipts = await self._receipts(entries)
        differences = [
            f"{entry.intent.purpose}: {trouble}"
            for entry in entries
            if (trouble := _trouble(entry, receipts))
        ]
        address = books.identity.worker
        used = await self._rpc.call("eth_getTransactionCount", [address, "latest"], parse_quantity)
        held = {entry.nonce for entry in entries if entry.nonce is not None}
        last = max((entry.nonce or 0 for entry in entries if entry.state in LIVE), default=used)
        return differences + [f"nonce {gap} is held by none" for gap in {*range(used, last)} - held]

    async def _receipts(self, entries: Iterable[OutboxEntry]) -> dict[bytes, Receipt]:
        hashes = [attempt.hash for entry in entries for attempt in entry.attempts]
        found: dict[bytes, Receipt] = {}
        for start in range(0, len(hashes), _AT_ONCE):
            requests = [
                Request("eth_getTransactionReceipt", ["0x" + hash_.hex()], parse_receipt)
                for hash_ in hashes[start : start + _AT_ONCE]
            ]
            answers = await self._rpc.batch(requests)
            found |= {receipt.tx_hash: receipt for receipt in answers if receipt}
        return found

    async def _seats(self, books: Books, events: Sequence[Event], block: int) -> list[str]:
        differences = []
        for desk in books.desks:
            service = desk.lane.service
            mine = [one for one in events if one.contract == service]
            told = Told(books.identity.operator, mine)
            seats = {place_of(seat.key): seat for seat in desk.held(*SeatState)}
            differences += [
                f"{SeatKey(*place).name}: a seat that it does not know of"
                for place in told.claimed - seats.keys()
            ]
            running = await self._running(desk, seats.values(), block)
            for place, seat in seats.items():
                seal = books.seal_of(desk, seat)
                if trouble := seat_trouble(desk, seat, told, place in running, seal):
                    differences.append(f"{seat.key.name} {seat.state}: {trouble}")
        return differences

    async def _running(self, desk: Desk[Any], seats: Iterable[Seat], block: int) -> set[Place]:
        """Return which of the seats' rounds still run, with the operator in a seat of the batch."""
        wanted = {(seat.key.job, seat.key.batch): desk.job(seat.key) for seat in seats}
        keys, rounds = list(wanted), dict[BatchKey, Any]()
        for start in range(0, len(keys), _AT_ONCE):
            some = {key: wanted[key] for key in keys[start : start + _AT_ONCE]}
            rounds |= await desk.lane.read(self._contracts, some, block)
        return {
            (*key, round_.number)
            for key, round_ in rounds.items()
            if not round_.is_final and round_.holds(desk.identity.operator)
        }


async def audit_with_workers(
    contracts: Contracts, rpc: RpcPool, workers: Iterable[Config]
) -> Audit:
    """Check every invariant at the head, and the books of these workers against it."""
    with ExitStack() as stack:
        books = [stack.enter_context(open_books(config, contracts)) for config in workers]
        auditor = Auditor(contracts, rpc)
        head = await rpc.head()  # no older than any of the books
        audit = await auditor.audit(head.number)
        events = await auditor.events(head.number)
        for one in books:
            await Reconciler(contracts, rpc).reconcile(audit, one, events)
        return audit


async def audit_deployment(file: Path, chain: ChainConfig, workers: Iterable[Config]) -> Audit:
    """Check a deployed network at its head, and the books of these workers against it."""
    deployment = Deployment.load(file)
    async with RpcPool(chain, deployment.identity) as pool:
        return await audit_with_workers(Contracts(deployment, pool), pool, workers)


def _trouble(entry: OutboxEntry, receipts: dict[bytes, Receipt]) -> str:
    """Return what the chain denies of a transaction."""
    mined = [receipts[one.hash] for one in entry.attempts if one.hash in receipts]
    done = [one.hash for one in entry.attempts if not one.is_cancel]
    if sum(one.succeeded and one.tx_hash in done for one in mined) > 1:
        return "took effect twice"
    known = entry.inclusion
    if known is None:
        return "final, but never mined" if entry.state is TxState.FINAL else ""
    now = receipts.get(known.tx_hash)
    if now is None:
        return f"not in block {known.block_number}"
    is_same = (now.block_hash, now.succeeded) == (known.block_hash, known.succeeded)
    return "" if is_same else f"mined in block {now.block_number} otherwise"


def _jobs(books: Books, scanned: Sequence[Event]) -> list[str]:
    """Compare postings. One that a reorganisation took back stays with the seats wanted in it."""
    watched = books.watched
    chain = {
        one.args["job"]: one.block_number
        for one in scanned
        if one.name == "JobPosted" and one.contract in watched
    }
    known = {job.job: job.block for job in books.jobs.posted()}
    wanted = {seat.key.job for desk in books.desks for seat in desk.held(*SeatState)}
    unequal = {job for job in chain if known.get(job) != chain[job]}
    invented = known.keys() - chain.keys() - wanted
    return [f"job {job.hex()[:8]}" for job in unequal | invented]


def _logs(books: Books, scanned: Sequence[Event]) -> list[str]:
    chain = {
        (log.block, log.log_index): (log.name, log.job, _plain(dict(log.args)))
        for log in job_logs(one for one in scanned if one.contract in books.watched)
    }
    known = {
        (log.block, log.log_index): (log.name, log.job, dict(log.args))
        for log in books.jobs.all_logs()
    }
    return [
        f"log {log} of block {block}: {known.get((block, log), ['missing'])[0]}"
        for block, log in sorted(chain.keys() | known.keys())
        if chain.get((block, log)) != known.get((block, log))
    ]


def _demands(books: Books, scanned: Sequence[Event]) -> list[str]:
    chain = {one.args["id"]: False for one in scanned if one.name == "TraceDemanded"}
    for one in scanned:
        if one.name in ("DemandAnswered", "DemandClosed") and one.args["id"] in chain:
            chain[one.args["id"]] = True
    known = {demanded.id: demanded.is_over for demanded in books.demands.all()}
    ids = chain.keys() | known.keys()
    return [f"demand {id.hex()[:8]}" for id in ids if chain.get(id) != known.get(id)]


def _plain(value: Any) -> Any:
    """Return a log's value as the database gives it back: with lists for tuples."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _hash_or_none(value: Any) -> bytes | None:
    return None if value is None else parse_block(value).hash
