"""A scenario in real time through a Realtime server, with a scripted client: `huiyin simulate --against realtime:URL`.

The people speak in a simulated room; what its microphone takes up goes to the server, 20 ms at a time. The client has
no echo: one that plays aloud is trusted to cancel its own.
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import aiohttp

from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.world import RealWorld
from huiyin.assistant.ports import BLOCK, SAMPLE_RATE
from huiyin.assistant.ports.clock import AudioClock
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.scenario.api import result_of
from huiyin.assistant.scenario.cast import Mix, Voice, sound_of
from huiyin.assistant.scenario.director import Director
from huiyin.assistant.scenario.expectations import Outcome
from huiyin.assistant.scenario.hearing import spoken
from huiyin.assistant.scenario.log import BLOCK_S, Log
from huiyin.assistant.scenario.realtime_view import Message, RealtimeView
from huiyin.assistant.scenario.result import Result
from huiyin.assistant.scenario.room_depth import room_of
from huiyin.assistant.scenario.script import Scenario, Step
from huiyin.assistant.scenario.visible import split

_NO_ECHO_DB = -120.0
_START_LIMIT_S = 20.0
_APART_S = 0.1


class ClientWorld(RealWorld):
    """The client's time, on a loop that others use, too."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.stopped = asyncio.Event()

    def begin(self) -> None:
        """Time begins with the microphone's first sample."""
        self._clock = AudioClock()

    def stop(self) -> None:
        """Ends the scenario, not the loop."""
        self.stopped.set()


class RealtimeRunner:
    """Plays one scenario, once, by one connection."""

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        voice: Voice,
        loop: asyncio.AbstractEventLoop,
        *,
        extended: bool = True,
        simulated: bool = False,
    ) -> None:
        """`voice`: of the people. `extended`: with Huiyin's extensions, else as any other client; `simulated`: the
        services are simulated in this process (`watched_services`), and what they do is reported to `director`.
        """
        self.world = ClientWorld(loop)
        self._scenario, self._seed, self._extended, self._simulated = scenario, seed, extended, simulated
        self._sounds = {
            step.number: sound_of(step, scenario, seed, voice)
            for step in scenario.steps
            if step.kind not in ("types", "key")
        }
        self._people = Mix()
        room = room_of(scenario, seed)
        self._room = type(room)(replace(room.settings, echo_db=_NO_ECHO_DB, drift_ppm=0.0, xruns_per_min=0.0))
        self._outbox: asyncio.Queue[Message] = asyncio.Queue()
        self._view = RealtimeView(self._outbox.put_nowait, self._note)
        self.director = Director(scenario, self.world, Log(), self._begin, apart_s=_APART_S)
        self.typed: Callable[[Step], None] = lambda step: None
        """Called with what is typed: simulated services go by it."""

    async def run(self, url: str, key: str = "") -> Result:
        """Play it at ws://…/v1/realtime. Raises aiohttp.ClientError, or TimeoutError where no session comes about."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(url, headers=headers, max_msg_size=0) as socket,
        ):
            tasks = [asyncio.create_task(work) for work in (self._receive(socket), self._send(socket))]
            try:
                self._outbox.put_nowait({"type": "session.update", "session": self._session()})
                await asyncio.wait_for(self._ready(), _START_LIMIT_S)
                tasks.append(asyncio.create_task(self._run_devices()))
                self.world.begin()
                self.director.begin()
                stopped = asyncio.create_task(self.world.stopped.wait())
                await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
                for task in tasks:
                    if task.done():
                        task.result()  # raises what went wrong
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        self.director.finish()
        self.director.log.recording = self._room.recording()
        return self._result()

    def _result(self) -> Result:
        seen, unseen = split(self._scenario, extended=self._view.is_extended, services=self._simulated)
        log = self.director.log
        log.steps = [(at_s, next(s for s in seen.steps if s.number == step.number)) for at_s, step in log.steps]
        result = result_of(self.director, seen, "realtime", self._seed, real=not self._simulated)
        wrong = tuple(Outcome(1, 0, f"the server says {error}", log.end_s) for error in self._view.errors)
        return replace(result, outcomes=result.outcomes + wrong, unseen=unseen)

    def _session(self) -> dict[str, Any]:
        sound = {"type": "audio/pcm", "rate": SAMPLE_RATE}
        turns = {"type": "semantic_vad"}  # as the conversation's own settings have it
        transcription = {"model": "huiyin"}
        return {
            "type": "realtime",
            "audio": {
                "input": {"format": sound, "turn_detection": turns, "transcription": transcription},
                "output": {"format": sound},
            },
            **({"huiyin": {"enabled": True}} if self._extended else {}),
        }

    async def _ready(self) -> None:
        while not self._view.is_ready:
            await asyncio.sleep(BLOCK_S)

    async def _receive(self, socket: aiohttp.ClientWebSocketResponse[Any]) -> None:
        async for message in socket:
            self._view.receive(json.loads(message.data))
        raise aiohttp.ClientConnectionError("the server closed the connection")

    async def _send(self, socket: aiohttp.ClientWebSocketResponse[Any]) -> None:
        while True:
            await socket.send_str(json.dumps(await self._outbox.get()))

    async def _run_devices(self) -> None:
        """A block every 20 ms, to and fro."""
        loop = asyncio.get_running_loop()
        self._room.connect(self._exchange)
        due_s = loop.time()
        while True:
            due_s += BLOCK_S
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            self._room.say(self._people.take(BLOCK))
            self._room.step()

    def _exchange(self, mic: Pcm16) -> Pcm16:
        audio = base64.b64encode(mic.astype("<i2").tobytes()).decode()
        self._outbox.put_nowait({"type": "input_audio_buffer.append", "audio": audio})
        self.world.advance(len(mic))
        at_s = self.world.now
        block = self._view.step()
        self.director.played(at_s, block)
        return block

    def _begin(self, step: Step) -> float:
        """Let a step begin; when it ends."""
        now = self.world.now
        if step.kind == "types":
            self.typed(step)
            self._outbox.put_nowait({"type": "huiyin.type", "text": step.text})
        elif step.kind == "key":
            self._outbox.put_nowait({"type": "huiyin.key", "pressed": step.content == "down"})
        else:
            sound, spans = self._sounds[step.number]
            begin_s = self._people.add(sound, now)
            utterance = spoken(step, spans, begin_s)
            self.director.log.utterances.append(utterance)
            return utterance.end_s
        return now

    def _note(self, event: on.Public) -> None:
        self.director.observe(self.world.now, event)
