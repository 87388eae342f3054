"""What commands write is text, and no terminal takes any of it for an instruction.

A title, a recognised word, an answer of a model or the name of a file may hold control characters: those of a terminal
move its cursor, change its title or type for the user. All output of a command passes through here.
"""

from __future__ import annotations

import codecs
import io
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_KEPT = "\t\n\r"
_PICTURES = 0x2400  # Unicode shows control characters from here on, in their order
_DELETE, _DELETE_PICTURE = 0x7F, 0x2421
_SECOND_SET, _NO_PICTURE = range(0x80, 0xA0), 0xFFFD
_SHOWN = {
    **{code: _PICTURES + code for code in range(0x20) if chr(code) not in _KEPT},
    _DELETE: _DELETE_PICTURE,
    **dict.fromkeys(_SECOND_SET, _NO_PICTURE),
}


class _Shown:
    """A text stream that shows control characters instead of sending them; otherwise it is `stream`."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        self.stream.write(text.translate(_SHOWN))
        return len(text)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextmanager
def harmless_output() -> Iterator[None]:
    """Standard output and standard error send no control characters meanwhile."""
    before = sys.stdout, sys.stderr
    _use_utf8()
    sys.stdout, sys.stderr = _Shown(sys.stdout), _Shown(sys.stderr)  # type: ignore[assignment]
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def columns(text: str) -> int:
    """Columns of a terminal that `text` takes: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def padded(text: str, width: int) -> str:
    """`text` and blanks up to `width` columns; a negative width puts them in front."""
    blanks = " " * (abs(width) - columns(text))
    return blanks + text if width < 0 else text + blanks


def with_control_characters(stream: Any) -> Any:
    """The stream itself, for what we draw: a code of black and white squares."""
    return stream.stream if isinstance(stream, _Shown) else stream


def _use_utf8() -> None:
    """Chinese must not end a command where the terminal's encoding has none, nor be lost in a Windows pipe."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            is_ascii = codecs.lookup(stream.encoding).name == "ascii"  # LC_ALL=C, where Python takes that at its word
            stream.reconfigure(encoding="utf-8" if is_ascii or sys.platform == "win32" else None, errors="replace")
