"""HTTP to one upstream, so that an exchange can be given up at any moment: while it connects, while the model reads
the prompt, or between two words.

The library calls block, so each exchange runs them in a thread of its own and the caller takes what arrives from a
queue, looking at its client while it waits. Giving up shuts the socket down, which is what the upstream notices.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import queue
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import SplitResult, unquote, urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from services.common.watch import ClientLeft

_PIECE = 65536  # bytes read at once
_QUEUE = 256  # pieces read ahead of a slow client
_STEP_S = 0.1  # how often a waiting caller looks at its client
_IDLE_KEEP = 4  # idle connections kept: a TLS handshake costs two round trips of the first word's time
_IDLE_S = 30.0  # servers close idle connections after 5 s (llama-server) to minutes
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}

Watch = Callable[[], bool]
"""Answers whether the client has left."""


@dataclass(frozen=True)
class Head:
    """Status and headers of an answer (header names in lower case)."""

    status: int
    headers: Mapping[str, str]


class Exchange:
    """One request and its answer. Used by one thread; `close` may be called from any, more than once."""

    def __init__(self, wire: Wire, method: str, path: str, body: bytes | None) -> None:
        self._wire, self._request = wire, (method, path, body)
        self._arrived: queue.Queue[Head | bytes | Exception] = queue.Queue(_QUEUE)
        self._connection: http.client.HTTPConnection | None = None
        self._closed = threading.Event()
        self._looked_s = time.monotonic()
        threading.Thread(target=self._run, name="upstream", daemon=True).start()

    def head(self, until: float, watch: Watch) -> Head:
        """Status and headers. `until` is a time of `time.monotonic`.

        Raises TimeoutError, ClientLeft, and OSError or HTTPException when the upstream cannot be reached or breaks off.
        """
        item = self._take(until, watch)
        assert isinstance(item, Head)
        return item

    def piece(self, until: float, watch: Watch) -> bytes:
        """The next bytes of the answer, b"" at its end. Raises as `head` does."""
        item = self._take(until, watch)
        assert isinstance(item, bytes)
        return item

    def rest(self, until: float, watch: Watch, limit: int) -> bytes:
        """All that remains of the answer. Raises as `head` does, and ValueError above `limit` bytes."""
        whole = bytearray()
        while piece := self.piece(until, watch):
            whole += piece
            if len(whole) > limit:
                raise ValueError(f"an answer of more than {limit} bytes")
        return bytes(whole)

    def close(self) -> None:
        """End the exchange now, finished or not."""
        self._closed.set()
        sock = self._connection.sock if self._connection else None
        if sock is not None:
            with contextlib.suppress(OSError):
                # The plain method: SSLSocket's own would let the reading thread go on in clear text.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def _take(self, until: float, watch: Watch) -> Head | bytes:
        while True:
            now = time.monotonic()
            if now - self._looked_s >= _STEP_S:
                self._looked_s = now
                if watch():
                    raise ClientLeft
            try:
                item = self._arrived.get(timeout=max(0.0, min(until - now, _STEP_S)))
            except queue.Empty:
                if until - now <= _STEP_S:
                    raise TimeoutError from None
                continue
            if isinstance(item, Exception):
                raise item
            return item

    def _run(self) -> None:
        try:
            response = self._answer()
            self._put(Head(response.status, {k.lower(): v for k, v in response.getheaders()}))
            while piece := response.read1(_PIECE):
                self._put(piece)
            if response.length:  # bytes promised and not sent; read1 does not say so
                raise http.client.IncompleteRead(b"", response.length)
            response.close()
            connection, self._connection = self._connection, None
            assert connection is not None
            self._wire.give_back(connection, reusable=not response.will_close)
            self._put(b"")
        except Exception as error:
            self._put(error)
        finally:
            if self._connection is not None:
                self._connection.close()

    def _answer(self) -> http.client.HTTPResponse:
        self._connection = self._wire.idle()
        if self._connection is not None:
            try:
                return self._ask(self._connection)
            except (http.client.RemoteDisconnected, ConnectionError):
                # The upstream closed the idle connection just before it was used: nothing was done there yet.
                self._connection.close()
        self._connection = self._wire.connection()
        self._connection.connect()
        self._wire.after_connect(self._connection)
        return self._ask(self._connection)

    def _ask(self, connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
        if self._closed.is_set():
            raise ConnectionAbortedError("given up")
        method, path, body = self._request
        connection.request(method, self._wire.target(path), body, dict(self._wire.headers))
        return connection.getresponse()

    def _put(self, item: Head | bytes | Exception) -> None:
        while not self._closed.is_set():
            try:
                return self._arrived.put(item, timeout=1.0)
            except queue.Full:
                continue


class Wire:
    """Makes exchanges with one base URL and keeps its idle connections.

    `silence_s` bounds a read whatever the caller does. Proxies come from the environment (HTTPS_PROXY and its kin),
    never for this machine itself. Raises ValueError for an address that is no http(s) base URL.
    """

    def __init__(
        self, base_url: str, headers: Mapping[str, str], *, connect_timeout_s: float, silence_s: float
    ) -> None:
        self.headers = {"Content-Type": "application/json", "Accept-Encoding": "identity", **headers}
        self._url = _base(base_url)
        self._connect_timeout_s, self._silence_s = connect_timeout_s, silence_s
        self._proxy = _proxy(self._url)
        if self._proxy and self._url.scheme == "http":
            self.headers |= _proxy_key(self._proxy)
        self._idle: list[tuple[float, http.client.HTTPConnection]] = []
        self._lock = threading.Lock()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the first hop: the upstream, or the proxy before it."""
        url = self._proxy or self._url
        return url.hostname or "", url.port or (443 if url.scheme == "https" else 80)

    def exchange(self, method: str, path: str, body: bytes | None = None) -> Exchange:
        """Begin an exchange; `path` is below the base URL, such as "/chat/completions"."""
        return Exchange(self, method, path, body)

    def target(self, path: str) -> str:
        """What stands in the request line."""
        whole = self._url.path + path
        if self._proxy and self._url.scheme == "http":
            return f"http://{self._url.netloc}{whole}"
        return whole

    def connection(self) -> http.client.HTTPConnection:
        """A new connection, not yet connected."""
        host, port = self.address
        if self._url.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=self._connect_timeout_s)
        secure = http.client.HTTPSConnection(host, port, timeout=self._connect_timeout_s, context=_tls())
        if self._proxy:
            secure.set_tunnel(self._url.hostname or "", self._url.port or 443, headers=_proxy_key(self._proxy))
        return secure

    def after_connect(self, connection: http.client.HTTPConnection) -> None:
        """Connecting and answering have different limits."""
        connection.timeout = self._silence_s
        connection.sock.settimeout(self._silence_s)

    def idle(self) -> http.client.HTTPConnection | None:
        """A connection that was used before and still stands, if there is one."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                since, connection = self._idle.pop()
            if time.monotonic() - since < _IDLE_S and _is_quiet(connection.sock):
                return connection
            connection.close()

    def give_back(self, connection: http.client.HTTPConnection, *, reusable: bool) -> None:
        """A connection whose answer was read to its end."""
        with self._lock:
            if reusable and connection.sock is not None and len(self._idle) < _IDLE_KEEP:
                self._idle.append((time.monotonic(), connection))
                return
        connection.close()


def _base(address: str) -> SplitResult:
    url = urlsplit(address.rstrip("/"))
    if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment:
        raise ValueError(f"{address!r} is no base URL; write for example http://127.0.0.1:11434/v1")
    if url.username or url.password:
        raise ValueError("an upstream's URL must not carry a name or password; its key goes into HUIYIN_LLM_API_KEY")
    _ = url.port  # raises ValueError when it is no port
    return url


def _proxy(url: SplitResult) -> SplitResult | None:
    if url.hostname in _LOOPBACK or urllib.request.proxy_bypass(url.hostname or ""):
        return None
    address = urllib.request.getproxies().get(url.scheme, "")
    proxy = urlsplit(address if "//" in address else f"//{address}")
    return proxy if proxy.hostname else None


def _proxy_key(proxy: SplitResult) -> dict[str, str]:
    if not proxy.username:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


@cache
def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    # The system's authorities, and those that `requests` brings: some Pythons come without the first.
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    return context


def _is_quiet(sock: socket.socket) -> bool:
    """An idle connection has nothing to say; anything to read is its end."""
    timeout = sock.gettimeout()
    try:
        sock.setblocking(False)
        socket.socket.recv(sock, 1, socket.MSG_PEEK)
    except BlockingIOError:
        sock.settimeout(timeout)
        return True
    except OSError:
        pass
    return False
