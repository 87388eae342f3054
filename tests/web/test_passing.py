"""The services' addresses at the web program: passed on as they come, and what is said where a service is not there."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
import requests
from aiohttp import web

from tests.support.aiohttp_server import serving
from tests.support.limits import PATIENCE_S
from tests.web.door import KEY, open_door, settings_for

SERVICE_KEY = "the-services-own"
BLOCK = bytes(2**20)
UPLOAD_MB = 300
ROOM_MB = 60  # by which three programs in one process may grow meanwhile


@dataclass
class Service:
    """Answers as the tests say, and keeps what it was asked."""

    go_on: threading.Event = field(default_factory=threading.Event)
    came: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)
    headers: dict[str, str] = field(default_factory=dict)
    method: str = ""
    path: str = ""
    body: bytes = b""
    received: int = 0
    close_code: int | None = None

    async def wait(self) -> None:
        """For `go_on`, without holding up the service."""
        await asyncio.get_running_loop().run_in_executor(None, self.go_on.wait, PATIENCE_S)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=0)
        app.router.add_post("/v1/audio/transcriptions", self.refuse)
        app.router.add_post("/v1/audio/speech", self.speak)
        app.router.add_post("/v1/chat/completions", self.answer_slowly)
        app.router.add_post("/asr", self.take)
        app.router.add_post("/jobs", self.take)
        app.router.add_get("/jobs/{id}/recording", self.play)
        app.router.add_delete("/jobs/{id}", self.play)
        app.router.add_post("/audio", self.break_off)
        app.router.add_get("/voices", self.other_key)
        app.router.add_get("/v1/models", self.models)
        app.router.add_get("/v1/stream", self.talk)
        return app

    def keep(self, request: web.Request) -> None:
        self.headers, self.path = dict(request.headers), request.path_qs

    async def refuse(self, request: web.Request) -> web.StreamResponse:
        error = {"error": {"code": "too_busy", "message": "not now", "hint": "later"}}
        return web.json_response(error, status=429, headers={"Retry-After": "7", "Set-Cookie": "a=b"})

    async def speak(self, request: web.Request) -> web.StreamResponse:
        self.keep(request)
        self.body = await request.read()
        response = web.StreamResponse(headers={"Content-Type": "audio/pcm", "X-Huiyin-Voice": "heart"})
        await response.prepare(request)
        await response.write(b"first")
        await self.wait()
        await response.write(b"last")
        return response

    async def answer_slowly(self, request: web.Request) -> web.StreamResponse:
        self.came.set()
        try:
            await asyncio.sleep(PATIENCE_S)
        except asyncio.CancelledError:
            self.left.set()
            raise
        return web.Response()

    async def take(self, request: web.Request) -> web.StreamResponse:
        self.keep(request)
        async for piece in request.content.iter_any():
            self.received += len(piece)
            self.came.set()
        return web.json_response({"received": self.received})

    async def play(self, request: web.Request) -> web.StreamResponse:
        self.keep(request)
        self.method = request.method
        headers = {"Content-Range": "bytes 2-3/9", "Accept-Ranges": "bytes"}
        return web.Response(status=206, body=b"un", headers=headers, content_type="audio/wav")

    async def break_off(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"half")
        await self.wait()
        assert request.transport
        request.transport.abort()
        return response

    async def other_key(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"error": {"message": "this service wants a key"}}, status=401)

    async def models(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"object": "list", "data": [{"id": "tiny/model", "object": "model"}]})

    async def talk(self, request: web.Request) -> web.StreamResponse:
        self.keep(request)
        if "rate" not in request.query:
            return web.json_response({"error": {"code": "bad_rate", "message": "no rate"}}, status=400)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_json({"type": "ready"})
        async for message in socket:
            if message.type is aiohttp.WSMsgType.BINARY:
                await socket.send_json({"type": "partial", "bytes": len(message.data)})
            elif json.loads(message.data)["type"] == "crash":
                assert request.transport
                request.transport.abort()
            elif json.loads(message.data)["type"] == "end":
                await socket.close(code=4001)
        self.close_code = socket.close_code
        self.left.set()
        return socket


@pytest.fixture
def service() -> Service:
    """All three services in one."""
    return Service()


@pytest.fixture
def url(service: Service, page: Path) -> Iterator[str]:
    """The web program with `service` behind it."""
    with serving(service.app()) as port:
        settings = settings_for(port, service_key=SERVICE_KEY)
        with open_door(page, key=KEY, settings=settings) as url:
            yield url


@pytest.fixture
def client() -> requests.Session:
    """Has the key of the door."""
    session = requests.Session()
    session.headers["Authorization"] = f"Bearer {KEY}"
    return session


# -- what goes in and what comes out


def test_the_services_key_is_put_in_and_the_callers_stays_out(
    url: str, service: Service, client: requests.Session
) -> None:
    service.go_on.set()
    headers = {"Cookie": "a=b", "X-Huiyin-Session": "kitchen", "Referer": f"{url}/", "Origin": url}
    answer = client.post(f"{url}/v1/audio/speech?words=%E5%BC%A0%2B%26", json={"input": "hello"}, headers=headers)
    assert answer.content == b"firstlast"
    assert answer.headers["Content-Type"] == "audio/pcm" and answer.headers["X-Huiyin-Voice"] == "heart"
    assert json.loads(service.body) == {"input": "hello"} and service.path == "/v1/audio/speech?words=%E5%BC%A0%2B%26"
    assert service.headers["Authorization"] == f"Bearer {SERVICE_KEY}"
    assert service.headers["X-Huiyin-Session"] == "kitchen"
    assert service.headers.keys().isdisjoint({"Cookie", "Referer", "Origin"})
    assert KEY not in str(service.headers)


def test_what_comes_from_a_service_is_no_part_of_the_page(url: str, client: requests.Session) -> None:
    answer = client.post(f"{url}/v1/audio/transcriptions")
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers


def test_a_refusal_comes_in_the_services_words(url: str, client: requests.Session) -> None:
    answer = client.post(f"{url}/v1/audio/transcriptions", data=b"sound")
    assert answer.status_code == 429 and answer.headers["Retry-After"] == "7"
    assert answer.json()["error"] == {"code": "too_busy", "message": "not now", "hint": "later"}


def test_a_refusal_comes_before_all_was_sent(url: str, client: requests.Session) -> None:
    answer = client.post(f"{url}/v1/audio/transcriptions", data=iter([BLOCK] * 20))
    assert answer.status_code == 429 and answer.json()["error"]["code"] == "too_busy"


def test_the_first_byte_comes_before_the_last_was_sent(url: str, service: Service, client: requests.Session) -> None:
    with client.post(f"{url}/v1/audio/speech", json={}, stream=True) as answer:
        pieces = answer.iter_content(None)
        assert next(pieces) == b"first"
        service.go_on.set()
        assert b"".join(pieces) == b"last"


def test_an_upload_arrives_while_it_is_sent(url: str, service: Service, client: requests.Session) -> None:
    def sound() -> Iterator[bytes]:
        yield b"first"
        assert service.came.wait(PATIENCE_S), "nothing arrives before all was sent"
        yield b"last"

    assert client.post(f"{url}/asr?stream=false", data=sound()).json() == {"received": 9}


def test_jobs_are_made_played_in_part_and_deleted(url: str, service: Service, client: requests.Session) -> None:
    assert client.post(f"{url}/jobs", data=iter([BLOCK] * 3)).json() == {"received": 3 * len(BLOCK)}
    part = client.get(f"{url}/jobs/3f/recording", headers={"Range": "bytes=2-3"})
    assert service.headers["Range"] == "bytes=2-3"
    assert (part.status_code, part.content, part.headers["Content-Range"]) == (206, b"un", "bytes 2-3/9")
    assert client.delete(f"{url}/jobs/3f").content == b"un"
    assert (service.method, service.headers["Authorization"]) == ("DELETE", f"Bearer {SERVICE_KEY}")
    assert requests.delete(f"{url}/jobs/3f").status_code == 401
    assert client.delete(f"{url}/jobs/3f", headers={"Origin": "https://elsewhere.example"}).status_code == 403


def test_a_service_sees_that_the_client_has_left(url: str, service: Service) -> None:
    async def leave() -> None:
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"}) as session:
            asking = asyncio.ensure_future(session.post(f"{url}/v1/chat/completions", json={}))
            await asyncio.get_running_loop().run_in_executor(None, service.came.wait, PATIENCE_S)
            asking.cancel()

    asyncio.run(leave())
    assert service.left.wait(PATIENCE_S)


def test_an_answer_that_breaks_off_does_not_look_whole(url: str, service: Service, client: requests.Session) -> None:
    with client.post(f"{url}/audio", json={}, stream=True) as answer:
        pieces = answer.iter_content(len(b"half"))
        assert next(pieces) == b"half"
        service.go_on.set()
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            list(pieces)


@pytest.mark.slow
def test_a_long_recording_needs_no_memory(url: str, client: requests.Session) -> None:
    """Two hours of CD sound are larger than this; the client, the web program and the service are one process here."""
    client.post(f"{url}/asr", data=iter([BLOCK] * 10))
    before, most = psutil.Process().memory_info().rss, 0

    def sound() -> Iterator[bytes]:
        nonlocal most
        for _ in range(UPLOAD_MB):
            yield BLOCK
            most = max(most, psutil.Process().memory_info().rss)

    assert client.post(f"{url}/asr", data=sound()).json()["received"] == (UPLOAD_MB + 10) * len(BLOCK)
    assert (most - before) / 2**20 < ROOM_MB


# -- models


def test_the_models_of_all_services_are_one_list(url: str, client: requests.Session) -> None:
    listed = client.get(f"{url}/v1/models").json()
    assert [(model["id"], model["kind"]) for model in listed["data"]] == [
        ("tiny/model", "llm"),
        ("tiny/model", "asr"),
        ("tiny/model", "tts"),
    ]
    assert listed["unreachable"] == []
    assert client.get(f"{url}/v1/models/tiny/model").json()["kind"] == "llm"
    assert client.get(f"{url}/v1/models/none").json()["error"]["code"] == "no_model"


# -- a service that is not there


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/asr", "asr"),
        ("POST", "/jobs", "asr"),
        ("POST", "/v1/audio/transcriptions", "asr"),
        ("POST", "/v1/audio/translations", "asr"),
        ("POST", "/v1/chat/completions", "llm"),
        ("POST", "/v1/responses", "llm"),
        ("POST", "/v1/audio/speech", "tts"),
        ("POST", "/audio", "tts"),
        ("GET", "/voices", "tts"),
        ("GET", "/v1/audio/voices", "tts"),
        ("GET", "/v1/audio/models", "tts"),
    ],
)
def test_a_service_that_does_not_run_is_named_with_what_to_do(page: Path, method: str, path: str, name: str) -> None:
    with open_door(page) as url:
        answer = requests.request(method, url + path, data=b"x")
        assert answer.status_code == 503 and answer.headers["Retry-After"]
        error = answer.json()["error"]
        assert error["code"] == "service_down" and name in error["message"]
        assert f"huiyin serve {name}" in error["hint"]


def test_models_without_services_are_an_empty_list_that_says_so(page: Path) -> None:
    with open_door(page) as url:
        listed = requests.get(f"{url}/v1/models").json()
        assert listed["data"] == [] and set(listed["unreachable"]) == {"asr", "llm", "tts"}


def test_a_service_with_another_key_is_no_fault_of_the_caller(url: str, client: requests.Session) -> None:
    answer = client.get(f"{url}/voices")
    assert answer.status_code == 502
    assert "HUIYIN_SERVICE_API_KEY" in answer.json()["error"]["hint"]


# -- dictation


@contextmanager
def websocket(url: str, path: str) -> Iterator[tuple[asyncio.AbstractEventLoop, aiohttp.ClientWebSocketResponse]]:
    loop = asyncio.new_event_loop()

    async def connect() -> tuple[aiohttp.ClientSession, aiohttp.ClientWebSocketResponse]:
        session = aiohttp.ClientSession(headers={"Authorization": f"Bearer {KEY}"})
        try:
            return session, await session.ws_connect(url + path)
        except aiohttp.ClientError:
            await session.close()
            raise

    try:
        session, socket = loop.run_until_complete(connect())
        try:
            yield loop, socket
        finally:
            loop.run_until_complete(session.close())
    finally:
        loop.close()


def receive(loop: asyncio.AbstractEventLoop, socket: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
    return dict(loop.run_until_complete(socket.receive_json(timeout=PATIENCE_S)))


def test_dictation_goes_both_ways_and_ends_as_the_service_ends_it(url: str, service: Service) -> None:
    with websocket(url, "/v1/stream?rate=16000") as (loop, socket):
        assert receive(loop, socket) == {"type": "ready"}
        loop.run_until_complete(socket.send_bytes(bytes(640)))
        assert receive(loop, socket) == {"type": "partial", "bytes": 640}
        loop.run_until_complete(socket.send_json({"type": "end"}))
        closing = loop.run_until_complete(socket.receive(timeout=PATIENCE_S))
        assert closing.type is aiohttp.WSMsgType.CLOSE and closing.data == 4001
    assert service.path == "/v1/stream?rate=16000"
    assert service.headers["Authorization"] == f"Bearer {SERVICE_KEY}"


def test_a_service_that_breaks_off_dictation_is_closed_as_a_failure(url: str) -> None:
    with websocket(url, "/v1/stream?rate=16000") as (loop, socket):
        assert receive(loop, socket) == {"type": "ready"}
        loop.run_until_complete(socket.send_json({"type": "crash"}))
        closing = loop.run_until_complete(socket.receive(timeout=PATIENCE_S))
        assert (closing.data, closing.extra) == (aiohttp.WSCloseCode.INTERNAL_ERROR, "the asr service broke off")


def test_a_key_may_come_as_a_subprotocol_and_is_not_logged(url: str, caplog: pytest.LogCaptureFixture) -> None:
    async def chosen() -> str | None:
        offered = ("realtime", f"openai-insecure-api-key.{KEY}")
        address = f"{url}/v1/stream?rate=16000"
        async with aiohttp.ClientSession() as session, session.ws_connect(address, protocols=offered) as socket:
            return socket.protocol

    assert asyncio.run(chosen()) == "realtime"
    assert KEY not in caplog.text


def test_a_client_that_closes_dictation_closes_it_at_the_service(url: str, service: Service) -> None:
    with websocket(url, "/v1/stream?rate=16000") as (loop, socket):
        assert receive(loop, socket) == {"type": "ready"}
        loop.run_until_complete(socket.close())
    assert service.left.wait(PATIENCE_S)


def test_dictation_that_is_refused_is_refused_in_the_services_words(url: str, client: requests.Session) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError) as refusal, websocket(url, "/v1/stream"):
        pass
    assert refusal.value.status == 400
    handshake = {
        "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }  # fmt: skip
    assert client.get(f"{url}/v1/stream", headers=handshake).json()["error"]["code"] == "bad_rate"


def test_dictation_without_the_service_says_what_to_do(page: Path) -> None:
    with (
        open_door(page, key=KEY) as url,
        pytest.raises(aiohttp.WSServerHandshakeError) as refusal,
        websocket(url, "/v1/stream?rate=16000"),
    ):
        pass
    assert refusal.value.status == 503
