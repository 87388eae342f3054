"""Simulated services with fixed delays, for `benchmarks.latency`: Huiyin's own routes and OpenAI's, in one process.

The recogniser's words are not invented: they are what the default recogniser transcribed, beforehand, of the part of
the recording that the caller sends (`Recording`).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import time
import wave
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from threading import Event, Thread
from typing import cast

import numpy as np
import numpy.typing as npt
from aiohttp import web

from huiyin.services.common.text import HAN, is_chinese

RATE = 16_000
OPENAI_RATE = 24_000
_TONE_HZ = 220
_TONE_LEVEL = 0.2
_LEAST_SHARE = 0.5  # of a span of speech: its words are in what the caller sent
_TOKEN = re.compile(rf"[{HAN}]{{1,2}}|\s?[A-Za-z0-9'’]+|\s?[^\sA-Za-z0-9]")
_LARGEST = 2**30  # bytes of a request


@dataclass(frozen=True)
class Delays:
    """What each service takes, in seconds from the last byte of the request."""

    asr_s: float = 0.070
    llm_first_s: float = 0.150
    llm_token_s: float = 1 / 40
    tts_first_s: float = 0.100
    en_char_s: float = 0.025  # of sound, not of waiting: two to three times as fast as people speak, to save time
    zh_char_s: float = 0.080

    def clause_s(self, reply: str, first_clause: str) -> float:
        """From the request for words to the last of `first_clause`, which `reply` begins with.

        The token after it is not counted: a clause is known to be one as soon as its mark has come.
        """
        count, text = 0, ""
        for token in tokens(reply):
            count, text = count + 1, text + token
            if len(text.strip()) >= len(first_clause):
                break
        return self.llm_first_s + (count - 1) * self.llm_token_s


def tokens(text: str) -> list[str]:
    """`text` as a language model would stream it: a word, two Chinese characters, or a mark at a time."""
    return _TOKEN.findall(text)


@dataclass
class Recording:
    """A recording and what a recogniser transcribes of it, by spans of speech."""

    sound: npt.NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    spans: list[tuple[float, float]] = field(default_factory=list)
    """Seconds."""
    texts: dict[str, str] = field(default_factory=dict)
    """By the numbers of the first and the last span: "0-1"."""
    language: str = "en"
    reply: str = ""

    def text_of(self, samples: npt.NDArray[np.float32]) -> str:
        """The words of the part of the recording that `samples` (16 kHz) hold."""
        start_s = _lag(self.sound, samples) / RATE
        return self.text_between(start_s, start_s + len(samples) / RATE)

    def text_between(self, start_s: float, end_s: float) -> str:
        """The words between two seconds of the recording: of the spans that are there for the most part."""
        inside = [
            i
            for i, (start, end) in enumerate(self.spans)
            if min(end, end_s) - max(start, start_s) >= _LEAST_SHARE * (end - start)
        ]
        return self.texts.get(f"{inside[0]}-{inside[-1]}", "") if inside else ""


def _lag(whole: npt.NDArray[np.float32], part: npt.NDArray[np.float32]) -> int:
    """Where `part` begins in `whole`, in samples: the peak of their cross-correlation."""
    size = 1 << (len(whole) + len(part)).bit_length()
    spectrum = np.fft.rfft(whole, size) * np.conj(np.fft.rfft(part, size))
    peak = int(np.argmax(np.fft.irfft(spectrum, size)))
    return peak if peak < len(whole) else peak - size


class SimulatedServices:
    """A server on a free port of the loopback. `playing` is the recording that is being played."""

    port: int

    def __init__(self, delays: Delays | None = None) -> None:
        self.delays, self.playing = delays or Delays(), Recording()
        self._loop, self._stopped = asyncio.new_event_loop(), asyncio.Event()

    def start(self) -> None:
        """Serve, in a thread of its own."""
        is_ready = Event()
        self._thread = Thread(target=self._loop.run_until_complete, args=(self._serve(is_ready),), daemon=True)
        self._thread.start()
        is_ready.wait()

    def stop(self) -> None:
        """End."""
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()
        self._loop.close()

    async def _serve(self, is_ready: Event) -> None:
        app = web.Application(client_max_size=_LARGEST)
        app.router.add_post("/asr", self._asr)
        app.router.add_post("/v1/audio/transcriptions", self._transcriptions)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_post("/v1/audio/speech", self._speech)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.port = runner.addresses[0][1]
        is_ready.set()
        await self._stopped.wait()
        await runner.cleanup()

    async def _asr(self, request: web.Request) -> web.Response:
        return await self._transcript(await request.read())

    async def _transcriptions(self, request: web.Request) -> web.Response:
        form = await request.post()
        with wave.open(cast("web.FileField", form["file"]).file, "rb") as file:
            return await self._transcript(file.readframes(file.getnframes()))

    async def _transcript(self, data: bytes) -> web.Response:
        due_s, playing = time.monotonic() + self.delays.asr_s, self.playing
        samples = np.frombuffer(data[: len(data) - len(data) % 2], "<i2").astype(np.float32) / np.float32(32768)
        text = playing.text_of(samples)
        await _sleep_until(due_s)
        return web.json_response({"text": text, "language": playing.language, "emotion": None, "events": []})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        """Tokens, each when its time has come, or until the client wants no more: it has cancelled a speculation."""
        body = await request.json()
        due_s = time.monotonic() + self.delays.llm_first_s
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        limit = body.get("max_tokens") or body.get("max_completion_tokens") or 1000
        with contextlib.suppress(ConnectionResetError):
            for token in tokens(self.playing.reply)[:limit]:
                await _sleep_until(due_s)
                await response.write(_chunk({"role": "assistant", "content": token}))
                due_s += self.delays.llm_token_s
            await response.write(_chunk({}, finish="stop") + b"data: [DONE]\n\n")
        return response

    async def _speech(self, request: web.Request) -> web.Response:
        """int16; a tone that begins with a sound, not with silence."""
        body = await request.json()
        due_s, text = time.monotonic() + self.delays.tts_first_s, body["input"]
        rate = body.get("sample_rate", OPENAI_RATE)
        count = round(len(text) * (self.delays.zh_char_s if is_chinese(text) else self.delays.en_char_s) * rate)
        tone = _TONE_LEVEL * np.cos(2 * np.pi * _TONE_HZ * np.arange(count) / rate)
        await _sleep_until(due_s)
        return web.Response(body=(tone * 32767).astype("<i2").tobytes(), content_type="application/octet-stream")


def _chunk(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "simulated",
        "choices": [choice],
    }
    return b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n"


async def _sleep_until(due_s: float) -> None:
    await asyncio.sleep(due_s - time.monotonic())


def serve(orders: Connection) -> None:
    """A process of its own: sends its port, then takes the recording that is played next, until None comes."""
    services = SimulatedServices()
    services.start()
    orders.send(services.port)
    while (recording := orders.recv()) is not None:
        services.playing = recording
        orders.send(True)
    services.stop()
