"""What our programs log: no words of users, unless the setting ``service.log_words`` allows them.

A line has its time, the service, the level, and the name of the request that it was written for (`request_id.py`); as
text, or, by ``service.log_format``, as a JSON object.

Our own messages name what happened; what a user said, or another program quoted of it, is no part of them. Two things
may quote it nevertheless: errors, and what libraries log in detail. Of an error that a message is given, or that was
raised, only its kind is written; libraries log no more than their warnings.
"""

from __future__ import annotations

import copy
import json
import logging
import time
import traceback
from datetime import datetime, timezone
from types import TracebackType
from typing import Any, TextIO, TypeAlias

from huiyin.configs.errors import HuiyinError
from huiyin.configs.settings import ServiceSettings
from huiyin.services.common import request_id

_OURS = "huiyin"  # the logger above all of ours
_LINE = "%(asctime)s.%(msecs)03d %(levelname)s [%(request)s] %(message)s"
_TIME = "%Y-%m-%d %H:%M:%S"
_WHOSE = "who"  # the fact of an error that names an upstream
_Raised: TypeAlias = "tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]"


def install(settings: ServiceSettings, name: str, stream: TextIO | None = None) -> None:
    """Let this process log to `stream` (standard error) from now on, as the service `name`.

    A process that logs already goes on as it did.
    """
    level, words = settings.log_level.upper(), settings.log_words
    handler = logging.StreamHandler(stream)
    handler.setFormatter((JsonLines if settings.log_format == "json" else Lines)(name, words=words))
    logging.basicConfig(level=level if words else logging.WARNING, handlers=[handler])
    logging.getLogger(_OURS).setLevel(level)


def line(settings: ServiceSettings, name: str, words: str) -> str:
    """A line of a program's own output, where that and the log have one reader: as JSON, where the log is."""
    if settings.log_format != "json":
        return f"{name}: {words}"
    return json.dumps({"time": _iso(time.time()), "level": "INFO", "service": name, "message": words})


def is_routine(line: str) -> bool:
    """Whether a line of a log tells of nothing that is wrong."""
    return " INFO [" in line or '"level": "INFO"' in line


class Lines(logging.Formatter):
    """Writes lines of text; unless `words` are allowed, the kinds of errors, not their messages, and of those that
    were raised also where."""

    def __init__(self, service: str, *, words: bool = False) -> None:
        super().__init__(f"{service}: {_LINE}", _TIME)
        self.service, self._words = service, words

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        record.request = request_id.current() or "-"
        if self._words:
            return super().format(record)
        if isinstance(record.args, tuple) and any(isinstance(each, BaseException) for each in record.args):
            record = copy.copy(record)  # another handler may have other readers
            record.args = tuple(map(_kind, record.args or ()))
        return super().format(record)

    def formatException(self, ei: _Raised) -> str:
        """See `logging.Formatter`."""
        if self._words:
            return super().formatException(ei)
        error, parts = ei[1], list[str]()
        while error is not None:
            frames = traceback.format_tb(error.__traceback__)
            parts.insert(0, "".join(["Traceback (most recent call last):\n", *frames, str(_kind(error))]))
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return "\n\n".join(parts)


class JsonLines(Lines):
    """Writes a JSON object a line."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        return record.message

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        message, _, trace = super().format(record).partition("\nTraceback ")
        return json.dumps(
            {
                "time": _iso(record.created),
                "level": record.levelname,
                "service": self.service,
                "request_id": request_id.current() or None,
                "logger": record.name,
                "message": message,
                **({"error": f"Traceback {trace}"} if trace else {}),
                **getattr(record, "facts", {}),
            },
            ensure_ascii=False,
        )


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds")


def _kind(value: Any) -> Any:
    """Of an error its kind, with what numbers say of it; other values as they are."""
    if not isinstance(value, BaseException):
        return value
    if not isinstance(value, HuiyinError):
        return type(value).__name__
    told = {name: fact for name, fact in value.facts.items() if isinstance(fact, (int, float)) or name == _WHOSE}
    return f"{value.key} ({', '.join(f'{name}: {fact}' for name, fact in told.items())})" if told else value.key
