"""An HTTP/1.1 client whose exchanges end within 0.1 s when the caller's own client has left.

`http.client` does the protocol; only the reading from the socket is ours. Left to itself it blocks until the next word
comes; a thread and a queue around it, or an event loop, delay each word (measured: docs/llm.md). Here the caller's
thread reads, in steps of 0.1 s; only a new connection has a thread of its own until the request is sent.
"""

from __future__ import annotations

import contextlib
import io
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection, IncompleteRead, RemoteDisconnected
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from huiyin.configs.settings import SettingsError
from huiyin.services.common.shown_url import shown_url
from huiyin.services.common.upstreams.encodings import BodyDecoder
from huiyin.services.common.upstreams.network_proxy import (
    connect_by_socks,
    find_proxy,
    is_socks,
    place_of,
    proxy_headers,
)
from huiyin.services.common.watch import ClientLeft

_JSON = "application/json"
_PIECE = 16384  # bytes read at once: a TLS record
_STEP_S = 0.1  # how often a waiting caller looks at its client
_SEND_S = 30.0  # for an upstream to receive a request
_AT_ONCE = 16384  # bytes that a socket takes without waiting
_IDLE_KEEP = 64  # idle connections kept: a TLS handshake costs two round trips of the first word's time
_IDLE_S = 30.0  # servers close idle connections after 5 s (llama-server) to minutes
_CHUNK_END = len(b"\r\n")

Watch = Callable[[], bool]
"""Whether the client has left."""


