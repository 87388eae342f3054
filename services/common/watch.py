"""Whether the client of a request is still connected.

A view in its thread notices a client that left only when it has something to send; until then the work would go on in
vain. The server (`wsgi.py`) gives it a function to ask.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

CLIENT_LEFT = "huiyin.client_left"
"""Where the function lies in the WSGI environment."""


class ClientLeft(Exception):
    """The client of the request has closed its connection."""


def client_left(environ: Mapping[str, Any]) -> Callable[[], bool]:
    """A function that returns at once whether the client of this WSGI request has closed its connection.

    Always False under other servers than `serve`.
    """
    left: Callable[[], bool] = environ.get(CLIENT_LEFT, lambda: False)
    return left
