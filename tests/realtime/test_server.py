"""The server over real WebSockets, with simulated stages in real time."""

from __future__ import annotations

import asyncio
import base64
import gc
import json
import threading
import weakref
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import aiohttp
import numpy as np
import pytest
from aiohttp import web
from flask import Flask

from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation.session import Session
from huiyin.assistant.conversation.stages import Parts
from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.faces.connections import connection
from huiyin.assistant.faces.connections.engines import Engines
from huiyin.assistant.faces.realtime.server import RealtimeServer
from huiyin.configs.settings import load
from huiyin.configs.store.errors import StoreError
from huiyin.services.common.routes import add_route
from tests.realtime.protocol import Event, Invariants
from tests.realtime.rig import PERSONA, LoudEar, Stages
from tests.support.limits import PATIENCE_S
from tests.support.live_server import running

pytestmark = pytest.mark.slow  # conversations in real time

ONE = {"test": PERSONA}
Talk = Callable[[aiohttp.ClientSession, str], Awaitable[None]]


class Client:
    """A connection. Each event is checked as it comes."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket, self.rules = socket, Invariants()
        self.events: list[Event] = []

    async def send(self, kind: str, **fields: Any) -> None:
        await self.socket.send_json({"type": kind, **fields})

    async def next(self) -> Event:
        message = await self.socket.receive(PATIENCE_S)
        assert message.type is aiohttp.WSMsgType.TEXT, message
        event: Event = json.loads(message.data)
        self.rules.take(event)
        self.events.append(event)
        return event

    async def wait(self, kind: str) -> Event:
        while (event := await self.next())["type"] != kind:
            pass
        return event


class Door:
    """A server. `talk` runs a coroutine against it."""

    def __init__(
        self, *overrides: str, stages: Stages | None = None, personas: Mapping[str, Persona] = MappingProxyType(ONE)
    ) -> None:
        settings = load(environ={}, overrides=overrides)
        self.stages = stages or Stages()
        parts = Parts(self.stages, self.stages, self.stages)
        engines = Engines(parts, lambda name: self.stages, LoudEar)
        self.app = Flask("door")
        self.sessions: list[weakref.ref[Session]] = []
        self.server = RealtimeServer(
            settings, Services(settings), personas, engines=engines,
            on_session=lambda session: self.sessions.append(weakref.ref(session)),
        )  # fmt: skip
        self.server.mount(self.app)
        add_route(self.app, "GET", "/tasks", self._tasks)

    @staticmethod
    async def _tasks(request: web.Request) -> web.StreamResponse:
        """How many tasks the server's event loop has."""
        return web.json_response(len(asyncio.all_tasks()))

    def talk(self, talk: Talk) -> None:
        async def run(url: str) -> None:
            async with aiohttp.ClientSession() as http:
                await talk(http, url)

        with running(self.app) as url:
            asyncio.run(asyncio.wait_for(run(url), 4 * PATIENCE_S))

    def sessions_left(self) -> int:
        gc.collect()
        return sum(session() is not None for session in self.sessions)


@pytest.fixture
def door() -> Door:
    return Door()


def test_a_text_is_answered_over_a_socket(door: Door) -> None:
    async def talk(http: aiohttp.ClientSession, url: str) -> None:
        async with http.ws_connect(f"{url}/v1/realtime?model=m", protocols=("realtime",)) as socket:
            client = Client(socket)
            created = await client.next()
            assert socket.protocol == "realtime"
            assert created["session"]["model"] == "m" and created["session"]["type"] == "realtime"
            await client.send("session.update", session={"type": "realtime", "output_modalities": ["text"]})
            assert (await client.next())["session"]["output_modalities"] == ["text"]
            content = [{"type": "input_text", "text": "hi"}]
            await client.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})
            await client.send("response.create")
            done = await client.wait("response.done")
            assert done["response"]["status"] == "completed"
            assert door.server.facts()["open"] == 1

    door.talk(talk)
    assert door.server.facts() == {**door.server.facts(), "open": 0, "begun": 1}
    assert door.stages.spoken == []


def test_speech_is_answered_over_a_socket(door: Door) -> None:
    door.stages.words = {3000: "good morning"}
    speech = np.concatenate([np.full(24_000, 3000, np.int16), np.zeros(48_000, np.int16)])

    async def talk(http: aiohttp.ClientSession, url: str) -> None:
        async with http.ws_connect(f"{url}/v1/realtime", protocols=("realtime",)) as socket:
            client = Client(socket)
            await client.next()
            await client.send(
                "session.update", session={"type": "realtime", "audio": {"input": {"transcription": {"model": "w"}}}}
            )
            for packet in np.array_split(speech, 50):
                await client.send("input_audio_buffer.append", audio=base64.b64encode(packet.tobytes()).decode())
            completed = await client.wait("conversation.item.input_audio_transcription.completed")
            assert completed["transcript"] == "good morning"
            assert (await client.wait("response.done"))["response"]["status"] == "completed"

    door.talk(talk)