class Exchange:
    """One request and its response, for one thread."""

    def __init__(
        self,
        client: HttpClient,
        method: str,
        path: str,
        body: bytes,
        kind: str = _JSON,
        check: Callable[[], None] = lambda: None,
        closed: Callable[[], None] = lambda: None,
    ) -> None:
        """`kind` is the body's content type. `check` is called at least every 0.1 s while a response is waited for, and
        may raise; `closed` by `close`."""
        self._client, self._request = client, (method, path, body, kind)
        self._check, self._on_close = check, closed
        self._response: HTTPResponse | None = None
        self._sock: socket.socket | None = None
        self._opened = threading.Event()
        self._failure: Exception | None = None
        self._closed = self._begun = False
        self._looked_s = time.monotonic()
        self._pieces: Iterator[bytes] = iter(())  # of the body, that have come
        self._reused = self._use_idle()
        if not self._reused:
            self._open()

    def head(self, until: float, watch: Watch) -> HTTPResponse:
        """The response, as far as its `status` and `headers`. `until` is a time of `time.monotonic`.

        Raises TimeoutError, ClientLeft, and OSError or HTTPException when the upstream cannot be reached or breaks off.
        """
        self._until, self._watch = until, watch
        while self._response is None:
            self._incoming = _Incoming(self._receive)
            response = HTTPResponse(self._incoming, method=self._request[0])  # type: ignore[arg-type]
            try:
                response.begin()
                self._decoder = BodyDecoder(response.headers.get("content-encoding", ""))
                self._response = response
            except (RemoteDisconnected, ConnectionError):
                if not self._reused or self._begun:
                    raise
                # The upstream closed the idle connection just before it was used: nothing was done there yet.
                self._reused = False
                self._open()
        return self._response

    def piece(self, until: float, watch: Watch) -> bytes:
        """The next bytes of the body, all that have arrived, b"" at its end. Raises as `head` does."""
        response = self.head(until, watch)
        while True:
            self.look(until, watch)
            if piece := next(self._pieces, b""):
                return piece
            sent = self._sent(response)
            self._pieces = self._decoder.decode(sent)
            if not sent:
                return next(self._pieces, b"")

    def look(self, until: float, watch: Watch) -> None:
        """Raises TimeoutError when it is later than `until`, and ClientLeft; for work on what has come, too."""
        now = time.monotonic()
        if now >= until:
            raise TimeoutError
        if now - self._looked_s >= _STEP_S:
            self._looked_s = now
            self._check()
            if watch():
                raise ClientLeft

    def _sent(self, response: HTTPResponse) -> bytes:
        """The next bytes as they were sent."""
        piece = more = response.read1(_PIECE)
        while more and response.chunked and self._incoming.buffered() > _CHUNK_END:
            more = response.read1(_PIECE)
            piece += more
        if not piece:
            if response.length:
                raise IncompleteRead(b"", response.length)
            self._return_connection(response)
        return piece

    def rest(self, until: float, watch: Watch, limit: int) -> bytes:
        """All that remains of the body. Raises as `head` does, and ValueError above `limit` bytes."""
        whole = bytearray()
        while piece := self.piece(until, watch):
            whole += piece
            if len(whole) > limit:
                raise ValueError(f"a response of more than {limit} bytes")
        return bytes(whole)

    def close(self) -> None:
        """End the exchange now, finished or not."""
        self._closed = True
        sock, self._sock = self._sock, None
        if sock is not None:
            with contextlib.suppress(OSError):
                # It wakes a thread that is sending, which closing alone would not. Not SSLSocket's own method: after
                # that the connection would go on in clear text.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
            sock.close()
        self._on_close()

    def _receive(self, buffer: Any) -> int:
        """Wait for bytes, and read them."""
        while True:
            self.look(self._until, self._watch)
            if not self._opened.is_set():
                self._opened.wait(max(0.0, min(self._until - time.monotonic(), _STEP_S)))
            elif self._failure is not None:
                raise self._failure
            elif self._sock is None:
                raise ConnectionAbortedError("given up")
            else:
                with contextlib.suppress(TimeoutError):
                    count = self._sock.recv_into(buffer)
                    self._begun = self._begun or count > 0
                    return count

    def _use_idle(self) -> bool:
        """Send the request on an idle connection, if there is one."""
        self._sock = self._client.idle() if len(self._request[2]) <= _AT_ONCE else None
        if self._sock is None:
            return False
        try:
            self._client.send(self._sock, *self._request)
        except OSError:
            self._sock.close()
            return False
        self._opened.set()
        return True

    def _open(self) -> None:
        self._opened.clear()
        threading.Thread(target=self._connect, name="upstream", daemon=True).start()

    def _connect(self) -> None:
        try:
            sock = self._client.connect()
            self._sock = sock
            if not self._closed:
                sock.settimeout(_SEND_S)
                self._client.send(sock, *self._request)
                sock.settimeout(_STEP_S)
        except (OSError, HTTPException) as error:
            self._failure = error
        except Exception as error:
            self._failure = ConnectionError(str(error))
        if self._closed:
            self.close()
        self._opened.set()

    def _return_connection(self, response: HTTPResponse) -> None:
        sock, self._sock = self._sock, None
        if sock is not None and not response.will_close:
            self._client.keep_idle(sock)
        elif sock is not None:
            sock.close()


class _Incoming(io.RawIOBase):
    """What comes on the connection of an exchange; `HTTPResponse` takes it for its socket."""

    def __init__(self, receive: Callable[[Any], int]) -> None:
        self._receive, self._waits = receive, True

    def makefile(self, _: str) -> io.BufferedReader[Any]:
        """The file that `HTTPResponse` reads."""
        self._file = io.BufferedReader(self, _PIECE)
        return self._file

    def buffered(self) -> int:
        """How many bytes have come that have not been read."""
        self._waits = False
        try:
            return 0 if self._file.closed else len(self._file.peek())
        finally:
            self._waits = True

    def readable(self) -> bool:
        """See `io.RawIOBase`."""
        return True

    def readinto(self, buffer: Any) -> int | None:
        """See `io.RawIOBase`."""
        return self._receive(buffer) if self._waits else None


