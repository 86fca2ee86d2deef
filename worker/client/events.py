"""What the events of a job mean, in a few words."""

from collections.abc import Callable, Mapping
from typing import Any

from worker.chain.contracts import Event
from worker.client.view import JobView
from worker.client.wallet import as_tokens
from worker.protocol.provable_words import Phase, ProvableBatch
from worker.protocol.words import GWEI, positions

_ENDS = {
    1: "expired, refunded",
    2: "cancelled, refunded",
    3: "no round or no time is left, refunded",
}


def describe(event: Event, view: JobView) -> str:
    """Say in a few words what an event of the job means; its name, where that is not known."""
    if event.name == "JobPosted":
        return f"posted: {view.terms.tasks} tasks in {view.terms.batches} batches"
    words = _WORDS.get(event.name)
    return words(event.args) if words else event.name


def _round(args: Mapping[str, Any]) -> str:
    return f"round {args['round'] + 1} opened over {args['mask'].bit_count()} tasks"


def _settlement(args: Mapping[str, Any]) -> str:
    kinds = ("paid", "failed", "tied", "contested")
    counts = {kind: len(positions(args[f"{kind}_mask"])) for kind in kinds}
    told = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
    return f"settled: {told or 'no quorum'}"


def _advance(args: Mapping[str, Any]) -> str:
    word = ProvableBatch.unpack(args["word"])
    if word.phase is Phase.AUDIT_OPEN:
        return "no auditor came, drawn once more" if word.redrawn else "an audit was drawn"
    if word.phase is Phase.REVEAL:
        if word.unaudited:
            return "no auditor came: it goes on without, challenged twice as long"
        return "spared an audit"
    if word.phase is Phase.CHALLENGE:
        return "not everybody showed a result: what was shown can be challenged"
    return "open again" if word.phase is Phase.OPEN else "ended"


def _forfeit(args: Mapping[str, Any]) -> str:
    what = "was late" if args["released"] else "fell silent"
    return f"operator {args['operator']} {what}: {_tokens(args['burnt'])} of its bond burnt"


def _conviction(args: Mapping[str, Any]) -> str:
    return (
        f"operator {args['operator']} was convicted by {args['prover']} for task {args['task']}: "
        f"its bond of {_tokens(args['bond'])} taken"
    )


def _tokens(gwei: int) -> str:
    return f"{as_tokens(gwei * GWEI)} tokens"


_WORDS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "SeatClaimed": lambda args: f"operator {args['operator']} took a seat",
    "ResultSealed": lambda args: f"operator {args['operator']} sealed its result",
    "ResultRevealed": lambda args: f"operator {args['operator']} showed its result",
    "RoundOpened": _round,
    "BatchClosed": lambda args: _ENDS[args["reason"]],
    "BatchSettled": _settlement,
    "BatchAdvanced": _advance,
    "SeatForfeited": _forfeit,
    "OperatorConvicted": _conviction,
}
