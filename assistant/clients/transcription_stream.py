"""Text while the user speaks: a stream to the speech service's ``WS /v1/stream`` (its docstring has the protocol)."""

from __future__ import annotations

import contextlib
import json
import selectors
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.utilities import ProtocolError

from huiyin.assistant.clients.http import ServiceError, in_its_words, refusal
from huiyin.assistant.clients.services import Services

_PATH = "/v1/stream"
_READ = 2**16  # bytes
_TICK_S = 1.0
_SILENCE_LIMIT_S = 120.0  # of the service, whose model may be busy with another caller's recording


class LiveTranscription:
    """One stream. `send` and `end` may be called from another thread than `events`, `close` from any, at any time."""

    def __init__(self, services: Services, options: Mapping[str, str | int]) -> None:
        """Open it; `options` are the query parameters. Raises ServiceError, with the service's own words."""
        self._lock = threading.Lock()
        self._protocol = WSConnection(ConnectionType.CLIENT)
        url = urlsplit(services.url("asr"))
        address = (url.hostname or "", url.port or 80)
        try:
            self._socket = socket.create_connection(address, timeout=_SILENCE_LIMIT_S)
        except OSError as error:
            raise ServiceError(
                "clients.live_not_running", service="asr", url=services.url("asr"), error=error
            ) from error
        headers = [(name.encode(), value.encode()) for name, value in services.headers("application/json").items()]
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._socket, selectors.EVENT_READ)
        self._waiting_since: float | None = time.monotonic()  # for an answer that must come; None: it need not
        try:
            self._put(Request(url.netloc, f"{_PATH}?{urlencode(options)}", extra_headers=headers))
            self._greet()
            self._waiting_since = None  # the service is silent as long as the user
        except BaseException:
            self._socket.close()
            raise

    def send(self, pcm: bytes) -> None:
        """More sound (16-bit little-endian mono). Raises ServiceError when the stream is closed."""
        self._put(BytesMessage(pcm))

    def end(self) -> None:
        """That was all. Raises ServiceError when the stream is closed."""
        self._put(TextMessage('{"type": "end"}'))
        self._waiting_since = time.monotonic()

    def events(self) -> Iterator[dict[str, Any]]:
        """The service's messages, up to and with ``done``.

        Raises ServiceError: an ``error`` of the service, in its own words; or the stream broke off.
        """
        text = ""
        for event in self._incoming():
            if isinstance(event, TextMessage):
                text += event.data
                if event.message_finished:
                    message = json.loads(text)
                    text = ""
                    if message["type"] == "error":
                        raise in_its_words("asr", message)
                    yield message
                    if message["type"] == "done":
                        return
            elif isinstance(event, Ping):
                self._put(event.response())
            elif isinstance(event, CloseConnection):
                break
        raise ServiceError("clients.live_broke_off")

    def close(self) -> None:
        """Close the stream. `events`, in another thread, then ends with ServiceError."""
        with contextlib.suppress(ServiceError):
            self._put(CloseConnection(1000))
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _greet(self) -> None:
        """Wait for the service's answer to the handshake."""
        status, body = 0, b""
        for event in self._incoming():
            if isinstance(event, AcceptConnection):
                return
            if isinstance(event, RejectConnection):
                status = event.status_code
            elif isinstance(event, RejectData):
                body += event.data
                if event.body_finished:
                    raise refusal("asr", status, body)
        raise ServiceError("clients.live_broke_off_at_start")

    def _incoming(self) -> Iterator[Event]:
        """Events as they come, until the connection ends."""
        while True:
            yield from self._protocol.events()
            try:
                while not self._selector.select(_TICK_S):
                    if self._waiting_since and time.monotonic() - self._waiting_since > _SILENCE_LIMIT_S:
                        raise ServiceError("clients.no_answer", service="asr", wait_s=_SILENCE_LIMIT_S)
                data = self._socket.recv(_READ)
                self._protocol.receive_data(data or None)
            except (OSError, ValueError, ProtocolError):  # ValueError: closed by another thread
                return
            if self._waiting_since:
                self._waiting_since = time.monotonic()
            if not data:
                yield from self._protocol.events()
                return

    def _put(self, event: Event) -> None:
        try:
            with self._lock:
                self._socket.sendall(self._protocol.send(event))
        except (OSError, ProtocolError) as error:
            raise ServiceError("clients.live_closed") from error
