"""The Realtime server's side of `benchmarks.latency`: a server in a process of its own, a client in this one.

The client is OpenAI's protocol at its plainest: 24 kHz, semantic_vad (whose waits are those of `huiyin talk`), no
extensions. It plays what comes at once, one piece after the other, and falls silent at `speech_started`.
"""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from typing import Any

import aiohttp
import numpy as np
import soxr

from benchmarks.latency_sides import NOISE_DBFS, Answer, answer_heard
from benchmarks.latency_speech import BenchmarkUtterance
from huiyin.assistant.conversation.trace import AUDIBLE
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Samples
from huiyin.configs.settings import Settings

RATE = 24_000
_BLOCK = RATE // 50
_POLL_S = 0.1
_STEP_S = 0.010  # it is noted which steps of this length are audible
_SESSION: dict[str, Any] = {
    "type": "realtime",
    "audio": {"input": {"turn_detection": {"type": "semantic_vad"}, "transcription": {"model": "huiyin"}}},
}


def server_settings(llm: Settings, port: int) -> dict[str, object]:
    """Settings of the server: simulated services at `port`, and an LLM service in front of them, as `llm` says."""
    changes = {"asr_port": port, "tts_port": port, "llm_port": llm.llm.port}
    return {**changes, "llm_upstreams": llm.llm.upstreams[0], "llm_upstream_model": "simulated", "turns_openers": False}


class RealtimeClient:
    """A `Device`: one connection, in a thread of its own. Raises RuntimeError where the connection has ended."""

    def __init__(self, url: str) -> None:
        """`url`: http address of the server."""
        self.audible: list[float] = []
        self.began_s = 0.0  # when the first sample of what was said was in the air
        self._url = f"{url}/v1/realtime?model=huiyin"
        self._waiting: Samples = np.zeros(0, np.float32)
        self._begun, self._ready, self._stopped = threading.Event(), threading.Event(), asyncio.Event()
        self._free_s, self._rng = 0.0, np.random.default_rng(1)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._run(),), daemon=True)
        self._thread.start()
        self._ready.wait()

    def say(self, sound: Samples) -> None:
        """Begin to say `sound` (16 kHz); returns when its first block has begun."""
        self.audible.clear()
        self._begun.clear()
        self._waiting = soxr.resample(sound, SAMPLE_RATE, RATE)
        while not self._begun.wait(_POLL_S):
            if self.is_lost:
                raise RuntimeError("the Realtime connection has ended")

    @property
    def is_lost(self) -> bool:
        """Whether the connection has ended."""
        return not self._thread.is_alive()

    def close(self) -> None:
        """End."""
        self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join()

    async def _run(self) -> None:
        async with aiohttp.ClientSession() as http, http.ws_connect(self._url, max_msg_size=0) as socket:
            await socket.send_json({"type": "session.update", "session": _SESSION})
            works = (self._stopped.wait(), self._speak(socket), self._listen(socket))
            tasks = [asyncio.create_task(work) for work in works]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _speak(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        due_s, is_saying, noise = time.monotonic(), False, 10 ** (NOISE_DBFS / 20)
        while True:
            voice, self._waiting = self._waiting[:_BLOCK], self._waiting[_BLOCK:]
            if len(voice) and not is_saying:
                self.began_s = due_s
                self._begun.set()
            is_saying = len(self._waiting) > 0
            mic = self._rng.standard_normal(_BLOCK).astype(np.float32) * noise
            mic[: len(voice)] += voice
            due_s += _BLOCK / RATE
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            sound = (np.clip(mic, -1, 1) * 32767).astype("<i2").tobytes()
            await socket.send_json({"type": "input_audio_buffer.append", "audio": base64.b64encode(sound).decode()})

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            match json.loads(message.data):
                case {"type": "session.updated"}:
                    self._ready.set()
                case {"type": "response.output_audio.delta", "delta": delta}:
                    self._play(np.frombuffer(base64.b64decode(delta), "<i2").astype(np.int32))
                case {"type": "input_audio_buffer.speech_started"}:
                    now_s = self._free_s = time.monotonic()
                    self.audible[:] = [at_s for at_s in self.audible if at_s < now_s]

    def _play(self, samples: np.ndarray) -> None:
        begins_s, step = max(time.monotonic(), self._free_s), round(RATE * _STEP_S)
        for i in range(0, len(samples), step):
            if np.abs(samples[i : i + step]).max() > AUDIBLE:
                self.audible.append(begins_s + i / RATE)
        self._free_s = begins_s + len(samples) / RATE


class Realtime:
    """A `Side`."""

    name = "realtime"
    about = ""

    def __init__(self, url: str) -> None:
        """`url`: http address of the server."""
        self._client = RealtimeClient(url)

    def answer(self, utterance: BenchmarkUtterance) -> Answer:
        """Play it in real time; return when the reply is over."""
        self._client.say(utterance.sound)
        answer = answer_heard(self._client, utterance.duration_s)
        return Answer([], is_lost=True) if self._client.is_lost else answer

    def close(self) -> None:
        """End."""
        self._client.close()
