"""One client's connection, with deadlines: for its headers, for its bodies, and for taking what it is sent.

aiohttp parses HTTP and calls the application; this adds the deadlines, which it leaves out, and errors as JSON.
"""

from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import cast

from aiohttp import HttpVersion11, StreamReader, web

from huiyin.services.common.errors import ApiError, of_status

log = logging.getLogger(__name__)

KEEP_ALIVE_S = 120.0
"""A conversation reuses its connections between turns; its client gives them up before."""
HEADER_LIMIT_S = 5.0
"""From the first byte of a request, or from the connection, to the end of the request's header."""
BODY_LIMIT_S = 5.0
"""Without any progress of a request's body, while it is read."""
SEND_LIMIT_S = 30.0
"""A client that takes nothing of what waits for it for so long is disconnected."""
NO_PLACE_RETRY_S = 5.0
"""After a refusal because there are too many connections."""
LINE_BYTES = 2**15
"""Of an address: prompt and hotwords may stand there, nine bytes a Chinese character."""
_FIELD_BYTES = 8190  # of a header

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
"""Not an answer: the client may send its body, or go on waiting."""

_LOOK_S = 0.05  # how often a client that sends no more is looked at
_JSON = partial(json.dumps, ensure_ascii=False)


@dataclass
class Places:
    """How many connections a server has, and may have: each is an open file, and a process has only so many."""

    most: int
    taken: int = 0


