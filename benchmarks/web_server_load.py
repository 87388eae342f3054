"""Callers for `benchmarks.web_server`, on asyncio in a process of their own."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

import aiohttp

from huiyin.services.common.serve import allow_open_files

HALF_OPEN = 1000
ANSWER_LIMIT_S = 5.0  # a request that takes longer counts as not answered
BODY = bytes(2 * 16_000 * 3)  # a spoken turn of 3 s
_SETTLE_S = 2.0  # for all half-open connections to stand
_BETWEEN_S = 0.02  # requests for /health
_HALVES = (
    b"GET /health HTTP/1.1\r\nHost: local",
    b"POST /size HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf",
)


def requests_ms(url: str, path: str, callers: int, seconds: float) -> list[float]:
    """The time of each request that `callers` made one after another: GET `path`, or POST /size."""

    async def one(session: aiohttp.ClientSession) -> None:
        call = session.post(url + path, data=BODY) if path == "/size" else session.get(url + path)
        async with call as answer:
            assert answer.status == 200
            await answer.read()

    return asyncio.run(_all(callers, seconds, one))


def first_words_ms(url: str, callers: int, seconds: float) -> list[float]:
    """From each request to the first word of its stream."""

    async def one(session: aiohttp.ClientSession) -> float:
        started_s = time.perf_counter()
        async with session.get(f"{url}/words") as answer:
            await answer.content.readany()
            first_ms = (time.perf_counter() - started_s) * 1000
            await answer.read()
        return first_ms

    return asyncio.run(_all(callers, seconds, one))


def half_open_ms(url: str, seconds: float) -> tuple[list[float], int]:
    """(times of /health meanwhile, requests without an answer) beside half-open connections, renewed when closed."""
    return asyncio.run(_half_open(url, seconds))


async def _all(
    callers: int, seconds: float, one: Callable[[aiohttp.ClientSession], Awaitable[float | None]]
) -> list[float]:
    times_ms: list[float] = []
    end_s = time.perf_counter() + seconds

    async def caller(session: aiohttp.ClientSession) -> None:
        while (started_s := time.perf_counter()) < end_s:
            own_ms = await one(session)
            times_ms.append((time.perf_counter() - started_s) * 1000 if own_ms is None else own_ms)

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        await asyncio.gather(*(caller(session) for _ in range(callers)))
    return times_ms


async def _half_open(url: str, seconds: float) -> tuple[list[float], int]:
    allow_open_files()
    host, _, port = url.removeprefix("http://").partition(":")

    async def hold(half: bytes) -> None:
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await asyncio.open_connection(host, int(port))
                writer.write(half)
                await reader.read()
                writer.close()

    holding = [asyncio.ensure_future(hold(_HALVES[number % 2])) for number in range(HALF_OPEN)]
    await asyncio.sleep(_SETTLE_S)
    times_ms, lost = [], 0
    end_s = time.perf_counter() + seconds
    while (started_s := time.perf_counter()) < end_s:
        try:
            limit = aiohttp.ClientTimeout(total=ANSWER_LIMIT_S)
            async with aiohttp.ClientSession(timeout=limit) as session, session.get(f"{url}/health") as answer:
                await answer.read()
            times_ms.append((time.perf_counter() - started_s) * 1000)
        except (aiohttp.ClientError, asyncio.TimeoutError):
            lost += 1
        await asyncio.sleep(_BETWEEN_S)
    for task in holding:
        task.cancel()
    await asyncio.gather(*holding, return_exceptions=True)
    return times_ms, lost
