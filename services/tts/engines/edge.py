"""edge-tts: Microsoft's voices, over the network, behind a circuit breaker."""

from __future__ import annotations

import asyncio
import logging
import re
import threading
import time
from collections.abc import Iterator
from typing import Any

import av
import numpy as np

from huiyin.configs import messages
from huiyin.configs.errors import HuiyinError
from huiyin.configs.settings import Settings
from huiyin.services.common.breaker import CircuitBreaker
from huiyin.services.tts.speakable import speakable
from huiyin.services.tts.voice_engine import PLAIN, Gender, Prosody, Speech, SynthesisFailed, Voice, WordTiming, listed

log = logging.getLogger(__name__)

_RATE = 24_000
_COOLDOWN_S = 30.0  # for which the network is skipped after a failure; doubled after each one in a row ...
_MAX_COOLDOWN_S = 300.0  # ... up to this
_CLOSE_S = 12.0  # a connection that takes longer to close is dropped
_TICK_S = 1e-7  # unit of the server's times
_NO_AUDIO = "NoAudioReceived"
_SEMITONES = 12  # an octave
_TYPICAL_PITCH_HZ: dict[Gender, float] = {"female": 210.0, "male": 120.0}  # its unit of changes is the hertz

_BOTH = frozenset({"zh", "en"})
_ENGLISH = frozenset({"en"})
VOICES = (
    Voice("zh-CN-XiaoxiaoNeural", "edge", "zh-CN", "female", _BOTH, gain=None),
    Voice("zh-CN-XiaoyiNeural", "edge", "zh-CN", "female", _BOTH, gain=None),
    Voice("zh-CN-YunxiNeural", "edge", "zh-CN", "male", _BOTH, gain=None),
    Voice("zh-CN-YunjianNeural", "edge", "zh-CN", "male", _BOTH, gain=None),
    Voice("zh-CN-YunyangNeural", "edge", "zh-CN", "male", _BOTH, gain=None),
    Voice("en-US-AriaNeural", "edge", "en-US", "female", _ENGLISH, gain=None),
    Voice("en-US-JennyNeural", "edge", "en-US", "female", _ENGLISH, gain=None),
    Voice("en-US-GuyNeural", "edge", "en-US", "male", _ENGLISH, gain=None),
    Voice("en-GB-SoniaNeural", "edge", "en-GB", "female", _ENGLISH, gain=None),
    Voice("en-GB-RyanNeural", "edge", "en-GB", "male", _ENGLISH, gain=None),
)
_NAME = re.compile(r"(?P<language>[a-z]{2,3}-[A-Z]{2})-(?:\w+-)?\w+Neural", re.ASCII)


class EdgeError(HuiyinError):
    """A failure that the client library does not report."""


