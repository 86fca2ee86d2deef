"""Moving on batches whose operators are late or gone. Operators do it by themselves, but anybody
may: what is owed to a payer never depends on them."""

from collections.abc import Mapping, Sequence
from typing import Any

from worker.client.lane import Lane
from worker.client.network import Network
from worker.client.view import BatchView, JobView
from worker.client.wallet import Wallet
from worker.errors import RevertedError
from worker.protocol.answers import gather
from worker.protocol.provable_words import Phase, ProvableBatch
from worker.protocol.words import BatchWord
from worker.types import BatchIndex

_Crank = tuple[str, list[Any]]
"""A function of the contract, and what it takes behind the terms."""


async def crank(
    wallet: Wallet, network: Network, view: JobView, batches: Sequence[BatchView]
) -> Mapping[BatchIndex, str | None]:
    """Do for each of these batches what is next once time is over: expire it, move it to its next
    phase, settle it. Return by batch why the contract refuses that now, None where it was done.

    Raises InsufficientFundsError, RpcError.
    """
    refusals: dict[BatchIndex, str | None] = {}
    for batch in batches:
        due = _provable if view.lane is Lane.PROVABLE else _replicated
        function, arguments = await due(network, view, batch)
        try:
            await wallet.send(view.lane, function, view.terms.members(), *arguments)
            refusals[batch.index] = None
        except RevertedError as error:
            refusals[batch.index] = error.reason
    return refusals


async def _replicated(network: Network, view: JobView, batch: BatchView) -> _Crank:
    place = view.key, batch.index
    word = BatchWord.unpack(await network.view(view.lane, "batch_of", *place))
    if not word.is_growing and not word.is_filled(view.terms):
        return "expire", [[batch.index]]
    head = await network.head()
    topics = [network.contracts.topic(view.lane, "ResultRevealed"), view.key]
    events = await network.logs(topics, network.contracts.deployment.block, head.number)
    revealed = {
        (event.args["operator"], event.args["round"]): event.args["values"]
        for event in events
        if event.args["batch"] == batch.index
    }
    answers = gather(word, revealed)
    return "settle", [batch.index, answers.lists, answers.choice]


async def _provable(network: Network, view: JobView, batch: BatchView) -> _Crank:
    word = ProvableBatch.unpack(await network.view(view.lane, "batch_of", view.key, batch.index))
    if word.phase is Phase.OPEN:
        return "expire", [[batch.index]]
    if word.phase is Phase.CHALLENGE:
        return "settle", [batch.index, list(batch.standing)]
    return "advance", [batch.index]
