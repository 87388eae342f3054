"""WebRTC with aiortc as the client, on this machine's loopback; simulated stages in real time."""

from __future__ import annotations

import asyncio
import fractions
import gc
import json
import socket
import sys
import threading
import time
from typing import Any

import aiohttp
import numpy as np
import psutil
import pytest

pytest.importorskip("aiortc", reason="needs huiyin[webrtc]")

import av
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamTrack

from huiyin.assistant.conversation.stages import Speech, TurnSoFar
from huiyin.assistant.conversation.world import Plan, Source
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import HeardUntil, Pcm16
from huiyin.assistant.turns.events import Transcript
from tests.realtime.protocol import Event, Invariants
from tests.realtime.rig import Stages
from tests.realtime.test_server import Door as SocketDoor
from tests.support.limits import PATIENCE_S

pytestmark = pytest.mark.clients  # aiortc is one
RATE = 48_000
FRAME = 960  # 20 ms


class Tones(Stages):
    """Whatever is said, it is these words; the voice is a tone, as Opus keeps no constant sound."""

    def transcribe(self, turn: TurnSoFar) -> Source[Transcript]:
        return Plan([(0.05, Transcript("good morning", "en"))], 0.05)

    def speak(self, speech: Speech) -> Source[Pcm16 | list[HeardUntil]]:
        self.spoken.append(speech.text)
        count = round(len(speech.text) * self.second_per_character * SAMPLE_RATE)
        sound = (8000 * np.sin(2 * np.pi * 300 * np.arange(count) / SAMPLE_RATE)).astype(np.int16)
        return Plan([(self.tts_s, sound)], self.tts_s)


@pytest.fixture
def door() -> SocketDoor:
    return SocketDoor(stages=Tones())


class Microphone(MediaStreamTrack):
    """Silence, or a voice while `speaks`."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self.speaks = False
        self._frames = 0
        self._began_s = 0.0

    async def recv(self) -> av.AudioFrame:
        now_s = asyncio.get_running_loop().time()
        self._began_s = self._began_s or now_s
        await asyncio.sleep(max(0.0, self._began_s + self._frames * 0.02 - now_s))
        at = (np.arange(FRAME) + self._frames * FRAME) / RATE
        sound = 8000 * np.sin(2 * np.pi * 220 * at) if self.speaks else 0 * at
        frame = av.AudioFrame.from_ndarray(sound.astype(np.int16).reshape(1, -1), "s16", "mono")
        frame.sample_rate, frame.pts, frame.time_base = RATE, self._frames * FRAME, fractions.Fraction(1, RATE)
        self._frames += 1
        return frame


def as_form(**fields: str) -> aiohttp.MultipartWriter:
    """As the openai SDK sends it."""
    form = aiohttp.MultipartWriter("form-data")
    for name, value in fields.items():
        form.append(value).set_content_disposition("form-data", name=name)
    return form


class Caller:
    """A client. Each event is checked as it comes; `loud`: frames of sound that were not silent."""

    def __init__(self) -> None:
        self.connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.microphone = Microphone()
        self.connection.addTrack(self.microphone)
        self.channel = self.connection.createDataChannel("oai-events")
        self.rules = Invariants()
        self.events: list[Event] = []
        self.loud = 0
        self.location = ""
        self._news: asyncio.Queue[Event] = asyncio.Queue()
        self._listening: asyncio.Task[None] | None = None
        self.gone = asyncio.Event()
        self.channel.on("message", self._take)
        self.channel.on("close", self.gone.set)
        self.connection.on("track", self._listen)

    async def call(
        self, http: aiohttp.ClientSession, url: str, session: dict[str, Any] | None = None, *, answers: bool = True
    ) -> None:
        """`answers`: to the server's answer, by connecting."""
        await self.connection.setLocalDescription(await self.connection.createOffer())
        offer = self.connection.localDescription.sdp
        if session is None:
            request = http.post(f"{url}/v1/realtime/calls", data=offer, headers={"Content-Type": "application/sdp"})
        else:
            form = as_form(sdp=offer, session=json.dumps(session))
            request = http.post(f"{url}/v1/realtime/calls", data=form)
        async with request as answer:
            text = await answer.text()
            assert answer.status == 201, text
            assert answer.content_type == "application/sdp"
            self.location = answer.headers["Location"]
        candidates = [line for line in text.splitlines() if line.startswith("a=candidate")]
        assert candidates and all(" 127.0.0.1 " in line for line in candidates)
        if answers:
            await self.connection.setRemoteDescription(RTCSessionDescription(text, "answer"))

    def send(self, kind: str, **fields: Any) -> None:
        self.channel.send(json.dumps({"type": kind, **fields}))

    async def next(self) -> Event:
        return await asyncio.wait_for(self._news.get(), PATIENCE_S)

    async def wait(self, kind: str) -> Event:
        while (event := await self.next())["type"] != kind:
            pass
        return event

    def kinds(self) -> list[str]:
        return [event["type"] for event in self.events]

    def type(self, text: str) -> None:
        """A user's text, to be answered."""
        content = [{"type": "input_text", "text": text}]
        self.send("conversation.item.create", item={"type": "message", "role": "user", "content": content})
        self.send("response.create")

    async def hears(self) -> None:
        """Until there is sound."""
        before = self.loud
        while self.loud <= before:
            await asyncio.sleep(0.02)

    async def vanish(self) -> None:
        """Without a word to the server."""
        ice = self.connection.getTransceivers()[0].sender.transport.transport
        await ice._connection.close()
        await self.leave()

    async def leave(self) -> None:
        await self.connection.close()
        if self._listening:
            await asyncio.wait({self._listening})

    def _take(self, message: str) -> None:
        event = json.loads(message)
        self.rules.take(event)
        self.events.append(event)
        self._news.put_nowait(event)

    def _listen(self, track: MediaStreamTrack) -> None:
        async def listen() -> None:
            try:
                while True:
                    frame = await track.recv()
                    self.loud += bool(np.abs(frame.to_ndarray().astype(np.int32)).mean() > 50)
            except Exception:
                return

        self._listening = asyncio.ensure_future(listen())


