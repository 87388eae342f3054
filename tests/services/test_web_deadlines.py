"""Clients that wait, stall, leave, or speak no HTTP: the server goes on answering the others."""

from __future__ import annotations

import http.client
import json
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import psutil
import pytest
import requests
from flask import Flask, Response, request
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from huiyin.services.common import connection, errors
from huiyin.services.common.wsgi import AHEAD_BYTES
from tests.support.limits import PATIENCE_S, until
from tests.support.live_server import connected, running

HALF_OPEN = 50  # of each kind: more than there are threads
FEW = 10  # threads: for requests one after another
SHORT_S = 0.2
IN_BUFFERS = 32 * 2**20  # bytes; the system's buffers of one connection have less
HALF_HEADER = b"GET /health HTTP/1.1\r\nHost: local"
HALF_BODY = b"POST /size HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf"


class Endless:
    """A stream that is produced as fast as it is taken."""

    def __init__(self) -> None:
        self.produced = 0
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        try:
            while True:
                self.produced += 2**16
                yield bytes(2**16)
        finally:
            self.closed.set()


@pytest.fixture
def endless() -> Endless:
    return Endless()


@pytest.fixture
def url(endless: Endless) -> Iterator[str]:
    app = Flask("under-test")
    errors.install(app)
    app.get("/health", endpoint="health")(lambda: {"status": "ok"})
    app.post("/size", endpoint="size")(lambda: {"size": len(request.get_data())})
    app.get("/endless", endpoint="endless")(lambda: Response(iter(endless)))
    with running(app) as base:
        yield base


def all_of(sock: socket.socket) -> bytes:
    """What comes until the server closes."""
    parts = []
    try:
        while data := sock.recv(2**16):
            parts.append(data)
    except ConnectionError:
        pass
    return b"".join(parts)


def healthy(url: str) -> bool:
    return requests.get(f"{url}/health", timeout=PATIENCE_S).json() == {"status": "ok"}


def request_threads() -> int:
    return sum(thread.name.startswith("request") for thread in threading.enumerate())


