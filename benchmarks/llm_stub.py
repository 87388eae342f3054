"""An upstream that costs next to nothing, and callers: `benchmarks.llm_proxy` measures the proxy between the two.

Both run on asyncio in processes of their own, so that neither waits for the other's Python. A request says how many
words it wants and at what pace; every word carries its number and the time it was sent (`time.monotonic`, which is one
clock for all processes of a machine).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import multiprocessing
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_LAST = b"data: [DONE]\n\n"
_EVENT = re.compile(rb"data: (\{.*\})\n\n")
_BACKLOG = 1024
REPLY_LIMIT_S = 60.0  # between two pieces of a reply, for a caller


class _Stub(asyncio.Protocol):
    """Answers one connection: GET with a list of models, POST with a stream of words."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._received = transport, b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, blank_line, rest = self._received.partition(b"\r\n\r\n")
        length = int((head.lower().partition(b"content-length:")[2].split(b"\r\n")[0] or b"0").strip())
        if not blank_line or len(rest) < length:
            return
        self._received = rest[length:]
        if head.startswith(b"GET"):
            body = b'{"object": "list", "data": [{"id": "stub", "object": "model"}]}'
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n")
            self._transport.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
            return
        request = json.loads(rest[:length])
        self._transport.write(_HEAD)
        self._loop, self._number = asyncio.get_running_loop(), 0
        self._words, self._pace_s = int(request["words"]), float(request["pace_s"])
        self._next_s = self._loop.time()
        self._write_word()

    def _write_word(self) -> None:
        if self._transport.is_closing():
            return
        if self._number == self._words:
            self._transport.write(_chunk(_LAST) + b"0\r\n\r\n")
            return
        reason = None if self._number + 1 < self._words else "stop"
        choice = {"index": 0, "delta": {"content": f"word{self._number} "}, "finish_reason": reason}
        event = {"object": "chat.completion.chunk", "sent_s": time.monotonic(), "choices": [choice]}
        self._transport.write(_chunk(b"data: %s\n\n" % json.dumps(event).encode()))
        self._number += 1
        self._next_s += self._pace_s
        self._loop.call_at(self._next_s, self._write_word)


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


@contextmanager
def stub_upstream() -> Iterator[str]:
    """A stub in a process of its own; gives its base URL."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_run_stub, args=(theirs,), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        process.terminate()
        process.join()


def _run_stub(pipe: Connection) -> None:
    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(_Stub, "127.0.0.1", 0, backlog=_BACKLOG)
        pipe.send(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1")
        await server.serve_forever()

    asyncio.run(run())


@dataclass
class CallFigures:
    """The measurements of the callers of one round."""

    first_ms: list[float] = field(default_factory=list)
    """From the request to the first word, one a stream."""
    transit_ms: list[float] = field(default_factory=list)
    """From the upstream's writing of a word to the caller's reading of it, one a word (but the first of a stream)."""
    words: int = 0
    streams: int = 0
    faults: list[str] = field(default_factory=list)
    """Streams that broke off, lost a word or had one out of order."""


def call(base_url: str, *, callers: int, words: int, pace_s: float, seconds: float) -> CallFigures:
    """So many callers, begun evenly over one stream's length, each asking again when its reply has ended, for about
    `seconds`. Runs its own event loop: call it in a process that does nothing else."""
    figures = CallFigures()

    async def run() -> None:
        until = time.monotonic() + seconds
        spread_s = min(words * pace_s, seconds) / callers
        await asyncio.gather(*(_caller(base_url, n * spread_s, until, words, pace_s, figures) for n in range(callers)))

    asyncio.run(run())
    return figures


async def _caller(base_url: str, delay_s: float, until: float, words: int, pace_s: float, figures: CallFigures) -> None:
    await asyncio.sleep(delay_s)
    host, _, path = base_url.removeprefix("http://").partition("/")
    name, _, port = host.partition(":")
    messages = [{"role": "user", "content": "hi"}]
    body = json.dumps({"messages": messages, "stream": True, "model": "", "words": words, "pace_s": pace_s}).encode()
    head = f"POST /{path}/chat/completions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    request = head.encode() + b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    reader, writer = await asyncio.open_connection(name, int(port))
    while time.monotonic() < until:
        try:
            writer.write(request)
            await _listen(reader, time.monotonic(), words, figures)
        except (OSError, EOFError, ValueError, asyncio.TimeoutError) as error:
            figures.faults.append(f"{type(error).__name__}: {error}")
            break
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


async def _listen(reader: asyncio.StreamReader, started_s: float, words: int, figures: CallFigures) -> None:
    """One reply to its end. Raises ValueError when words are missing or out of order."""
    status = await reader.readline()
    if b" 200 " not in status:
        raise ValueError(f"status {status!r}")
    rest, number = b"", 0
    while not rest.endswith(b"\r\n0\r\n\r\n"):
        piece = await asyncio.wait_for(reader.read(65536), REPLY_LIMIT_S)
        if not piece:
            raise EOFError(f"the stream ended after {number} words")
        now = time.monotonic()
        whole, end, rest = (rest + piece).rpartition(b"\n\n")  # a write holds whole events, a read may not
        for event in _EVENT.findall(whole + end):
            chunk = json.loads(event)
            if chunk.get("error"):
                raise ValueError(str(chunk["error"]))
            if chunk["choices"][0]["delta"]["content"] != f"word{number} ":
                raise ValueError(f"word {number} is missing or in the wrong place")
            if number:
                figures.transit_ms.append((now - chunk["sent_s"]) * 1000)
            else:
                figures.first_ms.append((now - started_s) * 1000)
            number += 1
    if number != words:
        raise ValueError(f"{number} of {words} words came")
    figures.words += words
    figures.streams += 1
