"""Tables in TOML: what is data stands in a file of its own, beside the code that reads it."""

from __future__ import annotations

import re
import sys
from bisect import bisect_left
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

__all__ = ["line_of", "read_table", "tomllib"]

_TABLE = re.compile(r"\s*\[\s*([\w.-]+)\s*\]")
_KEY = re.compile(r"\s*([\w.-]+)\s*=")
_QUOTES = ('"""', "'''")


def read_table(path: Path) -> dict[str, Any]:
    """A TOML file in UTF-8. Raises OSError, UnicodeDecodeError or tomllib.TOMLDecodeError."""
    text = path.read_text(encoding="utf-8")
    try:
        return dict(tomllib.loads(text))
    except tomllib.TOMLDecodeError:
        raise
    except (RecursionError, ValueError):
        lines = text.splitlines()
        # Where, the library does not say. It reads from the top: every longer beginning has the same trouble.
        line = bisect_left(range(len(lines)), True, key=lambda count: bool(_too_much("\n".join(lines[:count]))))
        raise tomllib.TOMLDecodeError(f"{_too_much(text)} (at line {line})") from None


def _too_much(text: str) -> str:
    """What there is in a TOML text that is right and that Python cannot hold; '' for nothing."""
    try:
        tomllib.loads(text)
    except RecursionError:
        return "nested too deeply"
    except tomllib.TOMLDecodeError:
        return ""
    except ValueError:
        return "a number of too many digits"
    return ""


def line_of(key: str, text: str) -> int:
    """The line of a TOML text where a key such as 'greeting.zh' stands, from 1; 0 where it is not found."""
    table = ""
    quote = ""  # that ends the text of many lines around this one
    for number, line in enumerate(text.splitlines(), 1):
        if quote:
            if quote in line:
                quote = ""
            continue
        if match := _TABLE.match(line):
            table = match[1] + "."
            if match[1] == key:
                return number
        elif match := _KEY.match(line):
            if table + match[1] == key:
                return number
            value = line[match.end() :].strip()
            if value.startswith(_QUOTES) and value.count(value[:3]) == 1:
                quote = value[:3]
    return 0
