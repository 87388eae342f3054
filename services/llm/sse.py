"""Server-sent events: from bytes in any pieces to the text of each event, and back (WHATWG HTML, section 9.2).

The reader takes what servers of language models send for it as well: JSON instead of events, whole or a line each;
events without a blank line between them; the last one without its end.
"""

from __future__ import annotations

import json
from typing import Any

DONE = "[DONE]"  # how the OpenAI protocol marks the end of a stream

EVENT_LIMIT = 4 * 2**20  # bytes of an event; one that never ends must not fill the memory

_MARK = b"\xef\xbb\xbf"  # the byte order mark
_FIELDS = (b":", b"data", b"event", b"id", b"retry")
_JSON = (b"{", b"[")
_JSON_ENDS = ("}", "]")


class EventReader:
    """Feed it bytes as they arrive; it returns the data of each complete event."""

    def __init__(self) -> None:
        self._rest = b""  # of a line
        self._data: list[str] = []  # of the event, a line each
        self._size = 0  # bytes of it
        self._after_cr = False  # a line feed belongs to the line end before it
        self._at_start = True
        self._is_json = False  # JSON instead of events
        self.has_begun = False
        """There was a line of either."""
        self._has_other = False  # there was a line of neither

    @property
    def is_foreign(self) -> bool:
        """The body begins with what is neither JSON nor events: a page, plain text."""
        return self._has_other and not self.has_begun

    def feed(self, piece: bytes) -> list[str]:
        """Data of the events completed by `piece`. Comments and other fields are skipped, empty events, too.

        Raises ValueError for an event above EVENT_LIMIT.
        """
        if self._at_start:
            piece, self._rest = self._rest + piece, b""
            if len(piece) < len(_MARK) and _MARK.startswith(piece):
                self._rest = piece
                return []
            piece, self._at_start = piece.removeprefix(_MARK), False
        if not piece:
            return []
        if self._after_cr:
            piece = piece.removeprefix(b"\n")
        self._after_cr = piece.endswith(b"\r")
        lines = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        lines[0] = self._rest + lines[0]
        self._rest = lines.pop()
        events: list[str] = []
        for line in lines:
            events += self._take(line)
        self._check_size(self._rest)
        return events

    def end(self) -> list[str]:
        """The event that the end of the body completes."""
        rest, self._rest = self._rest, b""
        return [*self._take(rest), *self._event()]

    def _take(self, line: bytes) -> list[str]:
        text = line.strip()
        if line.startswith(b"data:") and not (self._is_json and self._data):
            self.has_begun, self._is_json = True, False
            data = _text(line.removeprefix(b"data:").removeprefix(b" ").removeprefix(b"data:"))  # some write it twice
            # Two documents are two events, with or without a blank line between them.
            ended = self._event() if self._is_document() and data.startswith(("{", DONE)) else []
            self._add(line, data)
            return ended
        if self._is_json or text.startswith(_JSON):  # no events at all, or an error in the middle of them
            ended = [] if self._is_json else self._event()
            self.has_begun = self._is_json = True
            if text:
                self._add(line, _text(line))
            return ended + (self._event() if len(self._data) == 1 and self._is_document() else [])
        if not text:
            return self._event()
        if line.startswith(_FIELDS):
            self.has_begun = True
        else:
            self._has_other = True
        return []

    def _add(self, line: bytes, data: str) -> None:
        self._check_size(line)
        self._size += len(line) + 1
        self._data.append(data)

    def _check_size(self, line: bytes) -> None:
        if self._size + len(line) > EVENT_LIMIT:
            raise ValueError(f"an event of more than {EVENT_LIMIT} bytes")

    def _is_document(self) -> bool:
        """Whether the data so far can be a whole JSON document, or the mark of the end."""
        if not self._data:
            return False
        return self._data[0].lstrip().startswith(("{", "[")) and self._data[-1].rstrip().endswith(_JSON_ENDS)

    def _event(self) -> list[str]:
        data, self._data, self._size = "\n".join(self._data), [], 0
        return [data] if data.strip() else []


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace")


def is_done(data: str) -> bool:
    """Whether the data of an event is the mark of the end; some write it without brackets, or small."""
    return data.strip().strip("[]").upper() == DONE.strip("[]")


def event(data: str) -> bytes:
    """One event as bytes. `data` must have no line breaks (JSON text never has)."""
    return f"data: {data}\n\n".encode("utf-8", "replace")


def json_event(body: Any) -> bytes:
    """A JSON document as an event."""
    return event(json.dumps(body, ensure_ascii=False))
