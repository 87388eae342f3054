"""An HTTP/1.1 response as it arrives: bytes in any pieces go in, its head and its body's bytes come out (RFC 9112).

Pure: no socket, no clock. `http_client.py` says why it is not `http.client`'s, which reads from a blocking file.
"""

from __future__ import annotations

import http.client
import re
from collections.abc import Mapping
from dataclasses import dataclass

_HEAD_LIMIT = 65536  # bytes of status line and headers
_LINE_LIMIT = 4096  # bytes of a chunk's size, or of a trailer
_STATUS_LINE = re.compile(rb"HTTP/1\.([01]) (\d{3})(?: .*)?")
_WITHOUT_BODY = (204, 304)  # statuses


@dataclass(frozen=True)
class Head:
    """Status and headers of a response (header names in lower case)."""

    status: int
    headers: Mapping[str, str]


class ResponseReader:
    """One response. `feed` what arrives, `end` when the connection ends."""

    def __init__(self) -> None:
        self.head: Head | None = None
        self.done = False
        """The whole response was fed."""
        self.reusable = False
        """The connection may carry another request once this one is done."""
        self.begun = False
        """A first byte came."""
        self._rest = b""  # fed, and not read yet
        self._chunked = False
        self._to_come: int | None = None  # bytes of the body, or of the chunk; None: until the connection ends
        self._between = False  # after a chunk's data, before its line break
        self._trailers = False

    def feed(self, data: bytes) -> bytes:
        """The body's bytes in `data`, may be none. Raises HTTPException for what is not an HTTP response."""
        self.begun = self.begun or bool(data)
        rest = self._rest + data if self._rest else data
        self._rest = b""
        if self.head is None:
            rest = self._read_heads(rest)
        if self.head is None or self.done:
            return b""
        return self._chunks(rest) if self._chunked else self._plain(rest)

    def end(self) -> None:
        """The connection has ended. Raises HTTPException when the response was not complete."""
        if not self.begun:
            raise http.client.RemoteDisconnected("it closed the connection without an answer")
        if self.head is None or self._chunked or self._to_come:
            raise http.client.IncompleteRead(b"", self._to_come)
        self.done = True

    def _read_heads(self, rest: bytes) -> bytes:
        """What follows the head. Heads of interim responses (1xx) are skipped."""
        while self.head is None:
            head, blank_line, after = rest.partition(b"\r\n\r\n")
            if not blank_line:
                if len(rest) > _HEAD_LIMIT:
                    raise http.client.LineTooLong("header line")
                if not b"HTTP/1.".startswith(rest[:7]):
                    raise http.client.BadStatusLine(repr(rest[:40]))
                self._rest = rest
                return b""
            rest = after
            self._read_head(head)
        return rest

    def _read_head(self, data: bytes) -> None:
        first, *lines = data.split(b"\r\n")
        line = _STATUS_LINE.fullmatch(first)
        if line is None:
            raise http.client.BadStatusLine(repr(first[:40]))
        status = int(line[2])
        if 100 <= status < 200:
            return
        pairs = (header.decode("latin-1").partition(":") for header in lines)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        self.head = Head(status, headers)
        connection = headers.get("connection", "").lower()
        self._chunked = "chunked" in headers.get("transfer-encoding", "").lower()
        length = headers.get("content-length", "")
        if self._chunked or status in _WITHOUT_BODY:
            self._to_come = 0
        elif length.isdecimal():
            self._to_come = int(length)
        self.reusable = self._to_come is not None and "close" not in connection
        if line[1] == b"0":
            self.reusable = self.reusable and "keep-alive" in connection
        self.done = not self._chunked and self._to_come == 0

    def _plain(self, data: bytes) -> bytes:
        if self._to_come is None:
            return data
        body = data[: self._to_come]
        self._to_come -= len(body)
        self.done = not self._to_come
        self.reusable = self.reusable and len(data) == len(body)
        return body

    def _chunks(self, data: bytes) -> bytes:
        body = []
        at = 0
        while not self.done:
            if self._to_come:
                piece = data[at : at + self._to_come]
                if not piece:
                    break
                body.append(piece)
                at += len(piece)
                self._to_come -= len(piece)
                self._between = not self._to_come
                continue
            end = data.find(b"\n", at)
            if end < 0:
                self._rest = data[at:]
                if len(self._rest) > _LINE_LIMIT:
                    raise http.client.LineTooLong("chunk size")
                break
            self._read_line(data[at:end].rstrip(b"\r"))
            at = end + 1
        if self.done:
            self.reusable = self.reusable and at == len(data)
        return b"".join(body)

    def _read_line(self, line: bytes) -> None:
        if self._between:
            if line:
                raise http.client.HTTPException("a chunk is longer than its size")
            self._between = False
        elif self._trailers:
            self.done = not line
        else:
            self._to_come = _chunk_size(line)
            self._trailers = not self._to_come


def _chunk_size(line: bytes) -> int:
    digits = line.partition(b";")[0].strip()
    if not re.fullmatch(rb"[0-9A-Fa-f]+", digits):
        raise http.client.HTTPException(f"{line[:20]!r} is not a chunk size")
    return int(digits, 16)
