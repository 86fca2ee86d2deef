"""What is due about a provable batch, for whoever has a seat in it. Pure but for the draw."""

from worker.protocol.provable_words import Fate, Phase, SeatKind, is_audited
from worker.services.chain_view import ChainView
from worker.services.desk import Verb
from worker.services.provable.lane import Turn
from worker.storage.jobs import PostedJob

_REACH = 256  # blocks after which a draw that nobody made counts as an audit
_SAFE = 200  # later an opening might come after that, be refused, and have been read

_WINDOWS = (Phase.RUNNING, Phase.AUDIT_OPEN, Phase.AUDIT_RUNNING)


def due_move(turn: Turn, kind: SeatKind, now: int, is_drawn: bool | None) -> Verb | None:
    """Return what the holder of seat `kind` may do at chain time `now`.

    `is_drawn` says whether a sealed batch is audited, None while that is not known.
    """
    word = turn.word
    until = word.until(turn.terms)
    if until is None:  # sealed: the draw alone decides
        return None if is_drawn is None else (Verb.ADVANCE if is_drawn else Verb.REVEAL)
    if word.phase is Phase.REVEAL and now < until:
        return Verb.REVEAL if word.fates[kind] is Fate.IN_PLAY else None
    if now < until:
        return None
    if word.phase is Phase.CHALLENGE:
        return None if any(word.held) else Verb.SETTLE
    return Verb.ADVANCE if word.phase in (*_WINDOWS, Phase.REVEAL) else None


async def is_drawn(chain: ChainView, job: PostedJob, turn: Turn) -> bool | None:
    """Return whether a sealed batch is audited, as it stands at confirmation depth.

    None while the draw is not that deep, or so old that an opening might come too late: it counts
    as an audit soon. Raises RpcError.
    """
    height, source = turn.word.height, chain.seed_source
    current = await chain.contracts.call(source, "height", block=chain.confirmed)
    if current > height + _REACH:
        return True
    if current <= height:
        return None
    hash_ = await chain.contracts.call(source, "hash_of", height, block=chain.confirmed)
    if is_audited(hash_, job.job, turn.batch, turn.terms.audit_bps):
        return True
    return False if current <= height + _SAFE else None
