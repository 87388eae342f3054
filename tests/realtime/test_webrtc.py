"""WebRTC with aiortc as the client, on this machine's loopback; simulated stages in real time."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
import threading
import time

import aiohttp
import numpy as np
import psutil
import pytest

pytest.importorskip("aiortc", reason="needs huiyin[webrtc]")


from huiyin.assistant.conversation.stages import Speech, TurnSoFar
from huiyin.assistant.conversation.world import Plan, Source
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import HeardUntil, Pcm16
from huiyin.assistant.turns.events import Transcript
from tests.realtime.caller import Caller, as_form
from tests.realtime.rig import Stages
from tests.realtime.test_server import Door as SocketDoor
from tests.support.limits import PATIENCE_S

pytestmark = pytest.mark.clients  # aiortc is one


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
        done = caller.first("response.done")
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
        assert (await caller.wait("output_audio_buffer.cleared"))["response_id"] == started["response_id"]
        while "response.done" not in caller.kinds():
            await caller.next()
        done = caller.first("response.done")["response"]
        assert done["status_details"]["reason"] == "turn_detected"
        assert "input_audio_buffer.speech_started" in caller.kinds()
        caller.microphone.speaks = False
        await caller.wait("output_audio_buffer.started")  # it is answered
        truncated, item_id = caller.first("conversation.item.truncated"), done["output"][0]["id"]
        assert truncated["item_id"] == item_id
        caller.send("conversation.item.retrieve", item_id=item_id)
        (content,) = (await caller.wait("conversation.item.retrieved"))["item"]["content"]
        session = door.sessions[0]()
        assert session
        turn = session.history.turns[0]
        assert turn.interrupted and truncated["audio_end_ms"] > 0
        assert content["transcript"] == turn.heard != "This is the first sentence. And here is another one."
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
        done = caller.first("response.done")["response"]
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
