"""Moving on batches whose operators are late or gone. Operators do it by themselves, but anybody
may: what is owed to a payer never depends on them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from worker.client.lane import Lane
from worker.client.network import Network
from worker.client.view import BatchView, JobView
from worker.client.wallet import Wallet
from worker.errors import RevertedError
from worker.protocol.answers import Opened, gather
from worker.protocol.provable_words import Phase, ProvableBatch
from worker.protocol.words import BatchWord, Terms
from worker.types import BatchIndex, OperatorId

_Crank = tuple[str, list[Any]]
"""A function of the contract, and what it takes behind the terms."""


async def crank(
    wallet: Wallet, network: Network, view: JobView, batches: Sequence[BatchView]
) -> Mapping[BatchIndex, str | None]:
    """Do for each of these batches what is next once time is over: expire it, move it to its next
    phase, settle it. Return by batch why the contract refuses that now, None where it was done.

    Raises InsufficientFundsError, RpcError.
    """
    revealed = await _fetch_revealed(network, view) if view.lane is Lane.REPLICATED else {}
    refusals: dict[BatchIndex, str | None] = {}
    for batch in batches:
        word = await network.view(view.lane, "batch_of", view.key, batch.index)
        if view.lane is Lane.PROVABLE:
            function, arguments = _provable(ProvableBatch.unpack(word), batch)
        else:
            opened = revealed.get(batch.index, {})
            function, arguments = _replicated(BatchWord.unpack(word), view.terms, batch, opened)
        try:
            await wallet.send(view.lane, function, view.terms.members(), *arguments)
            refusals[batch.index] = None
        except RevertedError as error:
            refusals[batch.index] = error.reason
    return refusals


async def _fetch_revealed(network: Network, view: JobView) -> dict[BatchIndex, Opened]:
    """Return what was revealed in each batch of the job, up to the head."""
    topics = [network.contracts.topic(view.lane, "ResultRevealed"), view.key]
    first, head = network.contracts.deployment.block, await network.head()
    revealed: dict[BatchIndex, dict[tuple[OperatorId, int], Sequence[bytes]]] = defaultdict(dict)
    for event in await network.logs(topics, first, head.number):
        args = event.args
        revealed[args["batch"]][args["operator"], args["round"]] = args["values"]
    return dict(revealed)


def _replicated(word: BatchWord, terms: Terms, batch: BatchView, revealed: Opened) -> _Crank:
    if not word.is_growing and not word.is_filled(terms):
        return "expire", [[batch.index]]
    answers = gather(word, revealed)
    return "settle", [batch.index, answers.lists, answers.choice]


def _provable(word: ProvableBatch, batch: BatchView) -> _Crank:
    if word.phase is Phase.OPEN:
        return "expire", [[batch.index]]
    if word.phase is Phase.CHALLENGE:
        return "settle", [batch.index, list(batch.standing)]
    return "advance", [batch.index]
