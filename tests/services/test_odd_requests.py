"""Requests that no library sends: each is refused in words or served, and none is called the server's mistake."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
import requests
from aiohttp import web
from flask import Flask, request

from huiyin.services.common import errors
from huiyin.services.common.app import json_body
from huiyin.services.common.routes import add_route
from huiyin.services.common.watch import client_left
from tests.support.limits import PATIENCE_S, until
from tests.support.live_server import running

HEAD = b"HTTP/1.1\r\nHost: localhost\r\n"


def make_app(left: threading.Event) -> Flask:
    app = Flask("under-test")
    app.config["MAX_CONTENT_LENGTH"] = 2**20
    errors.install(app)

    @app.get("/hello")
    def hello() -> dict[str, str]:
        return {"hello": "world"}

    @app.post("/value")
    def value() -> dict[str, object]:
        return {"value": json_body()["value"]}

    @app.post("/slow")
    def slow() -> dict[str, object]:
        until(client_left(request.environ), "the client never left")
        left.set()
        return {}

    async def added(request: web.Request) -> web.StreamResponse:
        return web.json_response({"size": len(await request.read())})

    add_route(app, "POST", "/added/{name}", added)
    return app


@pytest.fixture
def left() -> threading.Event:
    return threading.Event()


@pytest.fixture
def url(left: threading.Event) -> Iterator[str]:
    with running(make_app(left)) as base:
        yield base


def connect(url: str) -> socket.socket:
    target = urlsplit(url)
    return socket.create_connection((target.hostname or "", target.port or 0), PATIENCE_S)


def answer_on(sock: socket.socket) -> tuple[http.client.HTTPResponse, dict[str, object]]:
    """The answer that comes, after those that are none (100 Continue)."""
    answer = http.client.HTTPResponse(sock)
    answer.begin()
    return answer, json.loads(answer.read())


def answer_to(url: str, raw: bytes) -> tuple[int, str]:
    """(status, code of the error, '' where it is none) for these bytes."""
    with connect(url) as sock:
        sock.sendall(raw)
        answer, body = answer_on(sock)
        return answer.status, str(body.get("error", {}).get("code", ""))  # type: ignore[attr-defined]


def posted(path: str, body: bytes, headers: bytes = b"Content-Type: application/json\r\n") -> bytes:
    return b"POST %s %s%sContent-Length: %d\r\n\r\n%s" % (path.encode(), HEAD, headers, len(body), body)


CHUNKED = b"POST /added/x " + HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "body",
    [
        b'{"value": %s}' % (b"9" * 4000),
        b'{"value": %s}' % (b"9" * 5000),
        b'{"value": -%s}' % (b"9" * 400),
        b'{"value": 1e999}',
        b'{"value": NaN}',
        b'{"value": [-Infinity]}',
        b'{"value": "\xed\xa0\x80"}',
        b'{"value": "\xff"}',
        b'{"value": ' + b"[" * 100 + b"]" * 100 + b"}",
        b'{"value": ' + b"[" * 100_000,
        b"[1]",
        b"",
    ],
    ids=lambda body: body[:14].decode("latin-1"),
)
def test_what_is_no_json_object_is_refused(url: str, body: bytes) -> None:
    assert answer_to(url, posted("/value", body)) == (400, "bad_json")


@pytest.mark.parametrize("text", ["\\ud800", "a\\udfffb", "\\ud83d"])
def test_half_a_character_becomes_a_question_mark(url: str, text: str) -> None:
    headers = {"Content-Type": "application/json"}
    answer = requests.post(f"{url}/value", data=f'{{"value": "{text}"}}', headers=headers, timeout=PATIENCE_S)
    assert (answer.status_code, answer.json()["value"].strip("ab")) == (200, "?")


@pytest.mark.parametrize(
    "raw",
    [
        CHUNKED + b"zz\r\nabc\r\n0\r\n\r\n",
        CHUNKED + b"-5\r\nabc\r\n0\r\n\r\n",
        CHUNKED + b"f" * 20 + b"\r\nabc\r\n0\r\n\r\n",
        CHUNKED + b"3\r\nabc\r\nzz\r\n",
        b"POST /added/x " + HEAD + b"Content-Length: abc\r\n\r\n",
        b"POST /added/x " + HEAD + b"Content-Length: -1\r\n\r\n",
        b"POST /added/x " + HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"GET http://[bad/hello " + HEAD + b"\r\n",
        b"GET /\xff " + HEAD + b"\r\n",
        b"GET /hello HTTP/9.9\r\nHost: localhost\r\n\r\n",
    ],
    ids=range(10),
)
def test_what_is_no_http_is_a_bad_request(url: str, raw: bytes) -> None:
    assert answer_to(url, raw) == (400, "bad_request")


@pytest.mark.parametrize("origin", [b"http://[bad", b"http://\xff", b"://", b"null", b"http://a b"])
def test_an_origin_that_is_none_is_a_foreign_one(url: str, origin: bytes) -> None:
    assert answer_to(url, b"GET /hello " + HEAD + b"Origin: " + origin + b"\r\n\r\n") == (403, "foreign_origin")


@pytest.mark.parametrize("host", [b"[bad", b"localhost:99999999", b"\xff", b""])
def test_a_host_that_is_none_is_a_foreign_one(url: str, host: bytes) -> None:
    assert answer_to(url, b"GET /hello HTTP/1.1\r\nHost: " + host + b"\r\n\r\n") == (403, "foreign_host")


@pytest.mark.parametrize("path", ["/value", "/added/x"])
def test_what_cannot_be_expected_is_said(url: str, path: str) -> None:
    assert answer_to(url, posted(path, b"{}", b"Expect: miracles\r\n")) == (417, "bad_request")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/hello", {"GET", "HEAD", "OPTIONS"}),
        ("TRACE", "/value", {"POST", "OPTIONS"}),
        ("GET", "/added/x", {"POST"}),
        ("OPTIONS", "/added/x", {"POST"}),
    ],
)
def test_another_method_is_told_those_there_are(url: str, method: str, path: str, allowed: set[str]) -> None:
    answer = requests.request(method, url + path, timeout=PATIENCE_S)
    assert (answer.status_code, answer.json()["error"]["code"]) == (405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) == allowed


@pytest.mark.parametrize(
    ("raw", "body"),
    [
        (b"GET /hello " + HEAD + b"\r\n", {"hello": "world"}),
        (b"GET /hello " + HEAD + b"Connection: close\r\n\r\n", {"hello": "world"}),
        (posted("/value", b'{"value": 7}'), {"value": 7}),
        (posted("/added/x", b"1234"), {"size": 4}),
        (CHUNKED + b"3\r\nabc\r\n0\r\n\r\n", {"size": 3}),
    ],
    ids=range(5),
)
def test_a_client_that_sends_no_more_is_served(url: str, raw: bytes, body: dict[str, object]) -> None:
    for _ in range(5):
        with connect(url) as sock:
            sock.sendall(raw)
            sock.shutdown(socket.SHUT_WR)
            answer, answered = answer_on(sock)
            assert (answer.status, answered) == (200, body)
            assert sock.recv(1) == b"", "nothing can follow, and the connection is closed"


def test_requests_sent_together_are_answered_to_a_client_that_sends_no_more(url: str) -> None:
    with connect(url) as sock:
        sock.sendall((b"GET /hello " + HEAD + b"\r\n") * 3)
        sock.shutdown(socket.SHUT_WR)
        whole = b"".join(iter(lambda: sock.recv(2**16), b""))
    assert whole.count(b'{"hello":"world"}') == 3


def test_a_client_that_leaves_is_not_taken_for_one_that_waits(url: str, left: threading.Event) -> None:
    with connect(url) as sock:
        sock.sendall(posted("/slow", b"{}"))
    assert left.wait(PATIENCE_S)


def test_an_upload_that_breaks_off_occupies_nothing(url: str) -> None:
    with connect(url) as sock:
        sock.sendall(posted("/added/x", b"1234")[:-1])
        sock.shutdown(socket.SHUT_WR)
        assert sock.recv(2**16) == b""
