"""The protocol of a voice engine: one file an engine in `engines/`, one line in `_REGISTRY`.

An engine gets speech text (`huiyin.services.tts.spoken`) and returns sound as float32 mono in about [-1, 1] at its
`sample_rate`; `huiyin.services.tts.speaker` trims and levels it and adds the pauses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from huiyin.configs.errors import HuiyinError
from huiyin.configs.plugins import VOICES, plugins
from huiyin.configs.settings import Settings, TtsSettings
from huiyin.configs.tables import read_table
from huiyin.configs.upstream_settings import EMBEDDED
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
    """The languages it speaks, as `speakable.language` names them: 'zh', 'en'."""
    gain: float | None = 1.0
    """Factor that brings it to the common loudness (-20 LUFS), measured on a minute of its speech; None: unknown, and
    measured while it speaks."""


@dataclass(frozen=True)
class WordTiming:
    """The time of a word, or of a Chinese character."""

    start: int
    end: int
    """Its place in the text, in characters."""
    start_s: float
    end_s: float
    """Its time in the sound, in seconds from the first sample."""

    def later(self, characters: int, seconds: float) -> WordTiming:
        """The same word where `characters` of text and `seconds` of sound stand before its own."""
        return WordTiming(
            self.start + characters,
            self.end + characters,
            max(0.0, self.start_s + seconds),
            max(0.0, self.end_s + seconds),
        )


Speech = Sound | WordTiming
"""What an engine returns, in order: sound, and the words in it with their times."""


@dataclass(frozen=True)
class Prosody:
    """Pace and pitch, and the words that are said otherwise than they are read."""

    speed: float = 1.0
    """1.0 is the voice's own pace, 2.0 twice as fast."""
    pitch: float = 0.0
    """Semitones above the voice's own."""
    sounds: Mapping[str, str] = field(default_factory=dict)
    """Word -> its phonemes in Kokoro's alphabet. Engines that take only text leave it."""


PLAIN = Prosody()


class SynthesisFailed(HuiyinError):
    """The engine cannot go on; `rest` is the text not spoken yet."""

    def __init__(self, key: str, /, rest: str, **facts: object) -> None:
        super().__init__(key, **facts)
        self.rest = rest


class Engine(Protocol):
    """One way to synthesise speech."""

    name: str
    version: str
    """Changes whenever the same text sounds different."""
    sample_rate: int
    """Of its sound, in hertz."""
    remote: bool
    """True: another machine does the work; False: this one does, one piece at a time."""

    @property
    def voices(self) -> tuple[Voice, ...]:
        """The listed voices; the first of a language and gender is preferred."""

    def voice(self, name: str) -> Voice | None:
        """The voice of that name, listed or not; None: this engine does not have it."""

    def pieces(self, text: str) -> list[str]:
        """`text` in the pieces in which this engine synthesises it."""

    def synthesise(self, text: str, voice: str, prosody: Prosody = PLAIN) -> Iterator[Speech]:
        """Sound of one piece and, where the engine knows them, its words with their times, in order.

        Nothing for a text without anything to say. Raises SynthesisFailed when it cannot go on.
        """

    def warm_up(self) -> None:
        """Do once what would slow down the first request."""


VOICE_TABLE = read_table(Path(__file__).with_name("voices.toml"))


def listed_voices(engine: str) -> tuple[Voice, ...]:
    """The voices that `voices.toml` lists for an engine."""
    return tuple(
        Voice(name, engine, language, gender, speaks(language), *(gain or [None]))
        for name, language, gender, *gain in VOICE_TABLE["voices"][engine]
    )


def speaks(language: str) -> frozenset[str]:
    """What a voice of that language speaks: Chinese ones know English, too."""
    return frozenset({"zh", "en"} if language.startswith("zh") else {"en"})


def listed(engine: Engine, name: str) -> Voice | None:
    """The engine's listed voice of that name."""
    return next((voice for voice in engine.voices if voice.name == name), None)


UPSTREAM = "upstream"
"""The engine of the URLs in ``tts.upstreams``."""

# Setting tts.engine -> engines in order of preference; edge-tts has local ones to fall back on.
_ENGINES_FOR = {
    "auto": ("hibari", "kokoro", "edge"),
    "hibari": ("hibari",),
    "kokoro": ("kokoro",),
    "edge": ("edge", "hibari", "kokoro"),
}
_REGISTRY = {
    "hibari": "huiyin.services.tts.engines.hibari:load",
    "kokoro": "huiyin.services.tts.engines.kokoro:load",
    "edge": "huiyin.services.tts.engines.edge:load",
    UPSTREAM: "huiyin.services.tts.engines.upstreams:load",
}


def load_engine(name: str, settings: Settings) -> Engine:
    """The engine of that name, loaded. Raises what its loader raises: StoreError, ImportError, ModelError."""
    load = import_object(_REGISTRY[name]) if name in _REGISTRY else plugins(VOICES)[name].load()
    engine: Engine = load(settings)
    return engine


def engines_for(settings: TtsSettings) -> tuple[str, ...]:
    """The engines of ``tts.upstreams`` in order of preference: those that ``tts.engine`` stands for, and the one of all
    URLs. Another package's engine stands for itself."""
    here = _ENGINES_FOR.get(settings.engine, (settings.engine,))
    names = [name for spec in settings.upstreams for name in (here if spec == EMBEDDED else [UPSTREAM])]
    return tuple(dict.fromkeys(names))
