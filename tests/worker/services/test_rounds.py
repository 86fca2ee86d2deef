"""Rounds are read together, once, and never kept when a log outdated them meanwhile."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.worker.services.service_actors import JOB, TERMS, posted
from worker.chain.wire import Block
from worker.services.chain_view import Batches, ChainView
from worker.services.rounds import ReplicatedLane, Round
from worker.types import BatchIndex, Timestamp, Wei

BATCHES = [(posted(), BatchIndex(index)) for index in range(2)]
KEYS = [(JOB, batch) for _, batch in BATCHES]
HEAD = Block(20, b"h" * 32, b"g" * 32, Timestamp(1_010), Wei(1))


class Words:
    """Answers every view with 0: a batch that nobody has touched. `meanwhile` runs in between."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int | str]] = []  # batches in a request, and at which block
        self.meanwhile: Callable[[], None] = lambda: None

    async def read(self, _: str, calls: list[tuple[str, Any]], block: int | str) -> list[int]:
        self.asked.append((len({key for _, key in calls}), block))
        self.meanwhile()
        return [0] * len(calls)


@pytest.fixture
def words() -> Words:
    return Words()


@pytest.fixture
def chain(words: Words) -> ChainView:
    chain = ChainView(words, confirmations=6)  # type: ignore[arg-type]
    chain.head, chain.scanned_to = HEAD, HEAD.number
    return chain


@pytest.fixture
def view(chain: ChainView) -> Batches[Round]:
    return Batches(chain, ReplicatedLane())


async def test_confirmed_all__several__one_request_until_one_is_forgotten(
    view: Batches[Round], words: Words
) -> None:
    found = await view.confirmed_all(BATCHES)
    assert list(found) == KEYS
    assert found[KEYS[0]].tasks == list(TERMS.tasks_in(BatchIndex(0)))
    await view.confirmed_all(BATCHES)
    await view.confirmed(*BATCHES[1])
    view.forget(*KEYS[1])
    await view.confirmed_all(BATCHES)
    assert words.asked == [(2, 14), (1, 14)]


async def test_confirmed_all__a_log_comes_meanwhile__is_read_again(
    view: Batches[Round], words: Words
) -> None:
    words.meanwhile = lambda: view.forget(*KEYS[0])
    assert list(await view.confirmed_all(BATCHES)) == KEYS
    words.meanwhile = lambda: None
    await view.confirmed_all(BATCHES)
    assert words.asked == [(2, 14), (2, 14)]


async def test_latest_all__same_head__read_once_and_anew_after_it(
    view: Batches[Round], chain: ChainView, words: Words
) -> None:
    await view.latest_all(BATCHES[:1])
    await view.latest_all(BATCHES)
    await view.latest(*BATCHES[0])
    chain.head = replace(HEAD, number=21)
    await view.latest_all(BATCHES)
    assert words.asked == [(1, "latest"), (1, "latest"), (2, "latest")]


async def test_latest_all__head_changes_meanwhile__what_was_read_is_not_kept(
    view: Batches[Round], chain: ChainView, words: Words
) -> None:
    def next_head() -> None:
        chain.head = replace(HEAD, number=21)

    words.meanwhile = next_head
    await view.latest_all(BATCHES)
    words.meanwhile = lambda: None
    await view.latest_all(BATCHES)
    assert words.asked == [(2, "latest"), (2, "latest")]
