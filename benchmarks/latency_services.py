"""Simulated services with fixed delays, for `benchmarks.latency`: Huiyin's own routes and OpenAI's, in one process.

Both lead to the same three methods. The recogniser's words are not invented: they are what the default recogniser
transcribed, beforehand, of the part of the recording that the caller sends (`Recording`).
"""

from __future__ import annotations

import contextlib
import json
import re
import time
import wave
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any

import numpy as np
import numpy.typing as npt

from huiyin.services.common.text import HAN, is_chinese

RATE = 16_000
OPENAI_RATE = 24_000
_TONE_HZ = 220
_TONE_LEVEL = 0.2
_LEAST_SHARE = 0.5  # of a span of speech: its words are in what the caller sent
_TOKEN = re.compile(rf"[{HAN}]{{1,2}}|\s?[A-Za-z0-9'’]+|\s?[^\sA-Za-z0-9]")
_FORM_FILE = re.compile(rb'name="file".*?\r\n\r\n', re.S)


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
        end_s = start_s + len(samples) / RATE
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

    def __init__(self, delays: Delays | None = None) -> None:
        self.delays, self.playing = delays or Delays(), Recording()
        services = self

        class Handler(_Handler):
            owner = services

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]

    def start(self) -> None:
        """Serve, in threads of its own."""
        Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """End."""
        self._server.shutdown()
        self._server.server_close()

    def transcribe(self, samples: npt.NDArray[np.float32], arrived_s: float) -> dict[str, Any]:
        """The answer of both routes."""
        playing = self.playing
        text = playing.text_of(samples)
        _sleep_until(arrived_s + self.delays.asr_s)
        return {"text": text, "language": playing.language, "emotion": None, "events": []}

    def reply(self, arrived_s: float) -> Iterator[str]:
        """Tokens, each when its time has come."""
        due_s = arrived_s + self.delays.llm_first_s
        for token in tokens(self.playing.reply):
            _sleep_until(due_s)
            yield token
            due_s += self.delays.llm_token_s

    def speak(self, text: str, rate: int, arrived_s: float) -> bytes:
        """int16; a tone that begins with a sound, not with silence."""
        count = round(len(text) * (self.delays.zh_char_s if is_chinese(text) else self.delays.en_char_s) * rate)
        tone = _TONE_LEVEL * np.cos(2 * np.pi * _TONE_HZ * np.arange(count) / rate)
        _sleep_until(arrived_s + self.delays.tts_first_s)
        return (tone * 32767).astype("<i2").tobytes()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *args: object) -> None:
        """Silent: callers hang up when they cancel."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    owner: SimulatedServices

    def log_message(self, *args: object) -> None:
        """Silent."""

    def do_POST(self) -> None:
        """All routes."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        arrived_s = time.monotonic()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # the caller has cancelled
            match self.path:
                case "/asr":
                    self._json(self.owner.transcribe(_floats(body), arrived_s))
                case "/v1/audio/transcriptions":
                    self._json(self.owner.transcribe(_floats(_wav(body)), arrived_s))
                case "/v1/chat/completions":
                    self._chat(json.loads(body), arrived_s)
                case "/v1/audio/speech":
                    request = json.loads(body)
                    rate = request.get("sample_rate", OPENAI_RATE)
                    self._whole(self.owner.speak(request["input"], rate, arrived_s), "application/octet-stream")
                case _:
                    self.send_error(404)

    def _chat(self, request: dict[str, Any], arrived_s: float) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        limit = request.get("max_tokens") or request.get("max_completion_tokens") or 1000
        for count, token in enumerate(self.owner.reply(arrived_s), 1):
            self._event({"content": token, **({"role": "assistant"} if count == 1 else {})})
            if count == limit:
                break
        self._event({}, finish="stop")
        self._chunk(b"data: [DONE]\n\n")
        self._chunk(b"")

    def _event(self, delta: dict[str, str], finish: str | None = None) -> None:
        body = {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "simulated",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        }
        self._chunk(b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def _json(self, body: dict[str, Any]) -> None:
        self._whole(json.dumps(body, ensure_ascii=False).encode(), "application/json")

    def _whole(self, data: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _floats(data: bytes) -> npt.NDArray[np.float32]:
    return np.frombuffer(data[: len(data) - len(data) % 2], "<i2").astype(np.float32) / np.float32(32768)


def _wav(form: bytes) -> bytes:
    """The samples of the WAV file in a multipart form."""
    start = _FORM_FILE.search(form)
    with wave.open(BytesIO(form[start.end() if start else 0 :])) as file:
        return file.readframes(file.getnframes())


def _sleep_until(due_s: float) -> None:
    time.sleep(max(0.0, due_s - time.monotonic()))


def serve(orders: Connection) -> None:
    """A process of its own: sends its port, then takes the recording that is played next, until None comes."""
    services = SimulatedServices()
    services.start()
    orders.send(services.port)
    while (recording := orders.recv()) is not None:
        services.playing = recording
        orders.send(True)
    services.stop()
