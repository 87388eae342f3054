"""A user of a Realtime server for hours: talks, cuts in, leaves in the middle of anything, comes back."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import numpy as np

from tests.clients.talk_services import AUTHOR, CLIENT_RATE, SAID, STORY

PACKET_S = 0.04
_PACKET = round(CLIENT_RATE * PACKET_S) * 2  # bytes
ANSWER_LIMIT_S = 30.0
_MOST_TURNS = 4  # of a visit
_LEAVES, _CUTS_IN = 0.3, 0.5  # shares of the turns in which the user does so
_LONGEST_THOUGHT_S = 6.0  # before the next turn
_LONGEST_WAIT_S = 3.0  # before a user leaves or cuts in


class NotAnswered(AssertionError):
    """A turn got another's answer, or the connection failed."""


class Unanswered(NotAnswered):
    """Nothing came in time."""


@dataclass
class SoakUser:
    """One user. `done` counts what it has lived through."""

    url: str
    speech: Mapping[str, bytes]
    seed: int
    done: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        noise = np.random.default_rng(self.seed).integers(-3, 4, _PACKET // 2)
        self._silence = noise.astype("<i2").tobytes()

    async def live(self, until_s: float) -> None:
        """Visit after visit, until then on the loop's clock. Raises NotAnswered, and what a connection raises."""
        loop = asyncio.get_running_loop()
        async with aiohttp.ClientSession() as http:
            while loop.time() < until_s:
                await self._visit(http)

    async def talk(self, seconds: float, every_s: float) -> None:
        """One visit, with a question every so often."""
        loop = asyncio.get_running_loop()
        async with aiohttp.ClientSession() as http, http.ws_connect(self.url, max_msg_size=0) as socket:
            visit = _Visit(socket, self._silence)
            await visit.begin()
            due_s, end_s = loop.time() + every_s * self._random.random(), loop.time() + seconds  # not all at once
            while due_s < end_s:
                await asyncio.sleep(due_s - loop.time())
                await visit.ask(self.speech["author"], AUTHOR)
                self.done["answered"] += 1
                due_s += every_s
            await visit.end()

    async def _visit(self, http: aiohttp.ClientSession) -> None:
        async with http.ws_connect(self.url, max_msg_size=0) as socket:
            visit = _Visit(socket, self._silence)
            try:
                await visit.begin()
                for _ in range(self._random.randint(1, _MOST_TURNS)):
                    if not await self._turn(visit):
                        self.done["left"] += 1
                        assert socket._writer.transport is not None
                        socket._writer.transport.abort()  # as a client that is killed
                        return
                self.done["said goodbye"] += 1
            except Unanswered:
                self.done["unanswered"] += 1
            finally:
                await visit.end()

    async def _turn(self, visit: _Visit) -> bool:
        """One turn; False: the user has left in the middle of it."""
        if self._random.random() < _LEAVES:
            visit.say(self.speech[self._random.choice(list(SAID))])
            await asyncio.sleep(self._random.uniform(0.0, _LONGEST_WAIT_S))
            return False
        if self._random.random() < _CUTS_IN:
            await visit.ask(self.speech["story"], "Once upon")
            await asyncio.sleep(self._random.uniform(0.0, _LONGEST_WAIT_S))
            self.done["cut in"] += 1
        await visit.ask(self.speech["author"], AUTHOR)
        self.done["answered"] += 1
        await asyncio.sleep(self._random.uniform(0.0, _LONGEST_THOUGHT_S))
        return True


class _Visit:
    """One connection."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, silence: bytes) -> None:
        self._socket, self._silence, self._saying = socket, silence, b""
        self._replies: asyncio.Queue[str] = asyncio.Queue()
        self._texts: dict[str, str] = {}
        self._ready = asyncio.Event()
        self._tasks = [asyncio.create_task(work) for work in (self._receive(), self._speak())]

    async def begin(self) -> None:
        """The session is ready."""
        session: dict[str, Any] = {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad"}}}}
        await self._send({"type": "session.update", "session": session})
        await self._wait(self._ready.wait(), "the session did not begin")

    async def end(self) -> None:
        """Nothing of it goes on."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def say(self, speech: bytes) -> None:
        """Begin to speak."""
        self._saying = speech

    async def ask(self, speech: bytes, answer: str) -> None:
        """Speak, and wait for the beginning of a reply that begins with `answer`."""
        self.say(speech)
        while True:
            said = await self._wait(self._replies.get(), f"no answer that begins with {answer!r}")
            if said.startswith(answer[: len(said)]):
                return
            if not STORY.startswith(said[: len(STORY)]):  # what is left of the reply that was interrupted
                raise NotAnswered(f"{said!r}, not {answer!r}")

    async def _wait(self, what: Any, otherwise: str) -> Any:
        waiting = asyncio.ensure_future(asyncio.wait_for(what, ANSWER_LIMIT_S))
        await asyncio.wait([waiting, *self._tasks], return_when=asyncio.FIRST_COMPLETED)
        for task in self._tasks:
            if task.done():
                waiting.cancel()
                task.result()
        try:
            return await waiting
        except asyncio.TimeoutError:
            raise Unanswered(otherwise) from None

    async def _receive(self) -> None:
        async for message in self._socket:
            event = json.loads(message.data)
            match event:
                case {"type": "session.updated"}:
                    self._ready.set()
                case {"type": "error", "error": error}:
                    raise NotAnswered(f"error: {error}")
                case {"type": "response.output_audio_transcript.delta", "item_id": item, "delta": delta}:
                    if item not in self._texts:
                        self._replies.put_nowait(delta.strip())
                    self._texts[item] = self._texts.get(item, "") + delta
        raise NotAnswered(f"the server closed the connection: {self._socket.close_code}")

    async def _speak(self) -> None:
        loop = asyncio.get_running_loop()
        due_s = loop.time()
        while True:
            due_s += PACKET_S
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            part, self._saying = self._saying[:_PACKET], self._saying[_PACKET:]
            audio = base64.b64encode(part + self._silence[len(part) :]).decode()
            with contextlib.suppress(ConnectionError):
                await self._send({"type": "input_audio_buffer.append", "audio": audio})

    async def _send(self, message: dict[str, Any]) -> None:
        await self._socket.send_str(json.dumps(message))
