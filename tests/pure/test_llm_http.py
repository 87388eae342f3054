"""The reader of HTTP responses: any cut of the same bytes gives the same response; anything else is an error."""

from __future__ import annotations

import http.client
import random

import pytest

from huiyin.services.llm.http_response import ResponseReader

CHUNKED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n1;note=x\r\n \r\n0A\r\nthere\r\n\r\nx\r\n0\r\nTrailer: y\r\n\r\n"
)
SAID = b"hello there\r\n\r\nx"


def read(data: bytes, cuts: list[int], *, end: bool = False) -> tuple[ResponseReader, bytes]:
    reader, body = ResponseReader(), b""
    for start, stop in zip([0, *cuts], [*cuts, len(data)], strict=True):
        body += reader.feed(data[start:stop])
    if end:
        reader.end()
    return reader, body


def test_a_chunked_response_is_the_same_however_it_is_cut() -> None:
    chance = random.Random(5)
    cuttings = [[at] for at in range(len(CHUNKED))] + [list(range(1, len(CHUNKED)))]
    cuttings += [sorted(chance.sample(range(len(CHUNKED)), 7)) for _ in range(50)]
    for cuts in cuttings:
        reader, body = read(CHUNKED, cuts)
        assert (body, reader.done, reader.reusable) == (SAID, True, True), cuts
        assert reader.head is not None and reader.head.headers["content-type"] == "text/event-stream"


@pytest.mark.parametrize(
    ("head", "body", "said", "reusable"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5", b"hello", b"hello", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0", b"", b"", True),
        (b"HTTP/1.1 204 No Content", b"", b"", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close", b"hello", b"hello", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5", b"hello, and more", b"hello", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 5", b"hello", b"hello", False),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200\r\nContent-Length: 2", b"ok", b"ok", True),
    ],
)
def test_where_a_response_ends_and_whether_the_connection_can_be_used_again(
    head: bytes, body: bytes, said: bytes, reusable: bool
) -> None:
    reader, found = read(head + b"\r\n\r\n" + body, [])
    assert (found, reader.done, reader.reusable) == (said, True, reusable)


def test_without_a_length_it_lasts_until_the_connection_ends() -> None:
    reader, body = read(b"HTTP/1.1 200 OK\r\n\r\nhello", [20], end=True)
    assert (body, reader.done, reader.reusable) == (b"hello", True, False)


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", http.client.RemoteDisconnected),
        (b"HTTP/1.1 200 OK\r\n", http.client.IncompleteRead),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", http.client.IncompleteRead),
        (CHUNKED[:-2], http.client.IncompleteRead),
        (b"SSH-2.0-OpenSSH_9\r\n", http.client.BadStatusLine),
        (b"HTTP/1.1 ok\r\n\r\n", http.client.BadStatusLine),
        (CHUNKED.replace(b"0A", b"zz"), http.client.HTTPException),
        (CHUNKED.replace(b"0A", b"-2"), http.client.HTTPException),
        (CHUNKED.replace(b"5\r\nhello", b"4\r\nhello"), http.client.HTTPException),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000, http.client.LineTooLong),
    ],
)
def test_what_is_not_a_complete_http_response_is_an_error(data: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        read(data, [], end=True)
