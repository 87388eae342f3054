"""Whether the client of a request is still connected.

A WSGI server notices a client that left only when it writes; until then the work would go on in vain. gunicorn gives
the application its socket, waitress a function to call.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from typing import Any


class ClientLeft(Exception):
    """The client of the request has closed its connection."""


def client_left(environ: Mapping[str, Any]) -> Callable[[], bool]:
    """A function that returns, in microseconds, whether the client of this WSGI request has closed its connection.

    Always False under other servers than gunicorn, waitress and werkzeug's.
    """
    disconnected = environ.get("waitress.client_disconnected")
    if callable(disconnected):
        return lambda: bool(disconnected())
    sock = environ.get("gunicorn.socket") or environ.get("werkzeug.socket")
    if isinstance(sock, socket.socket) and hasattr(socket, "MSG_DONTWAIT"):
        return lambda: _is_closed(sock)
    return lambda: False


def _is_closed(sock: socket.socket) -> bool:
    try:
        # Nothing to read: still connected. Something: its next request. The end of the stream: it has left.
        return not sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
