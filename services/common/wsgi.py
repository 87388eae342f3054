"""The bridge from the server's event loop to a Flask app (WSGI) in threads.

A request gets a thread only when its whole body is here: in memory, or in a temporary file. The answer goes back piece
by piece, and its thread waits while the client is slower; when the client has left, the app's generator is closed.
"""

from __future__ import annotations

import asyncio
import io
import logging
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from contextvars import copy_context
from functools import partial
from http import HTTPStatus
from typing import IO, Any
from urllib.parse import unquote_to_bytes

from aiohttp import web
from aiohttp.web_protocol import RequestPayloadError
from multidict import CIMultiDict

from huiyin.services.common import no_store
from huiyin.services.common.connection import CONTINUE, connection_of
from huiyin.services.common.errors import ApiError, of_status, of_system
from huiyin.services.common.watch import CLIENT_LEFT, ClientLeft

log = logging.getLogger(__name__)

IN_MEMORY_BYTES = 2**20
"""Of a body; a longer one goes to a temporary file."""
AHEAD_BYTES = 2**18
"""Of an answer that may wait for its client; then its thread waits."""

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "upgrade"}  # the server's affair, not the app's
_JOINED_BY = {"Cookie": "; "}

WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Bridge:
    """Answers requests by a WSGI app in the threads of a pool. Bodies have at most `max_body_bytes`; None: any size."""

    def __init__(self, app: WsgiApp, threads: Executor, max_body_bytes: int | None) -> None:
        self._app, self._threads, self._max_body_bytes = app, threads, max_body_bytes

    async def respond(self, request: web.Request) -> web.StreamResponse:
        """The app's answer, sent. Raises ApiError 400, 408, 413, 503, 507 for a body, ConnectionError at a break."""
        body, size = await self._read(request)
        exchange = _Exchange(asyncio.get_running_loop())
        connection = connection_of(request)
        connection.gone.add_done_callback(exchange.stop)
        call = partial(exchange.call, self._app, _environ(request, body, size), body)
        try:
            return await exchange.send(request, self._threads, call)
        finally:
            connection.gone.remove_done_callback(exchange.stop)
            exchange.stop()

    async def _read(self, request: web.Request) -> tuple[IO[bytes], int]:
        """The whole body, at its beginning, and its length."""
        if not request.can_read_body:
            return io.BytesIO(), 0
        self._check_size(request.content_length or 0)
        if request.headers.get("Expect", "").lower() == "100-continue":
            await request.writer.write(CONTINUE)
            request.writer.output_size = 0  # that was not the answer
        in_memory = no_store.in_memory_bytes(request.headers.get("Cache-Control"), IN_MEMORY_BYTES)
        body: IO[bytes] = tempfile.SpooledTemporaryFile(in_memory)  # noqa: SIM115 -- closed with the request
        size = 0
        try:
            while piece := await _piece(request):
                size += len(piece)
                self._check_size(size)
                await _keep(body, piece, in_file=size > in_memory)
        except BaseException:
            body.close()
            raise
        body.seek(0)
        return body, size

    def _check_size(self, size: int) -> None:
        if self._max_body_bytes is not None and size > self._max_body_bytes:
            raise ApiError(413, "services.body_too_large", code="too_large", most_mb=self._max_body_bytes / 2**20)


async def _keep(body: IO[bytes], piece: bytes, *, in_file: bool) -> None:
    """Write a piece of a body. Raises ApiError 503 or 507 where the machine has no place for it."""
    if not in_file:
        body.write(piece)
        return
    try:
        # Not in one of the server's threads: those may all be busy with requests.
        await asyncio.to_thread(body.write, piece)
    except OSError as error:
        why = error.strerror or error
        raise of_system(error) or ApiError(507, "services.no_temporary_files", why=why) from error


async def _piece(request: web.Request) -> bytes:
    """What has come of the body, b"" at its end. Raises ApiError 408 and 400."""
    try:
        return await request.content.readany()
    except RequestPayloadError as error:
        raise of_status(400, f"the body is not what its headers say: {error}") from None


