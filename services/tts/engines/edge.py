"""edge-tts: Microsoft's voices, over the network. A breaker makes a dead network cheap."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from queue import Empty, Queue
from typing import Any

import av
import numpy as np

from configs.settings import Settings
from services.tts.engine import Sound, SynthesisFailed, Voice, listed

_RATE = 24_000
_BREAKER_S = 60.0  # after a failure the network is not tried again for so long
_RATE_PERCENT = "{:+d}%"
_GRACE_S = 1.0

VOICES = (
    Voice("zh-CN-XiaoxiaoNeural", "edge", "zh-CN", "female", frozenset({"zh", "en"})),
    Voice("zh-CN-YunxiNeural", "edge", "zh-CN", "male", frozenset({"zh", "en"})),
    Voice("en-US-AriaNeural", "edge", "en-US", "female", frozenset({"en"})),
    Voice("en-US-GuyNeural", "edge", "en-US", "male", frozenset({"en"})),
)


class EdgeEngine:
    """The voices that the service names; any other of Microsoft's names is passed on."""

    name = "edge"
    sample_rate = _RATE
    voices = VOICES

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._closed_until = 0.0  # time.monotonic

    def voice(self, name: str) -> Voice | None:
        """See Engine. Names like de-DE-KatjaNeural are taken on trust."""
        if name.endswith("Neural") and name.count("-") >= 2:
            tag = "-".join(name.split("-")[:2])
            speaks = frozenset({"zh", "en"} if tag.startswith("zh") else {"en"})
            return listed(self, name) or Voice(name, "edge", tag, "female", speaks)
        return None

    def pieces(self, text: str) -> list[str]:
        """The whole text: the service streams by itself."""
        return [text]

    def synthesise(self, text: str, voice: str, speed: float) -> Iterator[Sound]:
        """See Engine. Raises SynthesisFailed at once while the breaker is open."""
        if time.monotonic() < self._closed_until:
            raise SynthesisFailed("edge-tts was out of reach a moment ago", text)
        decoder: Any = av.CodecContext.create("mp3", "r")
        got = False
        try:
            for data in self._mp3(text, voice, speed):
                for packet in decoder.parse(data):
                    for frame in decoder.decode(packet):
                        got = True
                        yield frame.to_ndarray().reshape(-1, frame.samples)[0].astype(np.float32)
        except (OSError, EOFError, av.FFmpegError) as error:
            self._closed_until = time.monotonic() + _BREAKER_S
            # Once it has begun to speak, what it has said cannot be told apart from what is left.
            raise SynthesisFailed(f"edge-tts: {error}", "" if got else text) from error
        if not got:
            raise SynthesisFailed("edge-tts gave no sound", text)

    def warm_up(self) -> None:
        """Nothing to load."""

    def _mp3(self, text: str, voice: str, speed: float) -> Iterator[bytes]:
        """Its mp3, from an event loop in a thread of its own. Raises OSError."""
        import edge_tts

        queue: Queue[bytes | Exception | None] = Queue()
        left = threading.Event()

        async def stream() -> None:
            talk = edge_tts.Communicate(
                text,
                voice,
                rate=_RATE_PERCENT.format(round((speed - 1) * 100)),
                connect_timeout=max(1, round(self._timeout_s)),
                receive_timeout=max(1, round(self._timeout_s)),
            )
            async for chunk in talk.stream():
                if left.is_set():
                    return
                if chunk["type"] == "audio":
                    queue.put(chunk["data"])

        def run() -> None:
            try:
                asyncio.run(stream())
                queue.put(None)
            except Exception as error:
                queue.put(error)

        threading.Thread(target=run, name="edge-tts", daemon=True).start()
        try:
            while True:
                try:
                    item = queue.get(timeout=self._timeout_s + _GRACE_S)
                except Empty:
                    raise OSError(f"no answer within {self._timeout_s:g} s") from None
                if item is None:
                    return
                if isinstance(item, Exception):
                    raise OSError(str(item) or type(item).__name__) from item
                yield item
        finally:
            left.set()


def load(settings: Settings) -> EdgeEngine:
    """The engine; connects when it is first asked."""
    return EdgeEngine(settings.tts.edge_timeout_s)
