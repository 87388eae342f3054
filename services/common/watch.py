"""Whether the client of a request is still there.

A WSGI server notices a client that left only when it writes to it; work done before the first byte, or between two
bytes, would go on for nobody. gunicorn hands its socket to the application and waitress a question to ask.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from typing import Any


class ClientLeft(Exception):
    """Nobody waits for the answer any more."""


def client_left(environ: Mapping[str, Any]) -> Callable[[], bool]:
    """A question that costs microseconds: has the client of this WSGI request closed its connection?

    False for ever under a server that offers no way to tell.
    """
    asked = environ.get("waitress.client_disconnected")
    if callable(asked):
        return lambda: bool(asked())
    sock = environ.get("gunicorn.socket") or environ.get("werkzeug.socket")
    if isinstance(sock, socket.socket) and hasattr(socket, "MSG_DONTWAIT"):
        return lambda: _is_closed(sock)
    return lambda: False


def _is_closed(sock: socket.socket) -> bool:
    try:
        # Nothing to read: still there. Something to read: its next request, already sent. The end: it left.
        return not sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
