"""An upstream that costs next to nothing, and callers: `benchmarks.llm_proxy` measures the proxy between the two.

Both run on asyncio in processes of their own, so that neither waits for the other's Python. A request says how many
words it wants and at what pace; every word carries its number and the time it was sent (`time.monotonic`, which is one
clock for all processes of a machine).
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

import aiohttp
from aiohttp import web

_BACKLOG = 1024
_LIMITS = aiohttp.ClientTimeout(total=None, sock_read=60.0)  # between two pieces of a reply


async def _list_models(request: web.Request) -> web.Response:
    return web.json_response({"object": "list", "data": [{"id": "stub", "object": "model"}]})


async def _write_words(request: web.Request) -> web.StreamResponse:
    asked, loop = await request.json(), asyncio.get_running_loop()
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    next_s, last = loop.time(), asked["words"] - 1
    for number in range(last + 1):
        choice = {
            "index": 0,
            "delta": {"content": f"word{number} "},
            "finish_reason": "stop" if number == last else None,
        }
        event = {"object": "chat.completion.chunk", "sent_s": time.monotonic(), "choices": [choice]}
        await response.write(b"data: %s\n\n" % json.dumps(event).encode())
        next_s += asked["pace_s"]
        await asyncio.sleep(next_s - loop.time())
    await response.write(b"data: [DONE]\n\n")
    return response


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
        app = web.Application()
        app.add_routes([web.get("/v1/models", _list_models), web.post("/v1/chat/completions", _write_words)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=_BACKLOG).start()
        pipe.send(f"http://127.0.0.1:{runner.addresses[0][1]}/v1")
        await asyncio.Event().wait()

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
    body = {
        "messages": [{"role": "user", "content": "hi"}],
        "stream": True,
        "model": "",
        "words": words,
        "pace_s": pace_s,
    }
    until, spread_s = time.monotonic() + seconds, min(words * pace_s, seconds) / callers

    async def caller(session: aiohttp.ClientSession, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        while time.monotonic() < until:
            try:
                await _listen(session, f"{base_url}/chat/completions", body, figures)
            except (aiohttp.ClientError, OSError, ValueError, asyncio.TimeoutError) as error:
                figures.faults.append(f"{type(error).__name__}: {error}")
                return

    async def run() -> None:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(timeout=_LIMITS, connector=connector, raise_for_status=True) as session:
            await asyncio.gather(*(caller(session, n * spread_s) for n in range(callers)))

    asyncio.run(run())
    return figures


async def _listen(session: aiohttp.ClientSession, url: str, body: dict[str, object], figures: CallFigures) -> None:
    """One reply to its end. Raises ValueError when words are missing or out of order."""
    started_s, number = time.monotonic(), 0
    async with session.post(url, json=body) as answer:
        async for line in answer.content:
            if not line.startswith(b"data: {"):
                continue
            now, chunk = time.monotonic(), json.loads(line[6:])
            if chunk.get("error"):
                raise ValueError(str(chunk["error"]))
            if chunk["choices"][0]["delta"]["content"] != f"word{number} ":
                raise ValueError(f"word {number} is missing or in the wrong place")
            if number:
                figures.transit_ms.append((now - chunk["sent_s"]) * 1000)
            else:
                figures.first_ms.append((now - started_s) * 1000)
            number += 1
    if number != body["words"]:
        raise ValueError(f"{number} of {body['words']} words came")
    figures.words += number
    figures.streams += 1