def test_the_voice_of_the_client_interrupts_over_a_socket(door: Door) -> None:
    door.stages.words = {3000: "good morning", 4000: "no wait, something else"}
    door.stages.second_per_character = 0.2
    talking = asyncio.Event()

    async def speak(client: Client, value: int, seconds: float) -> None:
        packets = [np.full(480, value, np.int16)] * round(seconds * 50) + [np.zeros(480, np.int16)] * 60
        for packet in packets:
            await client.send("input_audio_buffer.append", audio=base64.b64encode(packet.tobytes()).decode())
            await asyncio.sleep(0.02)

    async def talk(http: aiohttp.ClientSession, url: str) -> None:
        async with http.ws_connect(f"{url}/v1/realtime") as socket:
            client = Client(socket)
            await client.next()
            first = asyncio.ensure_future(speak(client, 3000, 0.6))
            await client.wait("response.output_audio.delta")
            await first
            second = asyncio.ensure_future(speak(client, 4000, 1.2))
            done = await client.wait("response.done")
            assert done["response"]["status_details"] == {"type": "cancelled", "reason": "turn_detected", "error": None}
            assert any(event["type"] == "input_audio_buffer.speech_started" for event in client.events[-10:])
            await client.wait("response.output_audio.delta")
            await second
            talking.set()

    door.talk(talk)
    assert talking.is_set()


# -- limits, and clients that misbehave


def test_one_session_too_many_is_told_why() -> None:
    door = Door("realtime.sessions=1")

    async def talk(http: aiohttp.ClientSession, url: str) -> None:
        async with http.ws_connect(f"{url}/v1/realtime") as first:
            await Client(first).next()
            async with http.ws_connect(f"{url}/v1/realtime") as second:
                error = json.loads((await second.receive(PATIENCE_S)).data)
                assert error["error"]["code"] == "session_limit_reached"
                assert (await second.receive(PATIENCE_S)).type is aiohttp.WSMsgType.CLOSE
                assert second.close_code == 1013
        while door.server.facts()["open"]:
            await asyncio.sleep(0)
        async with http.ws_connect(f"{url}/v1/realtime") as third:
            assert (await Client(third).next())["type"] == "session.created"

    door.talk(talk)
    assert door.server.facts()["refused"] == 1


def test_a_message_that_is_too_long_closes_the_socket() -> None:
    door = Door("realtime.message_mb=1")

    async def talk(http: aiohttp.ClientSession, url: str) -> None:
        async with http.ws_connect(f"{url}/v1/realtime") as socket:
            client = Client(socket)
            await client.next()
            await client.send("input_audio_buffer.append", audio="A" * 2**21)
            while (await socket.receive(PATIENCE_S)).type is aiohttp.WSMsgType.TEXT:
                pass
            assert socket.close_code == 1009

    door.talk(talk)


def test_binary_frames_and_nonsense_leave_the_socket_open(door: Door) -> None:
    async def talk(http: aiohttp.ClientSession, url: str) -> None:
        async with http.ws_connect(f"{url}/v1/realtime") as socket:
            client = Client(socket)
            await client.next()
            await socket.send_bytes(b"sound")
            assert (await client.next())["error"]["code"] == "invalid_json"
            await socket.send_str("{")
            assert (await client.next())["error"]["code"] == "invalid_json"
            await client.send("response.create")
            assert (await client.wait("response.done"))["response"]["status"] == "completed"

    door.talk(talk)


@pytest.mark.parametrize(
    ("headers", "query", "words"),
    [({}, "", "not a JSON object"), ({"Accept-Language": "zh-CN"}, "", "JSON 对象"), ({}, "?lang=zh", "JSON 对象")],
)
def test_what_is_wrong_is_told_in_the_clients_language(
    door: Door, headers: dict[str, str], query: str, words: str
) -> None:
    async def talk(http: aiohttp.ClientSession, url: str) -> None:
        async with http.ws_connect(f"{url}/v1/realtime{query}", headers=headers) as socket:
            client = Client(socket)
            await client.next()
            await socket.send_str("{")
            error = (await client.next())["error"]
            assert error["code"] == "invalid_json" and words in error["message"]

    door.talk(talk)