def test_half_open_connections_occupy_no_thread_and_are_waited_for(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEADER_LIMIT_S", PATIENCE_S)
    monkeypatch.setattr(connection, "BODY_LIMIT_S", PATIENCE_S)
    assert healthy(url)
    with ExitStack() as stack:
        half_open = []
        for part in (HALF_HEADER, HALF_BODY):
            for _ in range(HALF_OPEN):
                half_open.append(stack.enter_context(connected(url)))
                half_open[-1].sendall(part)
        for _ in range(20):
            assert healthy(url)
        assert request_threads() < FEW
        half_open[0].sendall(b"host\r\n\r\n")
        half_open[-1].sendall(bytes(96))
        for sock in (half_open[0], half_open[-1]):
            answer = http.client.HTTPResponse(sock)
            answer.begin()
            assert answer.status == 200, "they were waited for"


def test_headers_that_do_not_end_close_the_connection(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEADER_LIMIT_S", SHORT_S)
    for part in (b"", HALF_HEADER):
        with connected(url) as sock:
            sock.sendall(part)
            assert all_of(sock) == b""


def test_a_kept_connection_may_be_silent_but_not_stop_in_a_header(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEADER_LIMIT_S", SHORT_S)
    target = urlsplit(url)
    silent, stopping = (http.client.HTTPConnection(target.hostname or "", target.port) for _ in range(2))
    for client in (silent, stopping):
        client.request("GET", "/health")
        client.getresponse().read()
    assert silent.sock is not None and stopping.sock is not None
    kept = silent.sock
    stopping.sock.sendall(HALF_HEADER)
    assert all_of(stopping.sock) == b""
    silent.request("GET", "/health")
    assert silent.getresponse().status == 200 and silent.sock is kept


@pytest.mark.parametrize("rest", [b"", b"\r\n7\r\nhalf"])
def test_a_body_that_stalls_is_refused_and_the_connection_closed(
    url: str, monkeypatch: pytest.MonkeyPatch, rest: bytes
) -> None:
    monkeypatch.setattr(connection, "BODY_LIMIT_S", SHORT_S)
    head = HALF_BODY if not rest else b"POST /size HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n" + rest
    with connected(url) as sock:
        sock.sendall(head)
        whole = all_of(sock)
    assert whole.startswith(b"HTTP/1.1 408 ") and json.loads(whole.partition(b"\r\n\r\n")[2])["error"]["hint"]
    assert healthy(url)


def test_what_a_client_does_not_take_is_not_produced(url: str, endless: Endless) -> None:
    with connected(url, receive_buffer=2**16) as sock:
        sock.sendall(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n")
        until(lambda: endless.produced >= AHEAD_BYTES)
        for _ in range(20):
            assert healthy(url)
        assert endless.produced < IN_BUFFERS and not endless.closed.is_set()
    assert endless.closed.wait(PATIENCE_S), "it left"


def test_a_client_that_takes_nothing_is_disconnected(
    url: str, endless: Endless, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "SEND_LIMIT_S", SHORT_S)
    with connected(url, receive_buffer=2**16) as sock:
        sock.sendall(b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert endless.closed.wait(PATIENCE_S)


def test_nothing_is_left_of_clients_that_leave_abruptly(url: str) -> None:
    process = psutil.Process()

    def leave(part: bytes) -> None:
        with connected(url) as sock:
            sock.sendall(part)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closed by a reset

    parts = (b"", HALF_HEADER, HALF_BODY, b"GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert healthy(url)
    files = process.num_fds()
    for _ in range(50):
        for part in parts:
            leave(part)
    until(lambda: process.num_fds() <= files, f"open files: {process.num_fds()} instead of {files}")
    assert healthy(url)


VALID = b"POST /size HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nX-A: b\r\n\r\n1234"
PARTS = st.sampled_from(
    [
        b"GET ", b"POST ", b"CONNECT ", b"OPTIONS ", b"/", b"*", b"/%", b"/%00", b"/\xff", b"http://", b"//", b"/a?b#c",
        b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", b" HTTP/9.9\r\n", b" HTTP/2\r\n", b"\r\n", b"\n", b"\r", b"\x00",
        b"Host: localhost\r\n", b"Host: localhost\r\nHost: evil\r\n", b"Content-Length: 4\r\n",
        b"Content-Length: -1\r\n", b"Content-Length: 99999999999999999999\r\n", b"Transfer-Encoding: chunked\r\n",
        b"Expect: 100-continue\r\n", b"Expect: much\r\n", b"Connection: Upgrade\r\nUpgrade: websocket\r\n",
        b"Upgrade: h2c\r\n", b"X: \xff\xfe\r\n", b"Origin: null\r\n", b"Content-Encoding: gzip\r\n", b"4\r\n1234\r\n",
        b"0\r\n\r\n", b"ffffffffffffffff\r\n", b": \r\n", b"A" * 10_000,
    ]
)  # fmt: skip
BROKEN = st.one_of(
    st.lists(PARTS, max_size=12).map(b"".join),
    st.binary(max_size=200),
    st.tuples(st.integers(0, len(VALID)), st.integers(0, len(VALID)), st.binary(max_size=8)).map(
        lambda cut: VALID[: min(cut[:2])] + cut[2] + VALID[max(cut[:2]) :]
    ),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=BROKEN)
def test_broken_http_is_answered_or_ended_and_disturbs_no_other_client(url: str, sent: bytes) -> None:
    with connected(url) as sock:
        try:
            sock.sendall(sent)
            sock.shutdown(socket.SHUT_WR)
        except OSError:  # it was closed already
            return
        answer = all_of(sock)
    assert answer == b"" or answer.startswith(b"HTTP/1.")
    assert b" 500 " not in answer.partition(b"\r\n")[0]
    assert healthy(url)
