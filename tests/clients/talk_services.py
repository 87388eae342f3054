"""What is said in the talk with a client, and the three services that hear, answer and speak it, over real HTTP.

The recogniser recognises the user's recordings by their sound. The voice says one word every `WORD_S`, so that what
was heard of a reply is known from how long it was played, by arithmetic alone.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr
from aiohttp import web

from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16, Samples
from huiyin.assistant.scenario import voices
from huiyin.configs.settings import Settings, load
from tests.support.aiohttp_server import serving

CLIENT_RATE = 24_000
WORD_S = 0.25
SAID = {
    "weather": "What is the weather in Paris today?",
    "story": "Please tell me a very long story.",
    "author": "Wait, who wrote that story?",
}
GREETING = "Hello there."
WEATHER = "It is sunny in Paris, and twenty one degrees warm."
STORY = (
    "Once upon a time there was a lighthouse on a rock in the sea. Nobody had lived in it for a hundred years. "
    "One night a small boat came along, and its lamp had gone out. The fisherman saw a light where none should be. "
    "He rowed towards it, and the light moved away."
)
AUTHOR = "Nobody knows its author."
CALL = ("get_weather", {"city": "Paris"})
_ASR_S, _LLM_S, _TOKEN_S, _TTS_S = 0.07, 0.1, 0.01, 0.08  # what the services take
_LONGEST_S = 8.0  # of what is said
_TONE_HZ, _TONE_LEVEL = 220, 0.2


def words_heard(reply: str, played_ms: float) -> str:
    """What of `reply` had been said to its end when `played_ms` of it had been played."""
    return " ".join(reply.split()[: int(played_ms / 1000 / WORD_S)])


def speech(text: str) -> Samples:
    """The user's voice, 16 kHz."""
    return voices.say(text, "user", "formants")


def for_client(sound: Samples) -> bytes:
    """As a client sends it: 24 kHz, int16."""
    return bytes((soxr.resample(sound, SAMPLE_RATE, CLIENT_RATE) * 32767).astype("<i2").tobytes())


class TalkServices:
    """Use as a context manager; `settings` point at it, `asked` is what the model was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self._serving = contextlib.ExitStack()

    def __enter__(self) -> TalkServices:
        self.port = self._serving.enter_context(serving(self._app()))
        return self

    def __exit__(self, *error: object) -> None:
        self._serving.close()

    def settings(self, *overrides: str) -> Settings:
        """Settings that point at these services."""
        ports = [f"{key.replace('_', '.')}={port}" for key, port in self.ports.items()]
        return load(overrides=[*ports, *overrides], environ={})

    @property
    def ports(self) -> dict[str, int]:
        """Where they are, as settings."""
        return {f"{name}_port": self.port for name in ("asr", "llm", "tts")}

    def _app(self) -> web.Application:
        app = web.Application(client_max_size=2**26)
        app.router.add_post("/asr", self._asr)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_post("/v1/audio/speech", self._speech)
        app.router.add_post("/end_of_turn", self._judge)
        app.router.add_post("/hold", self._hold)
        return app

    @cached_property
    def _recordings(self) -> dict[str, npt.NDArray[np.complex128]]:
        """Their spectra, by what is said."""
        return {text: np.conj(_spectrum(speech(text))) for text in SAID.values()}

    async def _asr(self, request: web.Request) -> web.Response:
        heard = _spectrum(np.frombuffer(await request.read(), "<i2").astype(np.float32))
        await asyncio.sleep(_ASR_S)
        likeness = {text: np.fft.irfft(heard * said).max() for text, said in self._recordings.items()}
        text = max(likeness, key=likeness.__getitem__)
        return web.json_response({"text": text, "language": "en", "emotion": None, "events": []})

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.asked.append(body)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):  # the reply is no longer wanted
            await self._answer(body, response)
        return response

    async def _answer(self, body: dict[str, Any], response: web.StreamResponse) -> None:
        await asyncio.sleep(_LLM_S)
        reply = _reply(body["messages"], has_tools=bool(body.get("tools")))
        if reply is None:
            name, arguments = CALL
            function = {"name": name, "arguments": json.dumps(arguments)}
            call = {"index": 0, "id": f"call_{len(self.asked)}", "type": "function", "function": function}
            await response.write(_event({"role": "assistant", "tool_calls": [call]}))
            await response.write(_event({}, "tool_calls"))
        else:
            for word in reply.split(" ")[: body.get("max_tokens") or 1000]:
                await response.write(_event({"content": word + " "}))
                await asyncio.sleep(_TOKEN_S)
            await response.write(_event({}, "stop"))
        await response.write(b"data: [DONE]\n\n")

    async def _speech(self, request: web.Request) -> web.StreamResponse:
        """A tone for each word, and when each ends."""
        body = await request.json()
        text, rate = body["input"], body.get("sample_rate", CLIENT_RATE)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await asyncio.sleep(_TTS_S)
        with contextlib.suppress(ConnectionError):
            await response.write(_data({"type": "speech.audio.words", "words": _timed(text)}))
            for _ in text.split():
                sound = base64.b64encode(_tone(rate).tobytes()).decode()
                await response.write(_data({"type": "speech.audio.delta", "audio": sound}))
            await response.write(_data({"type": "speech.audio.done", "usage": {}}))
        return response

    async def _judge(self, request: web.Request) -> web.Response:
        return web.json_response({"probability": 0.9})

    async def _hold(self, request: web.Request) -> web.Response:
        return web.json_response({"held": True})


def _reply(messages: Sequence[dict[str, Any]], *, has_tools: bool) -> str | None:
    """What the model answers; None: a call of the tool."""
    last = str(messages[-1].get("content"))
    if messages[-1]["role"] == "tool":
        return WEATHER
    for name, reply in (("weather", None if has_tools else WEATHER), ("story", STORY), ("author", AUTHOR)):
        if SAID[name].rstrip("?.") in last:
            return reply
    return GREETING


def _spectrum(sound: Samples) -> npt.NDArray[np.complex128]:
    """Of its last `_LONGEST_S`, at a quarter of the rate, with the energy of 1."""
    kept = sound[-round(_LONGEST_S * SAMPLE_RATE) :]
    kept = kept[: len(kept) // 4 * 4].reshape(-1, 4).mean(axis=1)
    return np.fft.rfft(kept / (np.linalg.norm(kept) or 1.0), round(2 * _LONGEST_S * SAMPLE_RATE / 4))


def _timed(text: str) -> list[dict[str, Any]]:
    words, end = [], 0
    for number, word in enumerate(text.split(), 1):
        start = text.index(word, end)
        end = start + len(word)
        words.append({"start": start, "end": end, "start_s": (number - 1) * WORD_S, "end_s": number * WORD_S})
    return words


def _tone(rate: int) -> Pcm16:
    """One word."""
    count = round(rate * WORD_S)
    fade = np.minimum(1.0, np.minimum(np.arange(count), np.arange(count)[::-1]) / (0.02 * rate))
    return (_TONE_LEVEL * 32767 * fade * np.cos(2 * np.pi * _TONE_HZ * np.arange(count) / rate)).astype("<i2")


def _event(delta: dict[str, Any], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return _data(
        {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "stub", "choices": [choice]}
    )


def _data(body: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(body).encode() + b"\n\n"
