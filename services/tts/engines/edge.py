"""edge-tts: Microsoft's voices, over the network. A breaker makes a dead network cheap."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from typing import Any

import av
import numpy as np

from configs.settings import Settings
from services.tts.engine import Sound, SynthesisFailed, Voice, listed
from services.tts.text import speakable

_RATE = 24_000
_FIRST_REST_S, _LONGEST_REST_S = 30.0, 300.0  # after a failure the network is left alone for so long, each time longer
_TICKS_S = 1e-7  # its times are in units of 100 ns

_BOTH = frozenset({"zh", "en"})
_ENGLISH = frozenset({"en"})
VOICES = (
    Voice("zh-CN-XiaoxiaoNeural", "edge", "zh-CN", "female", _BOTH),
    Voice("zh-CN-XiaoyiNeural", "edge", "zh-CN", "female", _BOTH),
    Voice("zh-CN-YunxiNeural", "edge", "zh-CN", "male", _BOTH),
    Voice("zh-CN-YunjianNeural", "edge", "zh-CN", "male", _BOTH),
    Voice("zh-CN-YunyangNeural", "edge", "zh-CN", "male", _BOTH),
    Voice("en-US-AriaNeural", "edge", "en-US", "female", _ENGLISH),
    Voice("en-US-JennyNeural", "edge", "en-US", "female", _ENGLISH),
    Voice("en-US-GuyNeural", "edge", "en-US", "male", _ENGLISH),
    Voice("en-GB-SoniaNeural", "edge", "en-GB", "female", _ENGLISH),
    Voice("en-GB-RyanNeural", "edge", "en-GB", "male", _ENGLISH),
)
_NAME = re.compile(r"(?P<language>[a-z]{2,3}-[A-Z]{2})-(?:\w+-)?\w+Neural", re.ASCII)


class Breaker:
    """Remembers that something is out of reach, so that nobody waits for it again for a while."""

    def __init__(self) -> None:
        self._rest_s = _FIRST_REST_S
        self._until_s = 0.0  # time.monotonic

    @property
    def open(self) -> bool:
        """Whether to leave it alone now."""
        return time.monotonic() < self._until_s

    def failed(self) -> None:
        """It was out of reach: leave it alone, longer each time."""
        self._until_s = time.monotonic() + self._rest_s
        self._rest_s = min(2 * self._rest_s, _LONGEST_REST_S)

    def worked(self) -> None:
        """It answered."""
        self._rest_s, self._until_s = _FIRST_REST_S, 0.0


class EdgeEngine:
    """The listed voices, and any other of Microsoft's by its name (de-DE-KatjaNeural)."""

    name = "edge"
    sample_rate = _RATE
    remote = True
    voices = VOICES

    def __init__(self, timeout_s: float) -> None:
        """`timeout_s` is the longest wait for the connection, and then for each piece of sound."""
        self._timeout_s = timeout_s
        self._breaker = Breaker()

    def voice(self, name: str) -> Voice | None:
        """See Engine."""
        found = _NAME.fullmatch(name)
        if found is None:
            return None
        speaks = _BOTH if found["language"].startswith("zh") else _ENGLISH
        return listed(self, name) or Voice(name, "edge", found["language"], "female", speaks)

    def pieces(self, text: str) -> list[str]:
        """The whole text: the server streams by itself."""
        return [text]

    def synthesise(self, text: str, voice: str, speed: float) -> Iterator[Sound]:
        """See Engine. Raises SynthesisFailed at once while the breaker is open."""
        if self._breaker.open:
            raise SynthesisFailed("edge-tts was out of reach a moment ago", text)
        decoder: Any = av.CodecContext.create("mp3", "r")
        progress = _Progress(text)
        try:
            for chunk in self._chunks(text, voice, speed):
                if chunk["type"] != "audio":
                    progress.add_word(chunk["text"], (chunk["offset"] + chunk["duration"]) * _TICKS_S)
                    continue
                for packet in decoder.parse(chunk["data"]):
                    for frame in decoder.decode(packet):
                        progress.add_sound(frame.samples / frame.sample_rate)
                        yield frame.to_ndarray()[0].astype(np.float32)
            if progress.broken_off:  # the client takes a closed connection for the end
                raise ConnectionError("the connection was closed half-way")
            self._breaker.worked()
        except Exception as error:  # the client raises its own, aiohttp's, asyncio's and the socket's
            self._breaker.failed()
            raise SynthesisFailed(f"edge-tts: {str(error) or type(error).__name__}", progress.rest) from error

    def warm_up(self) -> None:
        """Nothing to load."""

    def _chunks(self, text: str, voice: str, speed: float) -> Iterator[dict[str, Any]]:
        """What the server sends: pieces of mp3, and words with their times. Raises many kinds of errors."""
        import edge_tts

        whole_s = max(1, round(self._timeout_s))  # the client takes whole seconds; wait_for below is exact
        stream = edge_tts.Communicate(
            text,
            voice,
            rate=f"{round((speed - 1) * 100):+d}%",
            boundary="WordBoundary",
            connect_timeout=whole_s,
            receive_timeout=whole_s,
        ).stream()

        async def following() -> dict[str, Any]:
            return dict(await asyncio.wait_for(stream.__anext__(), self._timeout_s))

        loop = asyncio.new_event_loop()
        try:
            while True:
                try:
                    yield loop.run_until_complete(following())
                except StopAsyncIteration:
                    return
        finally:
            loop.run_until_complete(stream.aclose())
            loop.close()


class _Progress:
    """How much of a text has been spoken: what is left when the connection breaks."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._found = 0
        self._all_found = True
        self._words: list[tuple[float, int]] = []  # when each ends, and where in the text
        self._spoken_s = 0.0

    def add_word(self, word: str, end_s: float) -> None:
        """The server says when a word ends; it comes with the sound, in order."""
        at = self._text.find(word, self._found)
        if at < 0:
            self._all_found = False
            return
        self._found = at + len(word)
        self._words.append((end_s, self._found))

    def add_sound(self, seconds: float) -> None:
        """Sound was given on."""
        self._spoken_s += seconds

    @property
    def rest(self) -> str:
        """The text after the last word that was spoken to its end."""
        return self._text[max((at for end_s, at in self._words if end_s <= self._spoken_s), default=0) :]

    @property
    def broken_off(self) -> bool:
        """Whether words are left; said only when every word so far was recognised in the text."""
        return self._all_found and bool(self._words) and speakable(self.rest)


def load(settings: Settings) -> EdgeEngine:
    """The engine; it connects when it is first asked."""
    return EdgeEngine(settings.tts.edge_timeout_s)
