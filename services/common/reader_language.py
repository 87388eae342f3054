"""In which language the one who reads a request's answer wants the words of errors: its header Accept-Language, or
`lang` in the address: a page cannot set the headers of a WebSocket.

What programs read stays as it is, whatever the language: codes, field names. What runs for a request finds the language
here, as it finds the request's name (`request_id`).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar

from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from huiyin.configs import messages

HEADER = "Accept-Language"
FIELD = "lang"
"""Of the address."""

_LANGUAGES = ("en", "zh")  # the first where either will do
_current: ContextVar[str] = ContextVar("reader_language", default="en")


def begin(headers: Mapping[str, str], query: Mapping[str, str] | None = None) -> None:
    """From here on this context works for a request with these headers, and these fields in its address."""
    asked = (query or {}).get(FIELD) or headers.get(HEADER, "")
    best = parse_accept_header(asked, LanguageAccept).best_match(_LANGUAGES, "en") if asked else "en"
    _current.set(best or "en")


def current() -> str:
    """'zh' or 'en'."""
    return _current.get()


def in_readers_words(key: str, /, **facts: object) -> str:
    """A sentence of `configs/messages` for them."""
    return messages.text(key, facts, current())