def test_speech_is_answered_over_a_track(door: SocketDoor) -> None:
    async def talk(http: aiohttp.ClientSession, url: str) -> None:
        caller = Caller()
        await caller.call(http, url)
        await caller.wait("session.created")
        caller.microphone.speaks = True
        await caller.wait("input_audio_buffer.speech_started")
        caller.microphone.speaks = False
        started = await caller.wait("output_audio_buffer.started")
        stopped = await caller.wait("output_audio_buffer.stopped")
        assert stopped["response_id"] == started["response_id"]
        done = next(event for event in caller.events if event["type"] == "response.done")
        assert done["response"]["status"] == "completed" and done["response"]["id"] == started["response_id"]
        assert "response.output_audio.delta" not in caller.kinds()
        assert caller.loud > 10
        await caller.leave()

    door.talk(talk)
    assert door.server.facts()["open"] == 0 and door.sessions_left() == 0


def test_the_voice_of_the_client_interrupts_over_a_track(door: SocketDoor) -> None:
    door.stages.second_per_character = 0.2

    async def talk(http: aiohttp.ClientSession, url: str) -> None:
        caller = Caller()
        await caller.call(http, url)
        await caller.wait("session.created")
        caller.type("Tell me a story.")
        started = await caller.wait("output_audio_buffer.started")
        await caller.hears()
        caller.microphone.speaks = True
        cleared = await caller.wait("output_audio_buffer.cleared")
        assert cleared["response_id"] == started["response_id"]
        while "response.done" not in caller.kinds():
            await caller.next()
        done = next(event for event in caller.events if event["type"] == "response.done")
        assert done["response"]["status_details"]["reason"] == "turn_detected"
        assert "input_audio_buffer.speech_started" in caller.kinds()
        caller.microphone.speaks = False
        await caller.wait("output_audio_buffer.started")  # it is answered
        truncated = next(event for event in caller.events if event["type"] == "conversation.item.truncated")
        assert truncated["item_id"] == done["response"]["output"][0]["id"]
        caller.send("conversation.item.retrieve", item_id=truncated["item_id"])
        (content,) = (await caller.wait("conversation.item.retrieved"))["item"]["content"]
        assert (session := door.sessions[0]())
        turn = session.history.turns[0]
        assert turn.interrupted and len(turn.heard) < len("This is the first sentence. And here is another one.")
        assert content["transcript"] == turn.heard and truncated["audio_end_ms"] > 0
        await caller.leave()

    door.talk(talk)


def test_the_client_clears_what_sounds(door: SocketDoor) -> None:
    door.stages.second_per_character = 0.2

    async def talk(http: aiohttp.ClientSession, url: str) -> None:
        caller = Caller()
        await caller.call(http, url, {"type": "realtime", "instructions": "Be a pirate."})
        assert (await caller.wait("session.created"))["session"]["instructions"] == "Be a pirate."
        caller.send("output_audio_buffer.clear")  # nothing sounds: no mistake
        caller.type("Tell me a story.")
        started = await caller.wait("output_audio_buffer.started")
        await caller.hears()
        caller.send("output_audio_buffer.clear")
        await caller.wait("output_audio_buffer.cleared")
        done = next(event for event in caller.events if event["type"] == "response.done")["response"]
        assert done["id"] == started["response_id"]
        assert done["status_details"]["reason"] == "client_cancelled"
        assert "error" not in caller.kinds()
        async with http.post(f"{url}{caller.location}/hangup") as answer:
            assert answer.status == 200
        await caller.gone.wait()
        async with http.post(f"{url}{caller.location}/hangup") as answer:
            assert answer.status == 404
        await caller.leave()

    door.talk(talk)


# -- limits, and clients that misbehave