class _Exchange:
    """One request to the app. Its thread puts pieces of the answer here, the event loop takes them."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._news = asyncio.Event()  # for the loop: pieces, the end, or the client has left
        self._room = threading.Condition()  # for the thread
        self._pieces: deque[bytes] = deque()
        self._size = 0  # bytes in `_pieces`
        self._stopped = False
        self._head: tuple[str, list[tuple[str, str]]] | None = None
        self._whole = False  # the answer is short and its length is known: it is sent at its end, all at once

    # In the thread.

    def call(self, app: WsgiApp, environ: dict[str, Any], body: IO[bytes]) -> None:
        """Let the app answer, and put its pieces; ends early when it is stopped."""
        try:
            if self._stopped:
                return
            answer = app(environ, self._start_response)
            try:
                for piece in answer:
                    self._put(piece)
            finally:
                close = getattr(answer, "close", None)
                if close is not None:
                    close()
        except ClientLeft:
            pass
        finally:
            body.close()

    def _start_response(
        self, status: str, headers: list[tuple[str, str]], exc_info: object = None
    ) -> Callable[[bytes], None]:
        self._head = status, headers
        lengths = [int(value) for name, value in headers if name.lower() == "content-length"]
        self._whole = bool(lengths) and max(lengths) < AHEAD_BYTES
        return self._put

    def _put(self, piece: bytes) -> None:
        """Raises ClientLeft."""
        if not piece:
            return
        with self._room:
            self._room.wait_for(lambda: self._size < AHEAD_BYTES or self._stopped)
            if self._stopped:
                raise ClientLeft
            self._pieces.append(piece)
            self._size += len(piece)
            first = len(self._pieces) == 1
        if first and not self._whole:
            try:
                self._loop.call_soon_threadsafe(self._news.set)
            except RuntimeError:  # the loop is closed
                raise ClientLeft from None

    # On the loop.

    def stop(self, _: object = None) -> None:
        """The rest is not needed."""
        with self._room:
            self._stopped = True
            self._room.notify_all()
        self._news.set()

    async def send(self, request: web.Request, threads: Executor, call: Callable[[], None]) -> web.StreamResponse:
        """Run `call` in a thread and send what it puts. Raises ConnectionError where the answer breaks off."""
        work = self._loop.run_in_executor(threads, copy_context().run, call)
        work.add_done_callback(lambda _: self._news.set())
        response: web.StreamResponse | None = None
        ended = False
        try:
            while not ended:
                await self._news.wait()
                self._news.clear()
                if self._stopped:
                    raise ConnectionResetError("the client has left")
                ended = work.done()  # before the last pieces are taken
                data = self._take()
                if response is None:
                    if not data:
                        if not ended:
                            continue
                        work.result()  # its error can still be the answer
                    response = self._begin()
                    await response.prepare(request)
                if data:
                    await response.write(data)
            work.result()
            assert response is not None
            if request.writer.length and not _has_no_body(request, response):
                raise ConnectionError("the answer is shorter than its Content-Length")
            await response.write_eof()
            return response
        except Exception as error:
            if response is None or isinstance(error, ConnectionError):
                raise
            log.error("an answer broke off", exc_info=error)
            raise ConnectionError("the answer broke off") from error
        finally:
            work.cancel()  # where it has not begun
            work.add_done_callback(_ignore)

    def _take(self) -> bytes:
        with self._room:
            data = b"".join(self._pieces)
            self._pieces.clear()
            self._size = 0
            self._room.notify_all()
        return data

    def _begin(self) -> web.StreamResponse:
        assert self._head is not None, "the app did not call start_response"
        status, headers = self._head
        code, _, reason = status.partition(" ")
        kept = CIMultiDict((name, value) for name, value in headers if name.lower() not in _HOP_BY_HOP)
        return web.StreamResponse(status=int(code), reason=reason or HTTPStatus(int(code)).phrase, headers=kept)


def _has_no_body(request: web.Request, response: web.StreamResponse) -> bool:
    return request.method == "HEAD" or response.status in (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)


def _ignore(work: asyncio.Future[None]) -> None:
    """Its error is not needed any more."""
    if not work.cancelled():
        work.exception()


def _environ(request: web.Request, body: IO[bytes], size: int) -> dict[str, Any]:
    """The WSGI environment (PEP 3333) of a request whose body is here."""
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the client has left")
    here, there = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
    path = request.rel_url.raw_path or "/"
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path.encode("utf-8", "surrogateescape")).decode("latin-1"),
        "QUERY_STRING": request.rel_url.raw_query_string.encode("utf-8", "surrogateescape").decode("latin-1"),
        "REQUEST_URI": request.raw_path.encode("utf-8", "surrogateescape").decode("latin-1"),
        "SERVER_NAME": here[0],
        "SERVER_PORT": str(here[1]),
        "SERVER_PROTOCOL": f"HTTP/{request.version.major}.{request.version.minor}",
        "REMOTE_ADDR": there[0] if there else "",
        "REMOTE_PORT": str(there[1]) if there else "",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": request.scheme,
        "wsgi.input": body,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        CLIENT_LEFT: partial(_has_left, request.protocol),
    }
    for name in {name.title() for name in request.headers}:
        if "_" in name or name in ("Content-Length", "Transfer-Encoding"):
            continue  # A-B and A_B would be one variable; the length is that of the body
        value = _JOINED_BY.get(name, ",").join(request.headers.getall(name))
        key = name.upper().replace("-", "_")
        environ[key if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value.encode("utf-8", "surrogateescape").decode(
            "latin-1"
        )
    if request.body_exists:
        environ["CONTENT_LENGTH"] = str(size)
    return environ


def _has_left(protocol: web.RequestHandler) -> bool:
    return protocol.transport is None
