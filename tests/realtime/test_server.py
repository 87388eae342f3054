"""The server over real WebSockets, with simulated stages in real time."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import numpy as np
import pytest
from flask import Flask

from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation.stages import Parts
from huiyin.assistant.faces.realtime.server import RealtimeServer
from huiyin.assistant.faces.realtime.session import Engines
from huiyin.configs.settings import load
from tests.realtime.protocol import Event, Invariants
from tests.realtime.rig import PERSONA, LoudEar, Stages
from tests.support.limits import PATIENCE_S
from tests.support.live_server import running

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

    def __init__(self, *overrides: str) -> None:
        settings = load(environ={}, overrides=overrides)
        self.stages = Stages()
        parts = Parts(self.stages, self.stages, self.stages)
        engines = Engines(parts, lambda name: self.stages, LoudEar, {"test": PERSONA})
        self.app = Flask("door")
        self.server = RealtimeServer(settings, Services(settings), {"test": PERSONA}, engines=engines)
        self.server.mount(self.app)

    def talk(self, talk: Talk) -> None:
        async def run(url: str) -> None:
            async with aiohttp.ClientSession() as http:
                await talk(http, url)

        with running(self.app) as url:
            asyncio.run(asyncio.wait_for(run(url), 4 * PATIENCE_S))


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
