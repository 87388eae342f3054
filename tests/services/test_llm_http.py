"""The LLM service's HTTP client: any cut of the same bytes gives the same response; a broken one is an error."""

from __future__ import annotations

import contextlib
import http.client
import random
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from huiyin.services.common.upstreams.http_client import HttpClient
from tests.support.limits import PATIENCE_S

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNKED = HEAD + b"5\r\nhello\r\n1;note=x\r\n \r\n0A\r\nthere\r\n\r\nx\r\n0\r\nTrailer: y\r\n\r\n"
SAID = b"hello there\r\n\r\nx"


@contextlib.contextmanager
def server(*pieces: bytes) -> Iterator[str]:
    """Answers each request of one connection with `pieces`, the next when the one before has left, then closes it."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        with contextlib.suppress(OSError), listener.accept()[0] as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.recv(65536)
            for piece in pieces:
                connection.sendall(piece)

    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    with listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    thread.join(PATIENCE_S)


def pieces_of(url: str) -> list[bytes]:
    until, found = time.monotonic() + PATIENCE_S, list[bytes]()
    with contextlib.closing(HttpClient(url, {}, connect_timeout_s=PATIENCE_S).exchange("GET", "/x")) as exchange:
        while piece := exchange.piece(until, lambda: False):
            found.append(piece)
    return found


def test_a_chunked_response_is_the_same_however_it_is_cut() -> None:
    chance = random.Random(5)
    cuttings = [[at] for at in range(0, len(CHUNKED), 3)] + [list(range(1, len(CHUNKED)))]
    cuttings += [sorted(chance.sample(range(len(CHUNKED)), 7)) for _ in range(10)]
    for cuts in cuttings:
        with server(*(CHUNKED[a:b] for a, b in zip([0, *cuts], [*cuts, None], strict=True))) as url:
            assert b"".join(pieces_of(url)) == SAID, cuts


def test_chunks_that_came_together_are_given_together() -> None:
    with server(CHUNKED) as url:
        assert pieces_of(url) == [SAID]


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\n\r\nhello",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello",
    ],
)
def test_a_body_ends_with_its_length_or_with_the_connection(answer: bytes) -> None:
    with server(answer) as url:
        assert b"".join(pieces_of(url)) == b"hello"


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", http.client.RemoteDisconnected),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", http.client.IncompleteRead),
        (CHUNKED[:-20], http.client.IncompleteRead),
        (HEAD + b"A\r\nhello", http.client.IncompleteRead),
        (b"SSH-2.0-OpenSSH_9\r\n", http.client.BadStatusLine),
        (CHUNKED.replace(b"0A", b"zz"), http.client.HTTPException),
        (CHUNKED.replace(b"5\r\nhello", b"4\r\nhello"), http.client.HTTPException),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000, http.client.LineTooLong),
    ],
)
def test_what_is_not_a_complete_http_response_is_an_error(data: bytes, error: type[Exception]) -> None:
    with server(data) as url, pytest.raises(error):
        pieces_of(url)
