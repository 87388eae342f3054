"""A service that ends with requests in hand: whoever asked at the web program's address gets a reason."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from aiohttp import web

from huiyin.assistant.clients import http
from tests.support.aiohttp_server import serving
from tests.support.limits import PATIENCE_S
from tests.web.door import open_door, settings_for


@pytest.fixture
def ends() -> threading.Event:
    """Set: the service ends."""
    return threading.Event()


@pytest.fixture
def url(ends: threading.Event, tmp_path: Path) -> Iterator[str]:
    """The web program; its services take what they are sent for the beginning of an answer, and end."""

    def end(request: web.Request) -> web.Response:
        assert request.transport
        request.transport.abort()
        return web.Response()

    async def before_an_answer(request: web.Request) -> web.StreamResponse:
        return end(request)

    async def within_events(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(await request.read())
        await asyncio.to_thread(ends.wait, PATIENCE_S)
        return end(request)

    async def within_an_answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        await response.write(b'{"text": "half of')
        return end(request)

    app = web.Application()
    app.router.add_post("/asr", before_an_answer)
    app.router.add_post("/v1/audio/transcriptions", within_an_answer)
    app.router.add_post("/v1/chat/completions", within_events)
    with serving(app) as port, open_door(tmp_path, settings=settings_for(port)) as base:
        yield base


@pytest.mark.parametrize("path", ["/asr", "/v1/audio/transcriptions"])
def test_a_service_that_ends_with_a_request_in_hand_costs_it_no_reason(url: str, path: str) -> None:
    answer = requests.post(url + path, data=b"sound", timeout=PATIENCE_S)
    assert answer.status_code == 502 and answer.headers["Retry-After"]
    assert answer.json()["error"]["code"] == "service_failed" and "ask again" in answer.json()["error"]["hint"]


def test_connections_to_services_are_closed_when_the_program_stops(tmp_path: Path) -> None:
    async def list_models(request: web.Request) -> web.Response:
        return web.json_response({"data": []})

    app, before = web.Application(), set(http._pools)
    app.router.add_get("/v1/models", list_models)
    with serving(app) as port, open_door(tmp_path, settings=settings_for(port)) as base:
        assert requests.get(f"{base}/v1/models", timeout=PATIENCE_S).ok
        (kept,) = [session for loop, (session, _) in http._pools.items() if loop not in before]
    assert kept.closed and set(http._pools) <= before


@pytest.mark.parametrize(("begun", "has_reason"), [(b"data: {}\n\n", True), (b'data: {}\n\ndata: {"ha', False)])
def test_events_that_break_off_end_with_a_reason_unless_one_is_half_sent(
    url: str, ends: threading.Event, begun: bytes, has_reason: bool
) -> None:
    with requests.post(f"{url}/v1/chat/completions", data=begun, stream=True, timeout=PATIENCE_S) as answer:
        pieces = answer.iter_content(len(begun))
        assert next(pieces) == begun
        ends.set()
        if has_reason:
            (event,) = b"".join(pieces).decode().strip().split("\n\n")
            assert json.loads(event.removeprefix("data: "))["error"]["code"] == "service_failed"
        else:
            with pytest.raises(requests.exceptions.ChunkedEncodingError):
                list(pieces)
