"""The user of every client in this folder: ears, a mouth, and the order of the talk. Standard library alone.

Three turns: a question that needs a tool, a request for a story, and, in the middle of the story, another question.
What happens is printed as JSON lines; the test reads them.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from array import array
from collections.abc import Awaitable, Callable
from pathlib import Path

RATE = 24_000
BLOCK = RATE // 50  # samples: 20 ms
CUTS_IN_AFTER_MS = 1500  # of the story
_NOISE = 3  # of int16: a room is never silent
_GAP_S = 0.5
_LIMIT_S = 100.0  # for anything that is waited for: the embedded model has taken more than 60 on two busy cores

WEATHER, STORY, AUTHOR = "weather", "story", "author"
TOOL = {
    "name": "get_weather",
    "description": "The weather in a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
TOOL_RESULT = "sunny, 21 degrees"
INSTRUCTIONS = "You are a friendly assistant. Answer in one sentence."


def tell(event: str, **facts: object) -> None:
    """Print what happened."""
    sys.stdout.write(
        json.dumps({"event": event, "at_s": round(time.monotonic(), 3), **facts}) + "\n"
    )  # also in threads
    sys.stdout.flush()


class Player:
    """A loudspeaker: plays 24 kHz int16 in real time, item after item, and knows what was heard of each."""

    def __init__(self) -> None:
        self._queue: list[tuple[str, bytes]] = []
        self.played_ms: dict[str, float] = {}
        """Item -> heard of it."""
        self.last_item = ""
        self._idle_since_s = time.monotonic()

    def add(self, item: str, sound: bytes) -> None:
        """More sound of an item."""
        self._queue.append((item, sound))

    def clear(self) -> tuple[str, float]:
        """Fall silent. Returns (the item that was playing, ms heard of it)."""
        self._queue.clear()
        return self.last_item, self.played_ms.get(self.last_item, 0.0)

    def step(self) -> list[tuple[str, bytes]]:
        """20 ms pass. Returns what was played of which item."""
        left, played = BLOCK * 2, []
        while self._queue and left:
            item, sound = self._queue.pop(0)
            part, rest = sound[:left], sound[left:]
            if rest:
                self._queue.insert(0, (item, rest))
            left -= len(part)
            played.append((item, part))
            self.note(item, part)
        return played

    def note(self, item: str, sound: bytes) -> None:
        """So much of an item has been played: called by `step`, and by scripts whose client has its own player."""
        self.last_item = item
        self.played_ms[item] = self.played_ms.get(item, 0.0) + len(sound) / 2 / RATE * 1000
        self._idle_since_s = time.monotonic()

    @property
    def is_playing(self) -> bool:
        """Whether a reply is being heard: a busy machine may leave gaps in it."""
        return self.idle_s < _GAP_S

    @property
    def idle_s(self) -> float:
        """How long nothing has been played."""
        return time.monotonic() - self._idle_since_s


class User:
    """Speaks into `send` (20 ms of 24 kHz int16 each) and listens to `player`."""

    def __init__(self, folder: str, send: Callable[[bytes], Awaitable[None]]) -> None:
        """`folder`: holds what is said, one file of samples a turn."""
        self.player = Player()
        self.played: Callable[[str, bytes], None] = lambda item, sound: None
        """Called with what has been played; some clients count it."""
        self.replies_done = 0
        """Counted by the script, or by `watch`: replies whose sound has all come."""
        self.interrupted = asyncio.Event()
        """Set by the script when the client told it to fall silent, or by `watch`."""
        self._folder, self._send = Path(folder), send
        self._speech = b""
        noise = random.Random(1)
        self._noise = array("h", (noise.randint(-_NOISE, _NOISE) for _ in range(BLOCK * 50))).tobytes()

    async def ask(self) -> None:
        """The first turn alone."""
        devices = asyncio.create_task(self._run_devices())
        try:
            await asyncio.sleep(0.5)
            await self._say(WEATHER)
            await self._until(lambda: bool(self.player.last_item) and self.replies_done > 0, "the weather")
            await self._until(lambda: self.player.idle_s > 0.7, "the end of the weather")
        finally:
            devices.cancel()

    async def converse(self) -> None:
        """All three turns."""
        devices = asyncio.create_task(self._run_devices())
        try:
            await asyncio.sleep(0.5)
            await self._until(lambda: self.player.idle_s > 0.7, "silence")
            greeting, done = self.player.last_item, self.replies_done
            await self._say(WEATHER)
            await self._until(lambda: self.player.last_item != greeting and self.replies_done > done, "the weather")
            await self._until(lambda: self.player.idle_s > 0.7, "the end of the weather")
            weather = self.player.last_item
            await self._say(STORY)
            await self._until(
                lambda: (
                    self.player.last_item != weather
                    and self.player.played_ms.get(self.player.last_item, 0.0) >= CUTS_IN_AFTER_MS
                ),
                "the story begins",
            )
            self.interrupted.clear()
            done = self.replies_done
            story = self.player.last_item
            asking = asyncio.create_task(self._say(AUTHOR))
            await asyncio.wait_for(self.interrupted.wait(), _LIMIT_S)
            tell("interrupted", played_ms=self.player.played_ms[story])
            await asking
            await self._until(
                lambda: self.player.last_item != story and self.replies_done > done, "the last question is answered"
            )
            await self._until(lambda: self.player.idle_s > 0.7, "the answer has been played")
            await asyncio.sleep(1.0)  # what comes late is also seen
        finally:
            devices.cancel()

    async def watch(self) -> None:
        """For servers that say nothing of it: a reply is over, or cut off, when nothing has been played for a while."""
        was_playing = False
        while True:
            await asyncio.sleep(0.02)
            if was_playing and not self.player.is_playing:
                self.replies_done += 1
                self.interrupted.set()
            was_playing = self.player.is_playing

    async def _say(self, name: str) -> None:
        tell("user speaks", said=name)
        self._speech = (self._folder / f"{name}.pcm").read_bytes()
        await self._until(lambda: not self._speech, f"{name} is said")
        tell("user has spoken", said=name)

    async def _until(self, is_so: Callable[[], bool], what: str) -> None:
        end_s = time.monotonic() + _LIMIT_S
        while not is_so():
            if time.monotonic() > end_s:
                tell("failed", waited_for=what)
                raise SystemExit(1)
            await asyncio.sleep(0.02)

    async def _run_devices(self) -> None:
        due_s, blocks = time.monotonic(), 0
        while True:
            due_s, blocks = due_s + BLOCK / RATE, blocks + 1
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            part, self._speech = self._speech[: BLOCK * 2], self._speech[BLOCK * 2 :]
            begin = blocks % 50 * BLOCK * 2
            await self._send(part + self._noise[begin + len(part) : begin + BLOCK * 2])
            for item, sound in self.player.step():
                self.played(item, sound)


def main(run: Callable[[str, str], Awaitable[None]]) -> None:
    """`script URL FOLDER`: the server's http address, and where the user's speech is."""
    asyncio.run(run(sys.argv[1], sys.argv[2]))
