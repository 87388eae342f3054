"""What a program adds to its Flask app for the server: routes that wait without a thread, and who may use them.

A Flask view occupies a thread until its answer is sent. A WebSocket, or an answer passed on from another server, waits
most of its time: such a route is a coroutine on the server's event loop instead, and never blocks it. It comes before
Flask's routes, behind the same checks.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import Executor
from contextvars import copy_context
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar
from weakref import WeakSet

from aiohttp import web
from flask import Flask

from huiyin.services.common.connection import connection_of
from huiyin.services.common.errors import ADDRESSES, ApiError

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Guard = Callable[[web.BaseRequest], None]
Cleanup = Callable[[], Awaitable[None]]

THREADS = web.AppKey("threads", Executor)
"""Where the server's threads lie in the application."""

SOCKETS = web.AppKey("sockets", WeakSet[web.WebSocketResponse])
"""Where its WebSockets are, as long as they are open."""

WEBSOCKET_LINGER_S = 2.0
"""For a client to answer the close of a WebSocket."""

# It would write a subprotocol that the server does not know into the log, and a key may be one.
logging.getLogger("aiohttp.websocket").setLevel(logging.ERROR)

_KEY = "huiyin.server"
T = TypeVar("T")


@dataclass(frozen=True)
class Route:
    """A route on the event loop."""

    method: str
    path: str  # as aiohttp writes it: /sessions/{name}
    handler: Handler


@dataclass
class Additions:
    """Everything that was added to one app."""

    routes: list[Route] = field(default_factory=list)
    guard: Guard | None = None
    pages: set[str] = field(default_factory=set)
    cleanups: list[Cleanup] = field(default_factory=list)
    count: Callable[[str, int, float | None], None] = lambda route, status, seconds: None
    """Counts an answer in the app's metrics: its route, status, and seconds to its first byte where they mean much."""


def additions(app: Flask) -> Additions:
    """What was added to `app`."""
    added: Additions = app.extensions.setdefault(_KEY, Additions())
    return added


def add_route(app: Flask, method: str, path: str, handler: Handler) -> None:
    """Answer `method` at `path` (aiohttp's syntax) by a coroutine function. An ApiError it raises is sent as JSON."""
    assert inspect.iscoroutinefunction(handler), "a coroutine function"
    additions(app).routes.append(Route(method, path, handler))
    app.extensions.setdefault(ADDRESSES, []).append(path)


def set_guard(app: Flask, guard: Guard) -> None:
    """Let `guard` check each request, Flask's too, instead of the key. It raises ApiError 401 or 403."""
    additions(app).guard = guard


def add_pages(app: Flask, *paths: str) -> None:
    """Any site's links may lead to the pages at `paths`, and to no other address."""
    additions(app).pages.update(paths)


def on_shutdown(app: Flask, cleanup: Cleanup) -> None:
    """Await `cleanup` when the server stops: no request is accepted any more, and those in hand have not ended.

    Afterwards the WebSockets that are still open are closed.
    """
    additions(app).cleanups.append(cleanup)


async def in_thread(request: web.Request, function: Callable[..., T], *arguments: Any) -> T:
    """What `function` returns, called in one of the server's threads."""
    call = partial(copy_context().run, function, *arguments)
    return await asyncio.get_running_loop().run_in_executor(request.app[THREADS], call)


async def while_connected(request: web.BaseRequest, work: Awaitable[T]) -> T:
    """The result of `work`; it is cancelled when the client leaves, and ConnectionResetError raised."""
    connection = connection_of(request)
    task = asyncio.ensure_future(work)
    either: set[asyncio.Future[Any]] = {task, connection.gone}
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise ConnectionResetError
        return task.result()
    finally:
        task.cancel()


async def first_of(*parts: Coroutine[Any, Any, None]) -> None:
    """Run all until one has ended, and cancel the others; raises its error."""
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


async def open_websocket(
    request: web.Request, *, max_message_bytes: int, protocols: Iterable[str] = (), ping_s: float | None = None
) -> web.WebSocketResponse:
    """The WebSocket that `request` asks for, opened. Messages are not compressed: sound hardly shrinks.

    Of `protocols` the client's first is chosen. A longer message than `max_message_bytes` closes it (code 1009), and
    the end of the server does (code 1001), and so does a client that leaves a ping unanswered for half of `ping_s`
    (None: none is sent). Raises what `check_websocket` raises.
    """
    check_websocket(request, protocols)
    socket = web.WebSocketResponse(
        protocols=tuple(protocols), max_msg_size=max_message_bytes + 1, compress=False, timeout=WEBSOCKET_LINGER_S,
        heartbeat=ping_s,
    )  # fmt: skip
    await socket.prepare(request)
    request.app[SOCKETS].add(socket)
    return socket


def check_websocket(request: web.Request, protocols: Iterable[str] = ()) -> None:
    """Raise ApiError 426 for a plain request, 400 for a handshake that is wrong."""
    if request.headers.get("Upgrade", "").strip().lower() != "websocket":
        raise ApiError(426, "services.not_a_websocket")
    if not web.WebSocketResponse(protocols=tuple(protocols)).can_prepare(request):
        raise ApiError(400, "services.bad_handshake")
