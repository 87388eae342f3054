"""The web server of all programs: what a Flask app and its clients have of it."""

from __future__ import annotations

import http.client
import io
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from aiohttp import web
from flask import Flask, Response, request

from huiyin.configs.settings import ServiceSettings
from huiyin.services.common import errors
from huiyin.services.common.errors import ApiError
from huiyin.services.common.routes import add_route
from huiyin.services.common.watch import client_left
from tests.support.limits import PATIENCE_S, until
from tests.support.live_server import running

MIB = 2**20


class Seen:
    """What the app under test has noticed."""

    def __init__(self) -> None:
        self.closed = threading.Event()
        self.produced = 0
        self.go_on = threading.Event()


def make_app(seen: Seen) -> Flask:
    app = Flask("under-test")
    app.config["MAX_CONTENT_LENGTH"] = 3 * MIB
    errors.install(app)

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.route("/echo/<path:rest>", methods=["GET", "POST", "PUT"])
    def echo(rest: str) -> dict[str, Any]:
        return {
            "method": request.method,
            "rest": rest,
            "query": request.query_string.decode("latin-1"),
            "headers": dict(request.headers),
            "size": len(request.get_data()),
            "remote": request.remote_addr,
        }

    @app.post("/form")
    def form() -> dict[str, Any]:
        return {"name": request.form["name"], "size": len(request.files["file"].read())}

    @app.get("/endless")
    def endless() -> Response:
        def pieces() -> Iterator[bytes]:
            try:
                while True:
                    seen.produced += 2**16
                    yield bytes(2**16)
            finally:
                seen.closed.set()

        return Response(pieces())

    @app.get("/silent")
    def silent() -> Response:
        left = client_left(request.environ)

        def pieces() -> Iterator[bytes]:
            yield b"one"
            until(left, "the client never left")
            seen.closed.set()

        return Response(pieces())

    @app.get("/breaks")
    def breaks() -> Response:
        def pieces() -> Iterator[bytes]:
            yield b"one"
            raise OSError("the rest is lost")

        return Response(pieces())

    @app.get("/words")
    def words() -> Response:
        def pieces() -> Iterator[bytes]:
            yield b"first "
            assert seen.go_on.wait(PATIENCE_S)
            yield b"second"

        return Response(pieces())

    @app.get("/fails")
    def fails() -> Response:
        raise RuntimeError("a secret")

    async def added(request: web.Request) -> web.StreamResponse:
        if "refuse" in request.query:
            raise ApiError(429, "services.not_json", retry_after_s=7)
        return web.json_response({"name": request.match_info["name"]})

    add_route(app, "GET", "/added/{name}", added)
    return app


@pytest.fixture
def seen() -> Seen:
    return Seen()


@pytest.fixture
def url(seen: Seen) -> Iterator[str]:
    with running(make_app(seen)) as base:
        yield base


def connect(url: str) -> socket.socket:
    target = urlsplit(url)
    return socket.create_connection((target.hostname or "", target.port or 0), PATIENCE_S)


def ask(url: str, raw: bytes) -> tuple[http.client.HTTPResponse, bytes]:
    """The answer to bytes as they are."""
    with connect(url) as sock:
        sock.sendall(raw)
        answer = http.client.HTTPResponse(sock, method=raw[:4].decode().strip())
        answer.begin()
        return answer, answer.read()


def test_three_thousand_chinese_characters_may_stand_in_an_address(url: str) -> None:
    answer = requests.get(f"{url}/echo/x", params={"prompt": "好" * 3000}, timeout=PATIENCE_S)
    assert answer.json()["query"] == "prompt=" + "%E5%A5%BD" * 3000


def test_a_view_gets_the_request_as_it_was_sent(url: str) -> None:
    answer = requests.post(
        f"{url}/echo/%E4%BD%A0%20%2F?q=%E5%A5%BD&q=a+b",
        data=b"x" * 10,
        headers={"X-Twice": "a", "Content-Type": "text/x"},
        timeout=PATIENCE_S,
    ).json()
    assert (answer["method"], answer["rest"], answer["query"]) == ("POST", "你 /", "q=%E5%A5%BD&q=a+b")
    assert (answer["size"], answer["headers"]["Content-Length"]) == (10, "10")
    assert (answer["headers"]["X-Twice"], answer["headers"]["Content-Type"]) == ("a", "text/x")
    assert answer["remote"] == "127.0.0.1"


@pytest.mark.parametrize("size", [0, 1, MIB, MIB + 1, 3 * MIB])
@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_of_any_size_come_whole(url: str, size: int, chunked: bool) -> None:
    data = bytes(size)
    body = iter([data[i : i + 100_000] for i in range(0, size, 100_000)]) if chunked else data
    assert requests.put(f"{url}/echo/x", data=body, timeout=PATIENCE_S).json()["size"] == size