class Connection(web.RequestHandler):
    """One connection. The application tells by `begin` and `end` when a request is in hand."""

    def __init__(
        self,
        server: web.Server,
        loop: asyncio.AbstractEventLoop,
        places: Places,
        is_stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__(
            server,
            loop=loop,
            keepalive_timeout=KEEP_ALIVE_S,
            max_line_size=LINE_BYTES,
            max_field_size=_FIELD_BYTES,
            auto_decompress=False,  # the application sees what was sent
            access_log=None,  # type: ignore[arg-type]
        )
        self._places = places
        self._is_stopping = is_stopping
        self.gone: asyncio.Future[None] = loop.create_future()
        """Done when the client has left."""
        self.route = ""
        """As what the request in hand is counted in the metrics; '': it is not."""
        self.request_id = ""
        """The name of the request in hand, or of the one before."""
        self.stalled = False
        """Whether the body of the request in hand did not come in time."""
        self._body: StreamReader | None = None  # of the request in hand
        self._request: web.BaseRequest | None = None  # in hand
        self._sends_no_more = self._was_probed = False
        self._heard_s = 0.0  # the loop's time when the last of the body came, or was read
        self._header_timer: asyncio.TimerHandle | None = None
        self._body_timer: asyncio.TimerHandle | None = None
        self._send_timer: asyncio.TimerHandle | None = None
        self._look_timer: asyncio.TimerHandle | None = None

    def begin(self, request: web.BaseRequest) -> None:
        """A whole header has come, and its request is being answered. Reading its body may raise ApiError 408."""
        self._request = request
        _cancel(self._header_timer)
        self._header_timer = None
        if not request.content.is_eof():
            self._body = request.content
            self._heard_s = self._loop.time()
            self._watch_body()
        if self._sends_no_more:
            self._look_at_client()

    def end(self) -> None:
        """The request has been answered."""
        self._request = None
        self._body = None
        _cancel(self._body_timer)
        _cancel(self._look_timer)
        if self._sends_no_more and not self._messages:
            self.close()

    def close(self) -> None:
        """Close it after the request in hand; at once if idle.

        aiohttp would wait for a request that it no longer reads, where the connection has only just been made.
        """
        super().close()
        if self._request is None and not self._messages:
            self.force_close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Starts the first header's time; answers 503 at once where there are too many connections."""
        self._places.taken += 1
        if self._is_stopping():  # accepted just before: aiohttp would neither read from it nor close it
            cast(asyncio.Transport, transport).abort()
            return
        if self._places.taken > self._places.most:
            cast(asyncio.Transport, transport).write(_no_place(self._places.most))
            transport.close()
            return
        self._header_timer = self._loop.call_later(HEADER_LIMIT_S, self.force_close)
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """The first byte after an answer starts the next header's time."""
        if self._body is not None:
            self._heard_s = self._loop.time()
        elif self._request is None and self._header_timer is None:
            self._header_timer = self._loop.call_later(HEADER_LIMIT_S, self.force_close)
        super().data_received(data)

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client sends no more: it has left, or has closed its own side and still wants its answer.

        True: the transport stays open, until `_look_at_client` knows which."""
        transport = self.transport
        is_idle = self._waiter is not None and not self._waiter.done() and not self._messages
        is_in_half = transport is not None and transport.get_extra_info("sslcontext") is None and not self._upgraded
        if is_idle or not is_in_half:
            return False
        self._sends_no_more = True
        self._look_at_client()
        return True

    def _look_at_client(self) -> None:
        """Disconnect a client that has left: its system refuses what it is sent.

        So it is sent something that is no answer (RFC 9110, 15.2.1), which one that has not left passes over.
        """
        request, transport = self._request, self.transport
        if request is None or transport is None:
            return
        if not self._was_probed:
            if request.version < HttpVersion11 or request.writer.output_size > 0 or not request.content.is_eof():
                transport.abort()
                return
            transport.write(CONTINUE)
            self._was_probed = True
        if transport.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            transport.abort()
        else:
            self._look_timer = self._loop.call_later(_LOOK_S, self._look_at_client)

    def resume_reading(self, *arguments: bool, **named: bool) -> None:
        """The application has caught up with a client that was faster."""
        self._heard_s = self._loop.time()
        super().resume_reading(*arguments, **named)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Ends all waiting."""
        self._places.taken -= 1
        for timer in (self._header_timer, self._body_timer, self._send_timer, self._look_timer):
            _cancel(timer)
        super().connection_lost(exc)
        if not self.gone.done():
            self.gone.set_result(None)

    def pause_writing(self) -> None:
        """The client is slower than what it is sent."""
        super().pause_writing()
        assert self.transport is not None
        self._watch_sending(self.transport, self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """It has taken nearly all."""
        super().resume_writing()
        _cancel(self._send_timer)

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """The answer to what is not HTTP. Raises ConnectionError where an answer has begun: the connection closes."""
        if request.writer.output_size > 0 or isinstance(exc, ConnectionError):
            raise ConnectionError("the answer broke off") from exc
        if status < 500:
            error = of_status(status, (message or "not an HTTP request").strip())
        else:
            log.error("unexpected error", exc_info=exc)
            error = ApiError(status, "services.internal_error")
        answer = as_response(error)
        answer.force_close()
        return answer

    def _watch_body(self) -> None:
        body = self._body
        if body is None or body.is_eof():
            return
        if self._reading_paused:  # it is the application that is slow
            self._heard_s = self._loop.time()
        wait_s = self._heard_s + BODY_LIMIT_S - self._loop.time()
        if wait_s > 0:
            self._body_timer = self._loop.call_later(wait_s, self._watch_body)
        else:
            self.stalled = True
            body.set_exception(ApiError(408, "services.body_stalled", limit_s=BODY_LIMIT_S))

    def _watch_sending(self, transport: asyncio.Transport, size: int) -> None:
        """Disconnect the client unless less than `size` bytes are waiting for it after the limit."""

        def check() -> None:
            now = transport.get_write_buffer_size()
            if now >= size:
                transport.abort()
            else:
                self._watch_sending(transport, now)

        self._send_timer = self._loop.call_later(SEND_LIMIT_S, check)


def connection_of(request: web.BaseRequest) -> Connection:
    """The connection by which `request` came."""
    connection = request.protocol
    assert isinstance(connection, Connection)
    return connection


def _no_place(most: int) -> bytes:
    """A whole answer, for a client that has not asked yet."""
    error = ApiError(503, "services.too_many_connections", most=most, retry_after_s=NO_PLACE_RETRY_S)
    body = _JSON(error.body()).encode()
    headers = {"Content-Type": "application/json", "Content-Length": len(body), "Connection": "close"}
    lines = [f"{name}: {value}\r\n" for name, value in {**headers, **error.headers()}.items()]
    return "".join(["HTTP/1.1 503 Service Unavailable\r\n", *lines, "\r\n"]).encode() + body


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()


def as_response(error: ApiError) -> web.Response:
    """An error as JSON."""
    return web.json_response(error.body(), status=error.status, headers=error.headers(), dumps=_JSON)
