"""JSON as the standard has it (RFC 8259), and in values that every reader of it takes. Python's own is more liberal."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any

DEEPEST = 64
"""Lists and objects within one another, at most: code that works on deeper ones may come to Python's limit."""
_MOST_DIGITS = 300  # of a whole number: a float holds it, too
_HALF = re.compile(r"\\u[dD][89a-fA-F]")  # of a pair that stands for one character: perhaps without the other


def parsed(text: str | bytes) -> Any:
    """The value of a JSON text (bytes: UTF-8); half a character becomes "?". Raises ValueError."""
    if isinstance(text, bytes):
        text = text.decode("utf-8-sig")
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite, parse_int=_short)
        if _HALF.search(text):
            value = json.loads(json.dumps(value, ensure_ascii=False).encode(errors="replace"))
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    return value


def lenient(text: str | bytes) -> Any:
    """A JSON document as other programs write it. Raises ValueError, for one that is nested too deep, too."""
    try:
        document = json.loads(text)
    except RecursionError as error:
        raise ValueError("JSON too deep") from error
    if is_deeper(document, DEEPEST):
        raise ValueError("JSON too deep")
    return document


def is_deeper(value: Any, most: int) -> bool:
    """Whether there are more than `most` lists and objects within one another."""
    level = [value]
    for _ in range(most):
        level = [part for each in level for part in _parts(each)]
        if not level:
            return False
    return any(isinstance(each, (dict, list)) for each in level)


def _parts(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()


def _refuse(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def _finite(digits: str) -> float:
    value = float(digits)
    return value if math.isfinite(value) else _refuse(digits)


def _short(digits: str) -> int:
    return int(digits) if len(digits) <= _MOST_DIGITS else _refuse(f"a number of {len(digits)} digits")
