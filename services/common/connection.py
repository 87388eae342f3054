"""One client's connection, with deadlines: for its headers, and for taking what it is sent.

aiohttp parses HTTP and calls the application; this adds what it leaves out. The deadline for bodies is where they are
read (`wsgi.py`).
"""

from __future__ import annotations

import asyncio
import json
import logging
from functools import partial

from aiohttp import web

from huiyin.services.common.errors import ApiError, of_status

log = logging.getLogger(__name__)

KEEP_ALIVE_S = 120.0
"""A conversation reuses its connections between turns; its client gives them up before."""
HEADER_LIMIT_S = 5.0
"""From the first byte of a request, or from the connection, to the end of the request's header."""
SEND_LIMIT_S = 30.0
"""A client that takes nothing of what waits for it for so long is disconnected."""
LINE_BYTES = 8190
"""Of an address: a live stream has its hotwords there, nine bytes a Chinese character."""

_JSON = partial(json.dumps, ensure_ascii=False)


class Connection(web.RequestHandler):
    """One connection. `begin` and `end` say when a request is in hand; between requests, deadlines run."""

    def __init__(self, server: web.Server, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            server,
            loop=loop,
            keepalive_timeout=KEEP_ALIVE_S,
            max_line_size=LINE_BYTES,
            max_field_size=LINE_BYTES,
            auto_decompress=False,  # the application sees what was sent
            access_log=None,  # type: ignore[arg-type]
        )
        self.gone: asyncio.Future[None] = loop.create_future()
        """Done when the client has left."""
        self.route = ""
        """As what the request in hand is counted in the metrics; '': it is not."""
        self._in_hand = False
        self._header_timer: asyncio.TimerHandle | None = None
        self._send_timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """A whole header has come, and its request is being answered."""
        self._in_hand = True
        self._cancel_header_timer()

    def end(self) -> None:
        """The request has been answered."""
        self._in_hand = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Starts the first header's time."""
        self._header_timer = self._loop.call_later(HEADER_LIMIT_S, self.force_close)
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """The first byte after an answer starts the next header's time."""
        if not self._in_hand and self._header_timer is None:
            self._header_timer = self._loop.call_later(HEADER_LIMIT_S, self.force_close)
        super().data_received(data)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Ends all waiting."""
        self._cancel_header_timer()
        self._cancel_send_timer()
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
        self._cancel_send_timer()

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

    def _watch_sending(self, transport: asyncio.Transport, size: int) -> None:
        """Disconnect the client unless less than `size` bytes are waiting for it after the limit."""

        def check() -> None:
            now = transport.get_write_buffer_size()
            if now >= size:
                transport.abort()
            else:
                self._watch_sending(transport, now)

        self._send_timer = self._loop.call_later(SEND_LIMIT_S, check)

    def _cancel_header_timer(self) -> None:
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _cancel_send_timer(self) -> None:
        if self._send_timer is not None:
            self._send_timer.cancel()
            self._send_timer = None


def as_response(error: ApiError) -> web.Response:
    """An error as JSON."""
    return web.json_response(error.body(), status=error.status, headers=error.headers(), dumps=_JSON)
