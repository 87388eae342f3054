"""What a voice engine is to the service: one protocol, one file an engine, one registry line.

Engines are given text in words (`huiyin.services.tts.spoken`) and give back sound as float32 mono in about [-1, 1] at
their `sample_rate`; trimming, levels and pauses are the service's business (`huiyin.services.tts.speaker`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from huiyin.configs.errors import HuiyinError
from huiyin.configs.settings import Settings
from huiyin.services.common.registry import import_object

Sound = NDArray[np.float32]
Gender = Literal["female", "male"]


@dataclass(frozen=True)
class Voice:
    """One voice of one engine."""

    name: str
    engine: str
    language: str
    """Its own language, a BCP 47 tag: 'zh-CN', 'en-US', 'en-GB'."""
    gender: Gender
    speaks: frozenset[str]
    """Languages it can be given, as `text.language` names them: 'zh', 'en'."""
    gain: float | None = 1.0
    """Factor that brings it to the common loudness (-20 LUFS), measured on a minute of its speech; None: it is not
    known, and found while it speaks."""


@dataclass(frozen=True)
class WordTiming:
    """When a word of a text is said, or a Chinese character."""

    start: int
    """Characters of the text before it ..."""
    end: int
    """... and to its end."""
    start_s: float
    end_s: float
    """Seconds from the first sample that was given."""

    def later(self, characters: int, seconds: float) -> WordTiming:
        """The same word in a text that has so many characters before it, in sound that has so much before it."""
        return WordTiming(
            self.start + characters,
            self.end + characters,
            max(0.0, self.start_s + seconds),
            max(0.0, self.end_s + seconds),
        )


Speech = Sound | WordTiming
"""What an engine gives, in order: sound, and the words in it with their times."""


@dataclass(frozen=True)
class Prosody:
    """How something is to be said."""

    speed: float = 1.0
    """1.0 is the voice's own pace, 2.0 twice as fast."""
    pitch: float = 0.0
    """Semitones above the voice's own."""


PLAIN = Prosody()


class SynthesisFailed(HuiyinError):
    """The engine could not go on; `rest` is the text not spoken yet."""

    def __init__(self, key: str, /, rest: str, **facts: object) -> None:
        super().__init__(key, **facts)
        self.rest = rest


class Engine(Protocol):
    """One way to make speech."""

    name: str
    version: str
    """Another one whenever the same text sounds different."""
    sample_rate: int
    """Of the sound it gives, in hertz."""
    remote: bool
    """True: another machine does the work; False: it is done here, one portion at a time."""

    @property
    def voices(self) -> tuple[Voice, ...]:
        """The voices it lists; the first of a language and gender is preferred."""

    def voice(self, name: str) -> Voice | None:
        """The voice of that name, listed or not, when this engine has it."""

    def pieces(self, text: str) -> list[str]:
        """`text` in the portions in which this engine should be asked for it."""

    def synthesise(self, text: str, voice: str, prosody: Prosody = PLAIN) -> Iterator[Speech]:
        """Sound of one portion and, where the engine knows them, its words with their times, in order.

        Raises SynthesisFailed when it cannot go on. Gives nothing when there is nothing it can say.
        """

    def warm_up(self) -> None:
        """Do once whatever would make the first request slow."""


def listed(engine: Engine, name: str) -> Voice | None:
    """The engine's listed voice of that name."""
    return next((voice for voice in engine.voices if voice.name == name), None)


# Which engines serve which setting of tts.engine; edge-tts has local ones to fall back on.
ENGINES_FOR = {
    "auto": ("hibari", "kokoro", "edge"),
    "hibari": ("hibari",),
    "kokoro": ("kokoro",),
    "edge": ("edge", "hibari", "kokoro"),
}
_REGISTRY = {
    "hibari": "huiyin.services.tts.engines.hibari:load",
    "kokoro": "huiyin.services.tts.engines.kokoro:load",
    "edge": "huiyin.services.tts.engines.edge:load",
}


def load_engine(name: str, settings: Settings) -> Engine:
    """The engine of that name, its model in memory. Raises what its loader raises: StoreError, ImportError."""
    engine: Engine = import_object(_REGISTRY[name])(settings)
    return engine
