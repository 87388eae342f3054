"""An HTTP/1.1 client whose exchanges end within 0.1 s when the caller's own client has left.

Why not `requests` or `http.client`: they block until the next word comes; a thread and a queue around them delay each
word (measured: docs/llm.md). Here the caller's thread reads, in steps of 0.1 s; only connecting and sending have one.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import socket
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from functools import cache
from urllib.parse import SplitResult, quote, unquote, urlsplit

from requests.utils import DEFAULT_CA_BUNDLE_PATH

from huiyin.configs.settings import SettingsError
from huiyin.services.common.watch import ClientLeft
from huiyin.services.llm.http_response import Head, ResponseReader

_PIECE = 16384  # bytes read at once: a TLS record
_STEP_S = 0.1  # how often a waiting caller looks at its client
_SEND_S = 30.0  # for an upstream to receive a request
_AT_ONCE = 16384  # bytes that a socket takes without waiting
_IDLE_KEEP = 64  # idle connections kept: a TLS handshake costs two round trips of the first word's time
_IDLE_S = 30.0  # servers close idle connections after 5 s (llama-server) to minutes
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}

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
        check: Callable[[], None] = lambda: None,
        closed: Callable[[], None] = lambda: None,
    ) -> None:
        """`check` is called at least every 0.1 s while a response is waited for, and may raise; `closed` by `close`."""
        self._client, self._request = client, client.request(method, path, body)
        self._check, self._on_close = check, closed
        self._response, self._body = ResponseReader(), b""
        # One buffer for all that arrives: a new one for every word, cut to its size, fragments the heap.
        self._buffer = memoryview(bytearray(_PIECE))
        self._sock: socket.socket | None = None
        self._opened = threading.Event()
        self._failure: Exception | None = None
        self._closed = False
        self._looked_s = time.monotonic()
        self._reused = self._use_idle()
        if not self._reused:
            self._open()

    def head(self, until: float, watch: Watch) -> Head:
        """Status and headers. `until` is a time of `time.monotonic`.

        Raises TimeoutError, ClientLeft, and OSError or HTTPException when the upstream cannot be reached or breaks off.
        """
        while self._response.head is None:
            try:
                self._receive(until, watch)
            except (http.client.RemoteDisconnected, ConnectionError):
                if not self._reused or self._response.begun:
                    raise
                # The upstream closed the idle connection just before it was used: nothing was done there yet.
                self._reused = False
                self._open()
        return self._response.head

    def piece(self, until: float, watch: Watch) -> bytes:
        """The next bytes of the body, b"" at its end; call `head` first. Raises as `head` does."""
        while not self._body and not self._response.done:
            self._receive(until, watch)
        piece, self._body = self._body, b""
        if not piece:
            self._return_connection()
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

    def _receive(self, until: float, watch: Watch) -> None:
        """Wait for bytes, and read them."""
        count = None
        while count is None:
            now = time.monotonic()
            if now - self._looked_s >= _STEP_S:
                self._looked_s = now
                self._check()
                if watch():
                    raise ClientLeft
            if not self._opened.is_set():
                self._opened.wait(max(0.0, min(until - now, _STEP_S)))
            elif self._failure is not None:
                raise self._failure
            elif self._sock is None:
                raise ConnectionAbortedError("given up")
            else:
                with contextlib.suppress(TimeoutError):
                    count = self._sock.recv_into(self._buffer)
            if count is None and until - now <= _STEP_S:
                raise TimeoutError
        if not count:
            self._response.end()
        self._body += self._response.feed(bytes(self._buffer[:count]))

    def _use_idle(self) -> bool:
        """Send the request on an idle connection, if there is one."""
        self._sock = self._client.idle() if len(self._request) <= _AT_ONCE else None
        if self._sock is None:
            return False
        try:
            self._sock.sendall(self._request)
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
                sock.sendall(self._request)
                sock.settimeout(_STEP_S)
        except Exception as error:
            self._failure = error
        if self._closed:
            self.close()
        self._opened.set()

    def _return_connection(self) -> None:
        sock, self._sock = self._sock, None
        if sock is not None and self._response.reusable:
            self._client.keep_idle(sock)
        elif sock is not None:
            sock.close()


class HttpClient:
    """Begins exchanges with one base URL and keeps its idle connections.

    `connect_timeout_s` bounds each of connecting and shaking hands. Proxies come from the environment (HTTPS_PROXY and
    its kin), never for this machine itself. Raises SettingsError for an address that is not an http(s) base URL.
    """

    def __init__(self, base_url: str, headers: Mapping[str, str], *, connect_timeout_s: float) -> None:
        self._url = _base(base_url)
        self._connect_timeout_s = connect_timeout_s
        self._proxy = _proxy(self._url)
        name = self._url.hostname or ""
        host = self._url.netloc if name.isascii() else self._url.netloc.replace(name, name.encode("idna").decode())
        headers = {"Host": host, "Content-Type": "application/json", "Accept-Encoding": "identity", **headers}
        if self._proxy and self._url.scheme == "http":
            headers |= _proxy_key(self._proxy)
        self._head = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
        self._idle: list[tuple[float, socket.socket]] = []
        self._lock = threading.Lock()

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of the first hop: the upstream, or the proxy before it."""
        url = self._proxy or self._url
        return url.hostname or "", url.port or (443 if url.scheme == "https" else 80)

    def exchange(self, method: str, path: str, body: bytes = b"", **more: Callable[[], None]) -> Exchange:
        """Begin an exchange; `path` is below the base URL, such as "/chat/completions". `more` is Exchange's."""
        return Exchange(self, method, path, body, **more)

    def request(self, method: str, path: str, body: bytes) -> bytes:
        """The bytes of a request."""
        target = quote(self._url.path + path, safe="/%:@!$&'()*+,;=~")
        if self._proxy and self._url.scheme == "http":
            target = f"http://{self._url.netloc}{target}"
        return f"{method} {target} HTTP/1.1\r\n{self._head}Content-Length: {len(body)}\r\n\r\n".encode() + body

    def connect(self) -> socket.socket:
        """A new connection, through the proxy and with TLS where needed. Raises OSError."""
        host, port = self.address
        limit_s = self._connect_timeout_s
        if self._url.scheme == "http":
            connection = http.client.HTTPConnection(host, port, timeout=limit_s)
        else:
            connection = http.client.HTTPSConnection(host, port, timeout=limit_s, context=_tls())
            if self._proxy:
                connection.set_tunnel(self._url.hostname or "", self._url.port or 443, headers=_proxy_key(self._proxy))
        try:
            connection.connect()
        except BaseException:
            connection.close()
            raise
        return connection.sock

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
            old = [s for since, s in self._idle if now - since >= _IDLE_S]
            self._idle = [(since, s) for since, s in self._idle if now - since < _IDLE_S]
            if len(self._idle) < _IDLE_KEEP:
                self._idle.append((now, sock))
            else:
                old.append(sock)
        for sock in old:
            sock.close()


def _base(address: str) -> SplitResult:
    try:
        url = urlsplit(address.rstrip("/"))
        _ = url.port  # raises ValueError, too
    except ValueError:
        raise SettingsError("llm.bad_base_url", address=address) from None
    if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment:
        raise SettingsError("llm.bad_base_url", address=address)
    if url.username or url.password:
        raise SettingsError("llm.key_in_url")
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