def test_a_client_that_sends_nothing_for_too_long_is_left() -> None:
    door = Door("realtime.idle_s=5")
    host = door.server.host
    host.settings = replace(host.settings, realtime=replace(host.settings.realtime, idle_s=0.05))

    async def talk(http: aiohttp.ClientSession, url: str) -> None:
        async with http.ws_connect(f"{url}/v1/realtime") as socket:
            client = Client(socket)
            assert (await client.wait("error"))["error"]["code"] == "session_idle"
            assert (await socket.receive(PATIENCE_S)).type is aiohttp.WSMsgType.CLOSE
            assert socket.close_code == 1000

    door.talk(talk)


def test_clients_that_vanish_in_any_state_leave_nothing_behind(door: Door) -> None:
    """Threads and sessions are as before, nothing of theirs runs, and the next client is answered."""

    async def vanish(http: aiohttp.ClientSession, url: str, until: str) -> None:
        async with http.ws_connect(f"{url}/v1/realtime") as socket:
            client = Client(socket)
            await client.next()
            await client.send("input_audio_buffer.append", audio=base64.b64encode(bytes(9600)).decode())
            await client.send("response.create")
            await client.wait(until)
            assert socket._response.connection is not None and socket._response.connection.transport is not None
            socket._response.connection.transport.abort()

    async def talk(http: aiohttp.ClientSession, url: str) -> None:
        untils = ["response.created", "response.output_item.added", "response.output_audio.delta", "response.done"]
        await vanish(http, url, "response.created")
        before = threading.active_count()
        for number in range(12):
            await vanish(http, url, untils[number % len(untils)])
        while door.server.facts()["open"]:
            await asyncio.sleep(0)
        assert threading.active_count() <= before
        async with http.ws_connect(f"{url}/v1/realtime") as socket:
            client = Client(socket)
            await client.next()
            await client.send("response.create")
            assert (await client.wait("response.done"))["response"]["status"] == "completed"

    door.talk(talk)
    assert door.server.facts()["open"] == 0 and door.sessions_left() == 0


def test_a_plain_request_is_no_session(door: Door) -> None:
    async def talk(http: aiohttp.ClientSession, url: str) -> None:
        async with http.get(f"{url}/v1/realtime") as answer:
            assert answer.status == 426

    door.talk(talk)


def test_a_server_that_stops_closes_its_sessions() -> None:
    door = Door()
    codes: list[int | None] = []

    async def listen(url: str) -> None:
        async with aiohttp.ClientSession() as http, http.ws_connect(f"{url}/v1/realtime") as socket:
            started.set()
            while (await socket.receive(PATIENCE_S)).type is aiohttp.WSMsgType.TEXT:
                pass
            codes.append(socket.close_code)

    started = threading.Event()
    with running(door.app) as url:
        client = threading.Thread(target=lambda: asyncio.run(listen(url)))
        client.start()
        assert started.wait(PATIENCE_S)
    client.join(PATIENCE_S)
    assert codes == [1001]


def test_a_client_that_reads_nothing_is_disconnected(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "_MOST_BYTES", 100_000)

    async def talk(http: aiohttp.ClientSession, url: str) -> None:
        async with http.ws_connect(f"{url}/v1/realtime") as socket:
            client = Client(socket)
            await client.next()
            assert socket._response.connection is not None and socket._response.connection.transport is not None
            socket._response.connection.transport.pause_reading()  # type: ignore[attr-defined]
            long = json.dumps({"type": "session.update", "session": {"type": "realtime", "instructions": "x" * 90_000}})
            with pytest.raises(ConnectionError):
                while True:
                    await socket.send_str(long)
                    await asyncio.sleep(0)
        while door.server.facts()["open"]:
            await asyncio.sleep(0)

    door.talk(talk)


def test_without_a_model_for_voice_activity_the_client_is_told_why(monkeypatch: pytest.MonkeyPatch) -> None:
    door = Door()

    def make_engines() -> Engines:
        raise StoreError("store.missing_offline", path="silero_vad_16k.onnx")

    door.server.host._engines = None
    monkeypatch.setattr(door.server.host, "_make_engines", make_engines)

    async def talk(http: aiohttp.ClientSession, url: str) -> None:
        async with http.ws_connect(f"{url}/v1/realtime") as socket:
            error = json.loads((await socket.receive(PATIENCE_S)).data)
            assert error["error"]["code"] == "no_model" and "silero" in error["error"]["message"]
            assert (await socket.receive(PATIENCE_S)).type is aiohttp.WSMsgType.CLOSE
            assert socket.close_code == 1011

    door.talk(talk)
    assert door.server.facts()["open"] == 0
