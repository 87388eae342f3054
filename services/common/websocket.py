"""A WebSocket on the connection of a WSGI request (RFC 6455), with wsproto, which does no I/O, for the protocol.

The server must give its socket to the application, as gunicorn does. Only `receive` reads from it: TCP slows down a
sender that is too fast, and memory does not fill. Messages are not compressed: sound hardly shrinks.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from collections.abc import Mapping
from typing import Any

from flask import Response
from h11 import ProtocolError as HttpError
from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.events import AcceptConnection, BytesMessage, CloseConnection, Event, Ping, TextMessage
from wsproto.utilities import ProtocolError

from huiyin.services.common.errors import ApiError

# Close codes (RFC 6455, 7.4.1).
NORMAL = 1000
REFUSED = 1008  # policy violation
TOO_BIG = 1009
OUR_FAULT = 1011  # internal error

_HEADERS = {  # of the handshake: no subprotocols, no extensions
    "HTTP_HOST": "Host",
    "HTTP_UPGRADE": "Upgrade",
    "HTTP_CONNECTION": "Connection",
    "HTTP_SEC_WEBSOCKET_KEY": "Sec-WebSocket-Key",
    "HTTP_SEC_WEBSOCKET_VERSION": "Sec-WebSocket-Version",
}
_READ = 2**16  # bytes
_SEND_LIMIT_S = 10.0  # a client that reads nothing for so long is disconnected
_LINGER_S = 2.0  # when a socket closes with unread bytes, the system discards what was just sent


class Gone(Exception):
    """The client has left, or broken the protocol."""


class TooBig(Exception):
    """A message is longer than allowed."""


def refuse_others(environ: Mapping[str, Any]) -> None:
    """Raise ApiError for a request that cannot become a WebSocket: 501 for the server's lack, 426 for a plain GET."""
    if not isinstance(environ.get("gunicorn.socket"), socket.socket):
        raise ApiError(501, "services.no_websocket")
    if environ.get("HTTP_UPGRADE", "").lower() != "websocket":
        raise ApiError(426, "services.not_a_websocket")


class WebSocket:
    """An accepted WebSocket. `send` may be called from any thread, the rest from one.

    `max_message_bytes` limits an incoming message. Raises ApiError 400 for a wrong handshake.
    """

    def __init__(self, environ: Mapping[str, Any], max_message_bytes: int) -> None:
        self._socket: socket.socket = environ["gunicorn.socket"]
        self._limit = max_message_bytes
        self._protocol = WSConnection(ConnectionType.SERVER)
        self._message = bytearray()
        self._closing = False
        self._lock = threading.Lock()
        headers = [(name.encode(), environ.get(key, "").encode("latin-1")) for key, name in _HEADERS.items()]
        try:
            self._protocol.initiate_upgrade_connection(headers, "/")
            list(self._protocol.events())
            greeting = self._protocol.send(AcceptConnection())
        except (ProtocolError, HttpError) as error:
            raise ApiError(400, "services.bad_handshake", why=error) from error
        self._socket.settimeout(_SEND_LIMIT_S)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._socket, selectors.EVENT_READ)
        with contextlib.suppress(OSError):  # a client that has left is noticed at the first `receive`
            self._socket.sendall(greeting)

    def send(self, text: str) -> None:
        """Send a text message. Raises Gone."""
        self._put(TextMessage(text))

    def receive(self, timeout_s: float) -> str | bytes | None:
        """The next message; None: none was complete within `timeout_s`. Raises Gone or TooBig."""
        deadline = time.monotonic() + timeout_s
        while True:
            for event in self._protocol.events():
                message = self._take(event)
                if message is not None:
                    return message
            if not self._selector.select(max(0.0, deadline - time.monotonic())):
                return None
            try:
                data = self._socket.recv(_READ)
            except OSError as error:
                raise Gone from error
            if not data:
                raise Gone
            self._protocol.receive_data(data)

    def close(self, code: int = NORMAL) -> None:
        """Close it, after a moment for the client to read what was sent before."""
        self._closing = True
        with contextlib.suppress(Gone):
            self._put(CloseConnection(code))
            deadline = time.monotonic() + _LINGER_S
            while time.monotonic() < deadline:
                self.receive(deadline - time.monotonic())
        self._selector.close()

    def _take(self, event: Event) -> str | bytes | None:
        """The message that this event completes, if it does."""
        if isinstance(event, Ping):
            self._put(event.response())
        elif isinstance(event, CloseConnection):
            if self._protocol.state is ConnectionState.REMOTE_CLOSING:
                self._put(event.response())
            raise Gone
        elif isinstance(event, (BytesMessage, TextMessage)) and not self._closing:
            self._message += event.data if isinstance(event, BytesMessage) else event.data.encode()
            if len(self._message) > self._limit:
                raise TooBig
            if event.message_finished:
                whole = bytes(self._message)
                self._message.clear()
                return whole if isinstance(event, BytesMessage) else whole.decode()
        return None

    def _put(self, event: Event) -> None:
        try:
            with self._lock:
                self._socket.sendall(self._protocol.send(event))
        except (OSError, ProtocolError) as error:
            raise Gone from error


class Handled(Response):
    """What a view returns after its WebSocket: there is no other answer."""

    def __init__(self) -> None:
        super().__init__(status=101)

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """End the connection, as gunicorn expects."""
        raise StopIteration
