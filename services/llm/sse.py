"""Server-sent events: from bytes in any pieces to the text of each event, and back (WHATWG HTML, section 9.2)."""

from __future__ import annotations

import json
from typing import Any

DONE = "[DONE]"  # how the OpenAI protocol marks the end of a stream

EVENT_LIMIT = 4 * 2**20  # bytes of a line; one that never ends must not fill the memory


class EventReader:
    """Feed it bytes as they arrive; it returns the data of each complete event."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[str] = []

    def feed(self, piece: bytes) -> list[str]:
        """Data of the events completed by `piece`. Comments and other fields are skipped.

        Raises ValueError for a line above EVENT_LIMIT.
        """
        *lines, self._rest = (self._rest + piece).split(b"\n")
        if len(self._rest) > EVENT_LIMIT:
            raise ValueError(f"a line of more than {EVENT_LIMIT} bytes")
        events = []
        for line in lines:
            line = line.rstrip(b"\r")
            if line.startswith(b"data:"):
                self._data.append(line[5:].removeprefix(b" ").decode("utf-8", "replace"))
            elif not line and self._data:
                events.append("\n".join(self._data))
                self._data = []
        return events


def event(data: str) -> bytes:
    """One event as bytes. `data` must have no line breaks (JSON text never has)."""
    return f"data: {data}\n\n".encode("utf-8", "replace")


def json_event(body: Any) -> bytes:
    """A JSON document as an event."""
    return event(json.dumps(body, ensure_ascii=False))
