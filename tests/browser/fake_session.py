"""One Realtime session by script: turns by level, replies as tones, pause and resume or stop when the user cuts in."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
from typing import Any

import numpy as np
from aiohttp import web

RATE = 24_000
SPEECH = 0.02  # RMS
QUIET_S = 0.5  # ends a turn
DECIDE_S = 0.4  # of speech over a reply: an interruption
TURNS = [
    ("今天终于把项目做完了，好开心！", "zh", {"label": "happy", "confidence": 0.86}, ["laughter"]),
    ("等一下，我昨晚三点才睡，现在特别累。", "zh", {"label": "sad", "confidence": 0.67}, []),
    ("What should I cook tonight?", "en", {"label": "neutral", "confidence": 0.7}, []),
]
REPLIES = [
    "太好了，恭喜你！这么大的项目能按时做完，真不容易。今晚打算怎么庆祝一下呢？我建议先好好睡一觉。",
    "辛苦了。那今天就早点休息吧，别再看屏幕了，喝杯热牛奶会舒服一些。",
    "Something quick. How about tomato and egg noodles? They take a quarter of an hour.",
]
PARTS_MS = {"hear": 260, "asr": 70, "llm": 190, "tts": 140, "hold": 0}


def units_of(text: str) -> list[tuple[int, int]]:
    """Character ranges of the words."""
    ranges: list[tuple[int, int]] = []
    start = 0
    for i, letter in enumerate(text):
        wide = ord(letter) > 0x2E7F
        if (wide or letter == " ") and i + 1 > start:
            ranges.append((start, i + 1))
            start = i + 1
    if start < len(text):
        ranges.append((start, len(text)))
    return ranges


class FakeSession:
    """See the module. `received`: all events but sound; `heard`: samples of sound; `reports`: of playback."""

    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.socket = socket
        self.received: list[dict[str, Any]] = []
        self.reports: list[tuple[str, int]] = []
        self.heard = 0
        self.enabled = False
        self._ids = itertools.count(1)
        self._turn = 0
        self._speech_s = self._quiet_s = 0.0
        self._user = ""
        self._reply: Reply | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        try:
            await self.send("session.created", session={"type": "realtime", "id": "sess_1"})
            async for message in self.socket:
                with contextlib.suppress(ConnectionError):
                    await self._take(json.loads(message.data))
        finally:
            for task in self._tasks:
                task.cancel()

    async def send(self, type: str, **fields: Any) -> None:
        await self.socket.send_json({"type": type, "event_id": f"event_{next(self._ids)}", **fields})

    async def _take(self, event: dict[str, Any]) -> None:
        kind = event["type"]
        if kind == "input_audio_buffer.append":
            await self._sound(np.frombuffer(base64.b64decode(event["audio"]), "<i2"))
            return
        self.received.append(event)
        if kind == "session.update":
            self.enabled = event["session"]["huiyin"]["enabled"]
            await self.send("session.updated", session={**event["session"], "id": "sess_1"})
            await self.send("huiyin.state", state="listening")
        elif kind == "huiyin.type":
            await self._stop(interrupted=True)
            item = {"id": f"item_{next(self._ids)}", "type": "message", "role": "user", "status": "completed"}
            item["content"] = [{"type": "input_text", "text": event["text"]}]
            await self.send("conversation.item.added", item=item, previous_item_id=None)
            self._begin_reply()
        elif kind == "huiyin.interrupt":
            await self._stop(interrupted=True)
        elif kind == "huiyin.playback":
            self.reports.append((event["response_id"], event["audio_ms"]))
            if self._reply is not None:
                await self._reply.played(event["response_id"], event["audio_ms"])
        elif kind == "conversation.item.create":
            await self.send("conversation.item.added", item=event["item"], previous_item_id=None)

    async def _sound(self, samples: np.ndarray[Any, Any]) -> None:
        self.heard += len(samples)
        seconds = len(samples) / RATE
        loud = float(np.sqrt(np.mean((samples / 32768.0) ** 2))) > SPEECH
        self._speech_s = self._speech_s + seconds if loud else self._speech_s
        self._quiet_s = 0.0 if loud else self._quiet_s + seconds
        at_ms = round(1000 * self.heard / RATE)
        if loud and not self._user and self._speech_s > 0.1:
            self._user = f"item_{next(self._ids)}"
            if self._reply is not None:
                await self._reply.pause()
            else:
                await self.send("input_audio_buffer.speech_started", item_id=self._user, audio_start_ms=at_ms - 100)
                await self.send("huiyin.state", state="user")
        if self._user and self._reply is not None and self._speech_s > DECIDE_S:
            await self._stop(interrupted=True)
            await self.send("input_audio_buffer.speech_started", item_id=self._user, audio_start_ms=at_ms - 400)
        text = TURNS[self._turn % len(TURNS)][0]
        if self._user and loud and self._reply is None and int(at_ms / 20) % 12 == 0:
            shown = text[: max(1, int(self._speech_s * 6))]
            await self.send("huiyin.input.partial", item_id=self._user, text=shown)
        if self._user and self._quiet_s > QUIET_S:
            await self._end_of_turn(at_ms - round(1000 * self._quiet_s))
        elif self._quiet_s > QUIET_S:
            self._speech_s = 0.0

    async def _end_of_turn(self, end_ms: int) -> None:
        item, self._user, self._speech_s = self._user, "", 0.0
        if self._reply is not None:  # a cough: it goes on
            await self._reply.resume()
            return
        text, language, emotion, events = TURNS[self._turn % len(TURNS)]
        rest = round(1 - emotion["confidence"], 2)
        scores = {emotion["label"]: emotion["confidence"], "other": rest}
        await self.send("input_audio_buffer.speech_stopped", item_id=item, audio_end_ms=end_ms)
        await self.send("input_audio_buffer.committed", item_id=item, previous_item_id=None)
        await self.send(
            "conversation.item.input_audio_transcription.completed",
            item_id=item, content_index=0, transcript=text, usage={"type": "duration", "seconds": 2},
        )  # fmt: skip
        tags = [{"label": label, "confidence": 0.6} for label in events]
        await self.send(
            "huiyin.input.tags", item_id=item, language=language, emotion={**emotion, "scores": scores}, events=tags
        )
        self._begin_reply()

    def _begin_reply(self) -> None:
        text = REPLIES[self._turn % len(REPLIES)]
        self._turn += 1
        self._reply = Reply(self, f"resp_{next(self._ids)}", f"item_{next(self._ids)}", text)
        task = asyncio.get_running_loop().create_task(self._reply.run())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._reply.task = task

    async def _stop(self, *, interrupted: bool) -> None:
        reply, self._reply = self._reply, None
        if reply is not None:
            await reply.finish(interrupted)
            await self.send("huiyin.state", state="listening")

    async def ended(self) -> None:
        await self._stop(interrupted=False)


class Reply:
    """A tone, paced 250 ms ahead, with a word for each 200 ms."""

    def __init__(self, session: FakeSession, response: str, item: str, text: str) -> None:
        self.session, self.response, self.item, self.text = session, response, item, text
        self.task: asyncio.Task[None] | None = None
        self.ranges = units_of(text)
        self.heard_ms = self.sent_ms = 0
        self.length_ms = 200 * len(self.ranges)
        self.go = asyncio.Event()
        self.go.set()

    async def run(self) -> None:
        send = self.session.send
        await send("huiyin.state", state="thinking")
        await asyncio.sleep(0.4)
        ids = {"response_id": self.response, "item_id": self.item, "output_index": 0, "content_index": 0}
        response = {"id": self.response, "object": "realtime.response", "status": "in_progress", "output": []}
        await send("response.created", response=response)
        item = {"id": self.item, "type": "message", "role": "assistant", "status": "in_progress", "content": []}
        await send("response.output_item.added", response_id=self.response, output_index=0, item=item)
        await send("response.output_audio_transcript.delta", **ids, delta=self.text)
        words = [{"start": start, "end": end, "end_ms": 200 * (i + 1)} for i, (start, end) in enumerate(self.ranges)]
        await send("huiyin.output.words", response_id=self.response, item_id=self.item, words=words)
        await send("huiyin.state", state="speaking")
        await send("huiyin.latency", response_id=self.response, parts_ms=PARTS_MS, total_ms=660)
        while self.sent_ms < self.length_ms:
            await self.go.wait()
            at = np.arange(self.sent_ms * 24, (self.sent_ms + 100) * 24) / RATE
            syllable = 0.5 + 0.5 * np.sin(2 * np.pi * 5 * at)
            tone = (0.12 * 32767 * syllable * np.sin(2 * np.pi * 220 * at)).astype("<i2")
            await send("response.output_audio.delta", **ids, delta=base64.b64encode(tone.tobytes()).decode())
            self.sent_ms += 100
            await asyncio.sleep(0.09)
        await send("huiyin.output.ended", response_id=self.response, audio_ms=self.length_ms)
        await send("response.done", response={**response, "status": "completed"})

    async def played(self, response: str, audio_ms: int) -> None:
        if response == self.response:
            self.heard_ms = audio_ms
            if audio_ms >= self.length_ms:
                await self.session.ended()

    async def pause(self) -> None:
        self.go.clear()
        await self.session.send("huiyin.output.paused", response_id=self.response)
        await self.session.send("huiyin.state", state="paused")

    async def resume(self) -> None:
        self.sent_ms = self.heard_ms // 100 * 100
        await self.session.send(
            "huiyin.output.resumed", response_id=self.response, item_id=self.item, audio_ms=self.sent_ms
        )
        await self.session.send("huiyin.state", state="speaking")
        self.go.set()

    async def finish(self, interrupted: bool) -> None:
        assert self.task is not None
        if interrupted:
            self.task.cancel()
            done = {"id": self.response, "status": "cancelled", "output": []}
            await self.session.send("response.done", response=done)
        words = [end for i, (_, end) in enumerate(self.ranges) if 200 * (i + 1) <= self.heard_ms]
        heard = self.text[: words[-1]] if words else ""
        await self.session.send(
            "huiyin.output.heard", item_id=self.item, transcript=heard if interrupted else self.text,
            interrupted=interrupted,
        )  # fmt: skip
        await self.session.send("huiyin.state", state="listening")