def test_a_form_with_a_file(url: str) -> None:
    files = {"file": ("a.wav", io.BytesIO(bytes(2 * MIB)))}
    answer = requests.post(f"{url}/form", data={"name": "你"}, files=files, timeout=PATIENCE_S)
    assert answer.json() == {"name": "你", "size": 2 * MIB}


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(url: str) -> None:
    head = f"POST /echo/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: {3 * MIB + 1}\r\nExpect: 100-continue\r\n\r\n"
    answer, body = ask(url, head.encode())
    assert answer.status == 413 and json.loads(body)["error"]["code"] == "too_large"
    chunks = iter([bytes(MIB)] * 4)
    answered = requests.post(f"{url}/echo/x", data=chunks, timeout=PATIENCE_S)
    assert answered.status_code == 413 and "3 MB" in answered.json()["error"]["message"]


def test_a_client_that_waits_is_told_to_go_on(url: str) -> None:
    with connect(url) as sock:
        sock.sendall(b"POST /echo/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        assert sock.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b"1234")
        answer = http.client.HTTPResponse(sock)
        answer.begin()
        assert json.loads(answer.read())["size"] == 4


def test_head_has_the_length_and_no_body(url: str) -> None:
    answer, body = ask(url, b"HEAD /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert answer.status == 200 and int(answer.getheader("Content-Length") or 0) > 0 and body == b""


def test_a_connection_is_kept(url: str) -> None:
    target = urlsplit(url)
    connection = http.client.HTTPConnection(target.hostname or "", target.port)
    for path in ("/health", "/breaks-not", "/added/x", "/health"):
        connection.request("GET", path)
        sock = connection.sock
        connection.getresponse().read()
        assert connection.sock is sock and sock is not None


def test_requests_sent_together_are_answered_in_order(url: str) -> None:
    raw = "".join(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n" for path in ("/added/a", "/echo/b", "/added/c"))
    with connect(url) as sock:
        sock.sendall(raw.encode() + b"GET /health HTTP/1.0\r\nHost: localhost\r\n\r\n")
        whole = b"".join(iter(lambda: sock.recv(2**16), b""))
    order = [whole.index(mark) for mark in (b'"name": "a"', b'"rest":"b"', b'"name": "c"', b'"status"')]
    assert order == sorted(order) and whole.count(b" 200 OK\r\n") == 4


def test_a_streamed_answer_comes_as_it_is_made(url: str, seen: Seen) -> None:
    with requests.get(f"{url}/words", stream=True, timeout=PATIENCE_S) as answer:
        pieces = answer.iter_content(None)
        assert next(pieces) == b"first "
        seen.go_on.set()
        assert next(pieces) == b"second"


def test_an_old_client_gets_a_stream_without_chunks(url: str, seen: Seen) -> None:
    seen.go_on.set()
    answer, body = ask(url, b"GET /words HTTP/1.0\r\nHost: localhost\r\n\r\n")
    assert answer.getheader("Transfer-Encoding") is None and body == b"first second"


def test_an_answer_that_breaks_off_is_an_error_for_its_client(url: str) -> None:
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        requests.get(f"{url}/breaks", timeout=PATIENCE_S)
    assert requests.get(f"{url}/health", timeout=PATIENCE_S).ok


def test_a_client_that_leaves_closes_the_stream(url: str, seen: Seen) -> None:
    with requests.get(f"{url}/endless", stream=True, timeout=PATIENCE_S) as answer:
        pieces = answer.iter_content(1000)
        next(pieces)
        assert not seen.closed.is_set()
    assert seen.closed.wait(PATIENCE_S)


def test_a_view_that_waits_can_ask_whether_its_client_left(url: str, seen: Seen) -> None:
    with requests.get(f"{url}/silent", stream=True, timeout=PATIENCE_S) as answer:
        pieces = answer.iter_content(3)  # closed, it would close the connection
        assert next(pieces) == b"one"
        assert not seen.closed.is_set()
    assert seen.closed.wait(PATIENCE_S)


def test_errors_are_json(url: str) -> None:
    for path, status, code in (("/nowhere", 404, "not_found"), ("/fails", 500, "internal_error")):
        answer = requests.get(url + path, timeout=PATIENCE_S)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code) and "secret" not in answer.text
    answer = requests.get(f"{url}/added/x?refuse", timeout=PATIENCE_S)
    error = answer.json()["error"]
    assert error["message"].endswith(f"; {error['hint']}"), "clients that show the message alone show what to do"
    assert answer.status_code == 429 and answer.headers["Retry-After"] == "7" and answer.json()["error"]["hint"]
    answered, body = ask(url, b"nonsense\r\n\r\n")
    assert answered.status == 400 and json.loads(body)["error"]["code"] == "bad_request"


def test_the_key_is_for_all_routes_but_health(seen: Seen) -> None:
    with running(make_app(seen), ServiceSettings(api_key="s3cret")) as url:
        for path in ("/echo/x", "/added/x", "/nowhere"):
            for headers in ({}, {"Authorization": "Bearer s3cre"}, {"Authorization": "Bearer \xe9"}):
                answer = requests.get(url + path, headers=headers, timeout=PATIENCE_S)
                assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthorized")
        assert requests.get(f"{url}/health", timeout=PATIENCE_S).ok
        key = {"Authorization": "Bearer s3cret"}
        assert requests.get(f"{url}/added/x", headers=key, timeout=PATIENCE_S).json() == {"name": "x"}
