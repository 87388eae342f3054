"""The name of a request: it stands in each line of the log and in the answer, and goes from service to service.

A client names its request by the header X-Request-Id; an invalid name, or one that could harm a log, is replaced. What
runs for a request, also in a thread, finds its name here (`contextvars`).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from contextvars import ContextVar

HEADER = "X-Request-Id"

_NAME = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_BYTES = 8  # of a name made here: no two requests of a log have the same

_current: ContextVar[str] = ContextVar("request_id", default="")


def begin(headers: Mapping[str, str]) -> str:
    """The name of the request with these headers, from here on that of this context."""
    given = headers.get(HEADER, "")
    name = given if _NAME.fullmatch(given) else secrets.token_hex(_BYTES)
    _current.set(name)
    return name


def current() -> str:
    """The name of the request that this context works for; '' for none."""
    return _current.get()
