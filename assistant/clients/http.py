"""One HTTP call that another thread can cancel.

`requests` cannot be interrupted while it waits for a first byte; a speculative reply must be, at once, so that the
language model is free for the next. Shutting the socket down does it, on every platform. (The LLM proxy's thread, which
watches its own caller while it waits, does otherwise: `services/llm/http_client.py`.)
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from huiyin.configs.errors import HuiyinError

_READ = 16384  # bytes at most in one piece of a stream
_WORDS_SHOWN = 200  # characters of a refusal that is not JSON
_BYTES_SHOWN = 80  # of a stream that is not JSON


class ServiceError(HuiyinError):
    """A service could not be reached, refused, or broke off.

    `status` is the HTTP status of a refusal (0 otherwise), `body` its JSON if it had any.
    """

    def __init__(self, key: str, /, *, status: int = 0, body: object = None, **facts: object) -> None:
        super().__init__(key, status=status, **facts)
        self.status, self.body = status, body


class Cancelled(Exception):
    """The call was cancelled."""


class Readable(Protocol):
    """A body that is sent as it is read."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, at most `size`; b'' at the end."""


class Call:
    """One request to one service. `cancel` may be called from any thread, at any time, more than once."""

    def __init__(self, service: str, base_url: str, *, timeout_s: float) -> None:
        """`timeout_s` bounds connecting, the wait for the first byte, and any silence after it."""
        self._service, self._base, self._timeout_s = service, base_url.rstrip("/"), timeout_s
        self._connection: http.client.HTTPConnection | None = None
        self._cancelled = False
        self.content_type = ""
        """Of the answer, known with its first piece."""

    def cancel(self) -> None:
        """End the call now; the thread in it gets `Cancelled`."""
        self._cancelled = True
        sock = self._connection.sock if self._connection else None
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def request(
        self, method: str, path: str, body: bytes | Readable | None, headers: Mapping[str, str]
    ) -> Iterator[bytes]:
        """Yields the answer's bytes as they come. Raises ServiceError or Cancelled.

        A `body` that is not bytes is sent as it is read; its Content-Length must be among the `headers`.
        """
        url = urlsplit(self._base + path)
        kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
        try:
            self._connection = kind(url.hostname or "", url.port, timeout=self._timeout_s)
            self._check()
            self._connection.connect()
            target = url.path + (f"?{url.query}" if url.query else "")
            # A refusal may come before all of the body is sent; it says why, so it is what must be read.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self._connection.request(method, target, body, dict(headers))
            self._check()
            response = self._connection.getresponse()
            if response.status >= 400:
                raise refusal(self._service, response.status, response.read())
            self.content_type = response.headers.get_content_type()
            while piece := response.read1(_READ):
                self._check()
                yield piece
            self._check()
        except (OSError, http.client.HTTPException) as error:
            if self._cancelled:
                raise Cancelled from None
            raise self._failure(error) from error
        finally:
            if self._connection is not None:
                self._connection.close()

    def _check(self) -> None:
        """Raise Cancelled when the call has been cancelled."""
        if self._cancelled:
            raise Cancelled

    def _failure(self, error: Exception) -> ServiceError:
        if isinstance(error, TimeoutError):
            return ServiceError("clients.no_answer", service=self._service, wait_s=self._timeout_s)
        if isinstance(error, ConnectionRefusedError):
            return ServiceError("clients.not_running", service=self._service, url=self._base)
        words = str(error) or type(error).__name__
        return ServiceError("clients.not_reached", service=self._service, url=self._base, error=words)


def refusal(service: str, status: int, data: bytes) -> ServiceError:
    """A refusal in the service's own words, if it gave any."""
    try:
        body = json.loads(data)
    except ValueError:
        text = " ".join(data.decode(errors="replace").split())
        if not text or text.startswith("<"):  # a page of HTML says nothing
            return ServiceError("clients.refused", service=service, status=status)
        return ServiceError("clients.refused_in_words", service=service, status=status, words=text[:_WORDS_SHOWN])
    if not isinstance(body, dict) or not isinstance(body.get("error"), dict):
        return ServiceError("clients.refused", service=service, status=status, body=body)
    return in_its_words(service, body, status)


def in_its_words(service: str, body: Mapping[str, Any], status: int = 0) -> ServiceError:
    """The error of a body ``{"error": {"message", "hint"}}``."""
    words, hint = body["error"].get("message"), body["error"].get("hint")
    return ServiceError(
        "clients.in_its_words_with_hint" if hint else "clients.in_its_words",
        service=service, words=words, hint=hint, status=status, body=body,
    )  # fmt: skip


def get_json(service: str, base_url: str, path: str, *, timeout_s: float, key: str = "") -> Any:
    """GET a JSON document. Raises ServiceError."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    body = b"".join(Call(service, base_url, timeout_s=timeout_s).request("GET", path, None, headers))
    try:
        return json.loads(body)
    except ValueError as error:
        raise ServiceError("clients.not_json", service=service, url=base_url) from error


def server_sent_events(pieces: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    """The JSON of each ``data:`` line, up to ``[DONE]``. Comments and other fields are skipped.

    Raises ServiceError when the stream ends without it: the end of an answer must not be guessed.
    """
    buffer = b""
    for piece in pieces:
        buffer += piece
        *lines, buffer = buffer.split(b"\n")
        for line in lines:
            if not line.startswith(b"data:"):
                continue
            data = line[5:].strip()
            if data == b"[DONE]":
                return
            try:
                yield json.loads(data)
            except ValueError as error:
                raise ServiceError("clients.stream_not_json", data=data[:_BYTES_SHOWN]) from error
    raise ServiceError("clients.broke_off")