def test_an_offer_that_cannot_be_answered_is_refused(door: SocketDoor) -> None:
    async def talk(http: aiohttp.ClientSession, url: str) -> None:
        calls = f"{url}/v1/realtime/calls"
        caller = Caller()
        await caller.connection.setLocalDescription(await caller.connection.createOffer())
        offer = caller.connection.localDescription.sdp
        sdp = {"Content-Type": "application/sdp"}
        bad = [
            (400, {"data": "", "headers": sdp}),
            (400, {"data": "hello", "headers": sdp}),
            (400, {"data": offer.replace("opus", "ogg"), "headers": sdp}),
            (400, {"data": "\n".join(["v=0", "m=audio x y"]), "headers": sdp}),
            (415, {"json": {"sdp": offer}}),
            (400, {"data": as_form(session="{}")}),
            (400, {"data": as_form(sdp=offer, session="[")}),
            (400, {"data": as_form(sdp=offer, session='{"type": "x"}')}),
        ]
        for status, body in bad:
            async with http.post(calls, **body) as answer:
                assert answer.status == status, (body, await answer.text())
                error = await answer.json()
                assert error["error"]["message"]
        await caller.leave()

    door.talk(talk)
    assert door.server.facts()["open"] == 0


def test_one_call_too_many_is_refused() -> None:
    door = SocketDoor("realtime.sessions=1", stages=Tones())

    async def talk(http: aiohttp.ClientSession, url: str) -> None:
        first, second = Caller(), Caller()
        await first.call(http, url)
        with pytest.raises(AssertionError, match="session_limit_reached"):
            await second.call(http, url)
        await first.wait("session.created")
        await first.leave()
        await second.leave()
        while door.server.facts()["open"]:
            await asyncio.sleep(0.01)
        third = Caller()
        await third.call(http, url)
        await third.wait("session.created")
        await third.leave()

    door.talk(talk)


def test_a_client_that_does_not_connect_is_forgotten(door: SocketDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huiyin.assistant.faces.realtime.call._CONNECT_S", 0.1)

    async def talk(http: aiohttp.ClientSession, url: str) -> None:
        caller = Caller()
        await caller.call(http, url, answers=False)
        while door.server.facts()["open"]:
            await asyncio.sleep(0.01)
        await caller.leave()

    door.talk(talk)
    assert door.server.facts()["begun"] == 1 and door.sessions_left() == 0


def test_without_aiortc_the_route_says_what_to_install(door: SocketDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huiyin.assistant.faces.realtime.call", None)

    async def talk(http: aiohttp.ClientSession, url: str) -> None:
        async with http.post(f"{url}/v1/realtime/calls", data="v=0", headers={"Content-Type": "application/sdp"}) as it:
            assert it.status == 501
            assert "huiyin[webrtc]" in (await it.json())["error"]["hint"]

    door.talk(talk)


def exceeds(after: tuple[int, ...], before: tuple[int, ...]) -> bool:
    """Any of it."""
    return any(now > then for now, then in zip(after, before, strict=True))


def busy_threads() -> int:
    """Without those of pools, which begin when they are first needed and stay."""
    return sum(
        not each.name.startswith(("asyncio_", "request", "work", "ThreadPool")) for each in threading.enumerate()
    )


def test_fifty_callers_that_vanish_leave_nothing_behind(door: SocketDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tasks, threads and sockets are as before, and the next caller is answered."""
    monkeypatch.setattr("aioice.ice.CONSENT_INTERVAL", 0.1)
    monkeypatch.setattr("huiyin.assistant.faces.realtime.call._CONNECT_S", 5.0)
    untils = ["", "session.created", "response.created", "output_audio_buffer.started", "output_audio_buffer.stopped"]
    door.stages.second_per_character = 0.002
    process = psutil.Process()

    async def vanish(http: aiohttp.ClientSession, url: str, until: str) -> None:
        caller = Caller()
        await caller.call(http, url, answers=bool(until))
        if until:
            await caller.wait("session.created")
            caller.type("hello")
            while until not in caller.kinds():
                await caller.next()
        await caller.vanish()

    async def left(http: aiohttp.ClientSession, url: str) -> tuple[int, int, int]:
        while door.server.facts()["open"]:
            await asyncio.sleep(0.05)
        gc.collect()
        udp = sum(each.type is socket.SOCK_DGRAM for each in process.net_connections("inet"))
        async with http.get(f"{url}/tasks") as answer:
            return busy_threads(), udp, int(await answer.text())

    async def talk(http: aiohttp.ClientSession, url: str) -> None:
        await asyncio.gather(*(vanish(http, url, until) for until in untils))
        before = await left(http, url)
        for number in range(0, 50, 5):
            await asyncio.gather(*(vanish(http, url, untils[(number + i) % len(untils)]) for i in range(5)))
            while door.server.facts()["open"]:
                await asyncio.sleep(0.05)
        end_s = time.monotonic() + PATIENCE_S
        while exceeds(after := await left(http, url), before):
            assert time.monotonic() < end_s, (before, after)
            await asyncio.sleep(0.1)
        caller = Caller()
        await caller.call(http, url)
        await caller.wait("session.created")
        caller.type("hello")
        await caller.wait("output_audio_buffer.stopped")
        await caller.leave()

    door.talk(talk)
    assert door.server.facts()["open"] == 0 and door.sessions_left() == 0
