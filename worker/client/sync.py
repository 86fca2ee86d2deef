"""`Client`: the verbs of `AsyncClient` for code without an event loop."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager
from functools import update_wrapper
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from worker.client.client import AsyncClient
from worker.client.config import ClientConfig

_P = ParamSpec("_P")
_T = TypeVar("_T")


def _call(
    verb: Callable[Concatenate[AsyncClient, _P], Coroutine[Any, Any, _T]],
) -> Callable[Concatenate["Client", _P], _T]:
    """Make a verb wait for its result."""

    def waiting(self: "Client", /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        return self._run(verb(self._client, *args, **kwargs))

    update_wrapper(waiting, verb)
    return waiting


def _iterate(
    verb: Callable[Concatenate[AsyncClient, _P], AsyncIterator[_T]],
) -> Callable[Concatenate["Client", _P], Iterator[_T]]:
    """Make a verb that yields wait for each item."""

    def waiting(self: "Client", /, *args: _P.args, **kwargs: _P.kwargs) -> Iterator[_T]:
        items = verb(self._client, *args, **kwargs)
        try:
            while True:
                yield self._run(_next(items))
        except StopAsyncIteration:
            return
        finally:
            if (close := getattr(items, "aclose", None)) is not None:
                self._run(close())

    update_wrapper(waiting, verb)
    return waiting


def _enter(
    verb: Callable[Concatenate[AsyncClient, _P], AbstractAsyncContextManager[_T, bool | None]],
) -> Callable[Concatenate["Client", _P], AbstractContextManager[_T, bool | None]]:
    """Make a verb that is an `async with` block a `with` block."""

    @contextmanager
    def waiting(self: "Client", /, *args: _P.args, **kwargs: _P.kwargs) -> Iterator[_T]:
        block = verb(self._client, *args, **kwargs)
        value = self._run(block.__aenter__())
        try:
            yield value
        finally:
            self._run(block.__aexit__(None, None, None))

    update_wrapper(waiting, verb)
    return waiting


async def _next(items: AsyncIterator[_T]) -> _T:
    return await anext(items)


class Client:
    """`AsyncClient` with an event loop of its own in a thread; use it in a `with` block.

    Every verb has the arguments, results and errors of the asynchronous one.
    """

    def __init__(self, config: ClientConfig, ask_password: Callable[[], str] | None = None) -> None:
        """See `AsyncClient`."""
        self._client = AsyncClient(config, ask_password)

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proofmesh-client")
        self._thread.start()
        try:
            self._run(self._client.__aenter__())
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._run(self._client.__aexit__(kind, error, trace))
        finally:
            self._stop()

    quote = _call(AsyncClient.quote)
    submit = _call(AsyncClient.submit)
    unfinished = _call(AsyncClient.unfinished)
    retry = _call(AsyncClient.retry)
    list_jobs = _call(AsyncClient.list_jobs)
    show = _call(AsyncClient.show)
    view = _call(AsyncClient.view)
    follow = _iterate(AsyncClient.follow)
    wait = _call(AsyncClient.wait)
    market = _call(AsyncClient.market)
    fetch = _call(AsyncClient.fetch)
    outputs = _iterate(AsyncClient.outputs)
    demand = _call(AsyncClient.demand)
    logs = _call(AsyncClient.logs)
    verify = _iterate(AsyncClient.verify)
    receipts = _call(AsyncClient.receipts)
    publish = _call(AsyncClient.publish)
    serving = _enter(AsyncClient.serving)
    cancel = _call(AsyncClient.cancel)
    accept = _call(AsyncClient.accept)
    raise_price = _call(AsyncClient.raise_price)
    settle = _call(AsyncClient.settle)
    credit = _call(AsyncClient.credit)
    withdraw = _call(AsyncClient.withdraw)

    def _run(self, work: Coroutine[Any, Any, _T]) -> _T:
        future: Future[_T] = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # Ctrl-C here must also end the work there
            raise

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
