"""A server elsewhere: its address, its key, whether it can be reached, and the head of its answers."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from huiyin.configs import messages
from huiyin.services.common.model_servers import key_headers, read_address
from huiyin.services.common.shown_url import HIDDEN, shown_url
from huiyin.services.common.upstreams import trouble
from huiyin.services.common.upstreams.encodings import EncodingError
from huiyin.services.common.upstreams.http_client import Exchange, HttpClient, Watch
from huiyin.services.common.upstreams.trouble import Named, UpstreamError, reason

_PROBE_TIMEOUT_S = 1.0
_PROBE_FRESH_S = 5.0
_PROBE_WAIT_S = 0.3  # then /ready answers with the result before
_REFUSAL_LIMIT = 2**20  # bytes of an error
_REFUSAL_S = 2.0  # for the body of an error, after its status
_SUCCESS = range(200, 300)

T = TypeVar("T")


class Server:
    """An OpenAI-compatible server at `url`. `key` ('' for none) is sent there and nowhere else."""

    def __init__(self, section: str, url: str, key: str, connect_timeout_s: float) -> None:
        """Raises SettingsError for an address that cannot be used."""
        self.name, self.section, self.key = shown_url(url.rstrip("/")), section, key
        address = read_address(url)
        self.paths, self.query = address.paths, address.query
        self.path = self.paths[0]
        """The likeliest of what its address may mean, or the one at which it has answered."""
        self.placed = False
        """It has answered at `path`."""
        headers = key_headers(key, address.origin)
        self.client = HttpClient(address.origin, headers, connect_timeout_s=connect_timeout_s)
        self._probe = _Probe(self.client)

    def clean(self, text: str) -> str:
        """See `trouble.Named`."""
        return text.replace(self.key, HIDDEN) if self.key else text

    def unreachable(self) -> str:
        """Why no connection can be made, '' where one can: the key or the model may be wrong nevertheless."""
        return self._probe.look()

    def ask(self, send: Callable[[str], T]) -> T:
        """What `send` returns for the first path at which there is something, which is remembered.

        Raises UpstreamError as `send` does.
        """
        first: UpstreamError | None = None
        for path in dict.fromkeys((self.path, *self.paths)):
            try:
                answer = send(path)
            except UpstreamError as failure:
                first = first or failure
                if self.placed or not failure.misplaced:
                    raise (first if failure.misplaced else failure) from None
            else:
                self.path, self.placed = path, True
                return answer
        assert first is not None
        raise first


def head_of(
    upstream: Named, exchange: Exchange, until: float, left: Watch, *, path: str, placed: bool
) -> http.client.HTTPResponse:
    """The head of an answer with a status of success. Raises UpstreamError for any other, TimeoutError, ClientLeft.

    `path`, `placed`: see `trouble.refused`.
    """
    try:
        head = exchange.head(until, left)
    except TimeoutError:
        raise
    except EncodingError as error:
        raise trouble.bad_answer(upstream, "upstreams.encoded", encoding=error) from error
    except (OSError, http.client.HTTPException) as error:
        raise trouble.unreachable(upstream, error) from error
    if head.status in _SUCCESS:
        return head
    try:
        words = exchange.rest(time.monotonic() + _REFUSAL_S, left, _REFUSAL_LIMIT)
    except (OSError, http.client.HTTPException, ValueError):
        words = b""
    raise trouble.refused(upstream, head, words, path=path, placed=placed)


class _Probe:
    """Whether a connection can be made. Tried in a thread: a silent name server must not delay /ready."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client
        self._why = messages.text("upstreams.reason_not_tried", {})
        self._tried_at = -_PROBE_FRESH_S
        self._running: threading.Thread | None = None
        self._lock = threading.Lock()

    def look(self) -> str:
        """Why not, '' where it can; at most some seconds old."""
        with self._lock:
            if self._running is None and time.monotonic() - self._tried_at >= _PROBE_FRESH_S:
                self._running = threading.Thread(target=self._run, name="probe", daemon=True)
                self._running.start()
            running = self._running
        if running:
            running.join(_PROBE_WAIT_S)
        return self._why

    def _run(self) -> None:
        try:
            socket.create_connection(self._client.address, timeout=_PROBE_TIMEOUT_S).close()
            why = ""
        except Exception as error:
            why = reason(error)
        with self._lock:
            self._why, self._tried_at, self._running = why, time.monotonic(), None
