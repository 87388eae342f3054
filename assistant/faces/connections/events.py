"""A session's events: the server's go out, each with an id; the client's come in, one at a time."""

from __future__ import annotations

import logging
import secrets
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Protocol

from huiyin.assistant.faces.connections.requests import ClientEvent, read
from huiyin.assistant.faces.connections.wire import ServerEvent, WireError

log = logging.getLogger(__name__)


class ErrorEvent(Protocol):
    """How a protocol says what is wrong. `event_id`: the client's event that caused it."""

    def __call__(self, error: WireError, event_id: str | None = None, *, kind: str = ...) -> ServerEvent: ...


class EventSession(ABC):
    """The part of a session that is the same in all protocols. All calls in the conversation's thread."""

    def __init__(self, send: Callable[[str], None], error_event: ErrorEvent) -> None:
        """`send` gets what goes out, as text."""
        self._send_text, self._error_event = send, error_event
        self._stem, self._sent = secrets.token_hex(6), 0

    def send(self, event: ServerEvent) -> None:
        """Send the client an event."""
        self._sent += 1
        self._send_text(event.message(f"event_{self._stem}{self._sent:06d}"))

    def receive(self, message: str | bytes) -> None:
        """What the client sends. Whatever is wrong with it, the session goes on."""
        event_id = None
        try:
            event = read(message, self.kinds)
            event_id = event.event_id
            self._handle(event)
        except WireError as error:
            self.send(self._error_event(error, event_id))
        except Exception:
            log.exception("a client's event could not be handled")
            self.send(self._error_event(WireError("services.internal_error"), event_id, kind="server_error"))

    def expire(self, why: WireError) -> None:
        """The session ends; the client gets the reason."""
        self.send(self._error_event(why))

    def close(self) -> None:
        """Nothing more is sent."""
        self._send_text = lambda text: None

    @property
    @abstractmethod
    def kinds(self) -> Iterable[type[ClientEvent]]:
        """The events that the client may send now."""

    @abstractmethod
    def _handle(self, event: ClientEvent) -> None:
        """Do what the client asks for. Raises WireError."""