class EdgeEngine:
    """The listed voices, and any other of Microsoft's by its name (de-DE-KatjaNeural)."""

    name = "edge"
    version = "1"
    sample_rate = _RATE
    remote = True
    voices = VOICES

    def __init__(self, timeout_s: float, cooldown_s: float = _COOLDOWN_S) -> None:
        """`timeout_s` limits the wait for the first sound, and then for each chunk; after a failure the network is
        skipped for `cooldown_s`, then twice as long each time, 5 minutes at most.
        """
        self._timeout_s = timeout_s
        self._breaker: CircuitBreaker[Exception] = CircuitBreaker(
            1, cooldown_s, growth=2.0, max_cooldown_s=_MAX_COOLDOWN_S
        )

    def voice(self, name: str) -> Voice | None:
        """See Engine."""
        match = _NAME.fullmatch(name)
        if match is None:
            return None
        speaks = _BOTH if match["language"].startswith("zh") else _ENGLISH
        return listed(self, name) or Voice(name, "edge", match["language"], "female", speaks, gain=None)

    def pieces(self, text: str) -> list[str]:
        """The whole text: the server cuts it itself."""
        return [text]

    def synthesise(self, text: str, voice: str, prosody: Prosody = PLAIN) -> Iterator[Speech]:
        """See Engine. Raises SynthesisFailed at once while the circuit is open."""
        if self._breaker.state != "closed":
            if self._breaker.admit():
                threading.Thread(target=self._try_again, name="edge-try", daemon=True).start()
            raise SynthesisFailed("tts.edge_skipped", text)
        decoder: Any = av.CodecContext.create("mp3float", "r")  # "mp3" decodes to int16
        progress = _Progress(text)
        try:
            for chunk in self._chunks(text, voice, prosody):
                if chunk["type"] != "audio":
                    start_s = chunk["offset"] * _TICK_S
                    yield from progress.add_word(chunk["text"], start_s, start_s + chunk["duration"] * _TICK_S)
                    continue
                for packet in decoder.parse(chunk["data"]):
                    for frame in decoder.decode(packet):
                        progress.add_sound(frame.samples / frame.sample_rate)
                        yield frame.to_ndarray()[0].astype(np.float32)
            if progress.broken_off:  # for the client library a closed connection is the end
                raise EdgeError("tts.edge_closed")
            self._breaker.succeeded()
        except Exception as error:  # the client library raises its own, aiohttp's, asyncio's and the socket's
            if type(error).__name__ != _NO_AUDIO:  # no fault of the network: it is about this voice or text
                self._breaker.failed(error)
            raise SynthesisFailed("tts.edge_failed", progress.rest, why=_reason(error)) from error

    def warm_up(self) -> None:
        """Nothing to load."""

    def _try_again(self) -> None:
        """The trial of the circuit breaker."""
        try:
            next(chunk for chunk in self._chunks("Yes.", VOICES[0].name, PLAIN) if chunk["type"] == "audio")
        except Exception as error:  # as above
            log.info("edge-tts still cannot be reached: %s", _reason(error))
            self._breaker.failed(error)
        else:
            log.info("edge-tts can be reached again")
            self._breaker.succeeded()

    def _chunks(self, text: str, voice: str, prosody: Prosody) -> Iterator[dict[str, Any]]:
        """The server's messages: pieces of mp3, and words with their times. Raises many kinds of errors."""
        import edge_tts

        known = self.voice(voice)
        own_hz = _TYPICAL_PITCH_HZ[known.gender if known else "female"]
        whole_s = max(1, round(self._timeout_s))  # a backstop: the library takes whole seconds only
        stream = edge_tts.Communicate(
            text,
            voice,
            rate=f"{round((prosody.speed - 1) * 100):+d}%",
            pitch=f"{round(own_hz * (2 ** (prosody.pitch / _SEMITONES) - 1)):+d}Hz",
            boundary="WordBoundary",
            connect_timeout=whole_s,
            receive_timeout=whole_s,
        ).stream()

        async def next_chunk() -> dict[str, Any]:
            return dict(await stream.__anext__())

        loop = asyncio.new_event_loop()
        task: asyncio.Task[dict[str, Any]] | None = None
        until_s = time.monotonic() + self._timeout_s
        try:
            while True:
                task = loop.create_task(next_chunk())
                wait_s = max(0.0, until_s - time.monotonic())
                done, _ = loop.run_until_complete(asyncio.wait({task}, timeout=wait_s))
                if not done:
                    raise EdgeError("tts.edge_silent", wait_s=self._timeout_s)
                try:
                    chunk = task.result()
                except StopAsyncIteration:
                    return
                yield chunk
                if chunk["type"] == "audio":
                    until_s = time.monotonic() + self._timeout_s
        finally:
            # In a thread: a silent server does not answer the closing handshake either.
            threading.Thread(target=_close, args=(loop, task, stream), name="edge-end", daemon=True).start()


def _reason(error: Exception) -> str:
    """`error` in words, without the address, which is long and signed."""
    status = getattr(error, "status", 0)
    if status:
        return messages.text("tts.edge_status", {"status": status})
    return str(error) or type(error).__name__


def _close(loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any] | None, stream: Any) -> None:
    async def close() -> None:
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await stream.aclose()

    try:
        loop.run_until_complete(asyncio.wait_for(close(), _CLOSE_S))
    except Exception as error:  # of a connection that is dropped anyway
        log.debug("edge-tts: %s at the end", error)
    finally:
        loop.close()


class _Progress:
    """How much of a text has been spoken, for the rest when the connection breaks."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._words: list[WordTiming] = []
        self._all_known = True  # every word of the server so far is in the text
        self._spoken_s = 0.0

    def add_word(self, word: str, start_s: float, end_s: float) -> Iterator[WordTiming]:
        """The next word of the server, with its place in the text; none where the text does not have it."""
        start = self._text.find(word, self._words[-1].end if self._words else 0)
        if start < 0:
            self._all_known = False
            return
        self._words.append(WordTiming(start, start + len(word), start_s, end_s))
        yield self._words[-1]

    def add_sound(self, seconds: float) -> None:
        """Sound was passed on."""
        self._spoken_s += seconds

    @property
    def rest(self) -> str:
        """The text after the last word that was spoken to its end."""
        return self._text[max((word.end for word in self._words if word.end_s <= self._spoken_s), default=0) :]

    @property
    def broken_off(self) -> bool:
        """Whether words are missing. False where the server's words are not those of the text."""
        return self._all_known and bool(self._words) and speakable(self.rest)


def load(settings: Settings) -> EdgeEngine:
    """The engine; it connects at the first request."""
    return EdgeEngine(settings.tts.edge_timeout_s)