class HttpClient:
    """Begins exchanges with one base URL and keeps its idle connections.

    `connect_timeout_s` bounds each of connecting and shaking hands. Proxies come from the environment (HTTPS_PROXY and
    its kin), never for this machine itself. Raises SettingsError for an address that is not an http(s) base URL.
    """

    def __init__(self, base_url: str, headers: Mapping[str, str], *, connect_timeout_s: float) -> None:
        self._url = _base(base_url)
        self._connect_timeout_s = connect_timeout_s
        proxy = find_proxy(self._url)
        self._socks = proxy if is_socks(proxy) else None
        self._proxy = None if self._socks else proxy
        self._proxy_key = proxy_headers(self._proxy)
        self._headers = dict(headers)
        if self._url.scheme == "http":
            self._headers |= self._proxy_key
        self._idle: deque[tuple[float, socket.socket]] = deque()  # the one used last is at the end
        self._lock = threading.Lock()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the first hop: the upstream, or the proxy before it."""
        return place_of(self._socks or self._proxy or self._url)

    def exchange(
        self, method: str, path: str, body: bytes = b"", kind: str = _JSON, **more: Callable[[], None]
    ) -> Exchange:
        """Begin an exchange; `path` is below the base URL, such as "/chat/completions". `more` is Exchange's."""
        return Exchange(self, method, path, body, kind, **more)

    def connect(self) -> socket.socket:
        """A new connection, through the proxy and with TLS where needed. Raises OSError."""
        if self._socks:
            sock = connect_by_socks(self._socks, self._url, self._connect_timeout_s)
            return _tls().wrap_socket(sock, server_hostname=self._url.hostname) if self._url.scheme == "https" else sock
        connection = self._connection()
        try:
            connection.connect()
        except BaseException:
            connection.close()
            raise
        return connection.sock

    def send(self, sock: socket.socket, method: str, path: str, body: bytes, kind: str = _JSON) -> None:
        """Send a request on a connection. Raises OSError."""
        target = quote(self._url.path + path, safe="/%:@!$&'()*+,;=~?")
        if self._proxy and self._url.scheme == "http":
            target = f"http://{self._url.netloc}{target}"
        connection = self._connection()
        connection.sock = sock
        connection.request(method, target, body or None, {"Content-Type": kind, **self._headers})

    def idle(self) -> socket.socket | None:
        """An idle connection that is still open, if there is one."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                since, sock = self._idle.pop()
            if time.monotonic() - since < _IDLE_S and _is_open(sock):
                return sock
            sock.close()

    def keep_idle(self, sock: socket.socket) -> None:
        """Keep a connection whose response was read to its end, for the next exchange."""
        now = time.monotonic()
        with self._lock:
            self._idle.append((now, sock))
            while len(self._idle) > _IDLE_KEEP or now - self._idle[0][0] >= _IDLE_S:
                self._idle.popleft()[1].close()

    def _connection(self) -> HTTPConnection:
        host, port = place_of(self._proxy or self._url)
        if self._url.scheme == "http":
            return HTTPConnection(host, port, timeout=self._connect_timeout_s)
        connection = HTTPSConnection(host, port, timeout=self._connect_timeout_s, context=_tls())
        if self._proxy:
            connection.set_tunnel(*place_of(self._url), headers=self._proxy_key)
        return connection


def _base(address: str) -> SplitResult:
    try:
        url = urlsplit(address.rstrip("/"))
        _ = url.port  # raises ValueError, too
        _ = (url.hostname or "").encode("idna")  # as does this
    except ValueError:
        raise SettingsError("upstreams.bad_base_url", address=shown_url(address)) from None
    if url.username or url.password:
        raise SettingsError("upstreams.key_in_url", address=shown_url(address))
    if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment:
        raise SettingsError("upstreams.bad_base_url", address=shown_url(address))
    return url


@cache
def _tls() -> ssl.SSLContext:
    context = ssl.create_default_context()
    # The system's authorities, and those that `requests` brings: some Pythons come without the first.
    context.load_verify_locations(DEFAULT_CA_BUNDLE_PATH)
    return context


def _is_open(sock: socket.socket) -> bool:
    """Whether an idle connection has nothing to read: anything would be its end."""
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
