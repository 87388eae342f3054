"""What our programs log: no words of users, unless the setting ``service.log_words`` allows them.

Our own messages name what happened; what a user said, or another program quoted of it, is no part of them. Two things
may quote it nevertheless: errors, and what libraries log in detail. Of an error that a message is given, or that was
raised, only its kind is written; libraries log no more than their warnings.
"""

from __future__ import annotations

import copy
import logging
import traceback
from types import TracebackType
from typing import Any, TextIO, TypeAlias

from huiyin.configs.errors import HuiyinError
from huiyin.configs.settings import ServiceSettings

_OURS = "huiyin"  # the logger above all of ours
_WHOSE = "who"  # the fact of an error that names an upstream
_Raised: TypeAlias = "tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]"


def install(settings: ServiceSettings, name: str, stream: TextIO | None = None) -> None:
    """Let this process log to `stream` (standard error) from now on, each line with `name` in front.

    A process that logs already goes on as it did.
    """
    level, words = settings.log_level.upper(), settings.log_words
    handler = logging.StreamHandler(stream)
    handler.setFormatter((logging.Formatter if words else Wordless)(f"{name}: %(levelname)s %(message)s"))
    logging.basicConfig(level=level if words else logging.WARNING, handlers=[handler])
    logging.getLogger(_OURS).setLevel(level)


class Wordless(logging.Formatter):
    """Writes the kinds of errors instead of their messages, and of those that were raised also where."""

    def format(self, record: logging.LogRecord) -> str:
        """See `logging.Formatter`."""
        if isinstance(record.args, tuple) and any(isinstance(each, BaseException) for each in record.args):
            record = copy.copy(record)  # another handler may have other readers
            record.args = tuple(map(_kind, record.args or ()))
        return super().format(record)

    def formatException(self, ei: _Raised) -> str:
        """See `logging.Formatter`."""
        error, parts = ei[1], list[str]()
        while error is not None:
            frames = traceback.format_tb(error.__traceback__)
            parts.insert(0, "".join(["Traceback (most recent call last):\n", *frames, str(_kind(error))]))
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return "\n\n".join(parts)


def _kind(value: Any) -> Any:
    """Of an error its kind, with what numbers say of it; other values as they are."""
    if not isinstance(value, BaseException):
        return value
    if not isinstance(value, HuiyinError):
        return type(value).__name__
    told = {name: fact for name, fact in value.facts.items() if isinstance(fact, (int, float)) or name == _WHOSE}
    return f"{value.key} ({', '.join(f'{name}: {fact}' for name, fact in told.items())})" if told else value.key
