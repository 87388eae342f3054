"""The items of one answer as they come: for a conversation in its event loop, and for a command that just waits."""

from __future__ import annotations

import asyncio
import atexit
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")

_idle: deque[asyncio.AbstractEventLoop] = deque()  # of callers without a loop; each keeps its connections


class Stream(Generic[T]):
    """What a call gives, item by item. Nothing is sent before it is iterated; each iteration is a call of its own.

    ``async for`` in an event loop: cancelling the task ends the call at once. Plain ``for`` where no loop runs in this
    thread: blocks the caller, starts no thread; breaking out of it ends the call at once. The time in which the caller
    does not wait for an item counts as silence of the service. Neither raises anything when it is cancelled.
    """

    def __init__(self, call: Callable[[], AsyncGenerator[T, None]]) -> None:
        """`call` makes a call and gives its items; closing what it returns ends the call."""
        self._call = call

    def __aiter__(self) -> AsyncGenerator[T, None]:
        return self._call()

    def __iter__(self) -> Iterator[T]:
        try:
            loop = _idle.pop()
        except IndexError:
            loop = asyncio.new_event_loop()
        items = self._call()
        try:
            while True:
                try:
                    item = loop.run_until_complete(_next(items))
                except StopAsyncIteration:
                    return
                yield item
        finally:
            loop.run_until_complete(_end(items))
            _idle.append(loop)

    def one(self) -> T:
        """The only item, waited for."""
        (item,) = self
        return item


async def _next(items: AsyncGenerator[T, None]) -> T:
    return await anext(items)


async def _end(items: AsyncGenerator[T, None]) -> None:
    """Close `items`, also where Ctrl-C has interrupted the wait for the next one."""
    if pending := asyncio.all_tasks() - {asyncio.current_task()}:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending)
    await items.aclose()


@atexit.register
def close_idle() -> None:
    """Close the connections that are kept for callers without a loop: a service that stops waits for them."""
    while _idle:
        loop = _idle.pop()
        loop.run_until_complete(loop.shutdown_asyncgens())  # closes the connections (`http.py`)
        loop.run_until_complete(loop.shutdown_default_executor())  # it has looked up names of hosts
        loop.close()
