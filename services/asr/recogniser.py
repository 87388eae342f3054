"""The recogniser's protocol, its results, and the list of engines."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

from huiyin.configs.errors import HuiyinError
from huiyin.configs.plugins import RECOGNISERS, plugins
from huiyin.configs.settings import AsrSettings, SettingsError
from huiyin.configs.upstream_settings import EMBEDDED
from huiyin.services.common.audio import Samples
from huiyin.services.common.registry import import_object
from huiyin.services.common.text import WIDE

FindModel = Callable[[str], Path]
"""From a name in the model store to its folder, downloading what is missing."""

# name in settings -> "module:function"; the function is `load(settings, find_model) -> Engine`
ENGINES = {
    "whisper": "huiyin.services.asr.engines.whisper:load",
    "sensevoice": "huiyin.services.asr.engines.sensevoice:load",
    "paraformer": "huiyin.services.asr.engines.paraformer:load",
}
_UPSTREAMS = "huiyin.services.asr.engines.upstreams:load"
_WIDE = re.compile(f"[{WIDE}]")


class ModelFolderError(HuiyinError):
    """A model's folder, or a file in it, that cannot be used."""


class OutOfMemory(MemoryError):
    """A call was too large for the device; nothing of it was recognised, smaller calls may work."""


@dataclass(frozen=True, slots=True)
class Emotion:
    """How a speaker sounds. `scores` are probabilities by label, the winner's is `confidence`."""

    label: str
    confidence: float
    scores: dict[str, float]


@dataclass(frozen=True, slots=True)
class SoundEvent:
    """A sound that is not speech (laughter, applause, music)."""

    label: str
    start_s: float
    end_s: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Word:
    """A word, or one Chinese character, with the punctuation that follows it. Times as in Segment."""

    text: str
    start_s: float
    end_s: float

    def later(self, by_s: float) -> Word:
        """The same word, `by_s` seconds further on."""
        return Word(self.text, self.start_s + by_s, self.end_s + by_s)


@dataclass(frozen=True, slots=True)
class Segment:
    """A span of speech. Times in seconds from the start of the samples, `confidence` in [0, 1].

    `emotion` is None where the engine cannot tell, never "neutral"; `words` is empty where it cannot time them.
    """

    start_s: float
    end_s: float
    text: str
    language: str
    confidence: float
    emotion: Emotion | None = None
    events: tuple[SoundEvent, ...] = ()
    words: tuple[Word, ...] = ()
    speaker: str | None = None
    """A label such as "S1", the same for all that this person says; None unless speakers were asked for."""

    @property
    def length_s(self) -> float:
        """Its length in seconds."""
        return max(self.end_s - self.start_s, 0.0)

    def later(self, by_s: float) -> Segment:
        """The same segment, `by_s` seconds further on."""
        events = tuple(dataclasses.replace(e, start_s=e.start_s + by_s, end_s=e.end_s + by_s) for e in self.events)
        words = tuple(word.later(by_s) for word in self.words)
        return dataclasses.replace(
            self, start_s=self.start_s + by_s, end_s=self.end_s + by_s, events=events, words=words
        )

    def as_dict(self) -> dict[str, Any]:
        """For JSON; times to the millisecond."""
        return dict(_rounded(dataclasses.asdict(self)))


@dataclass(frozen=True)
class Recognition:
    """What an engine recognised in one piece of sound. No speech: no segments."""

    segments: tuple[Segment, ...]
    warnings: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Of all segments."""
        return join_texts(segment.text for segment in self.segments)


@dataclass(frozen=True)
class Hints:
    """What the caller knows of the recording."""

    languages: tuple[str, ...] = ()
    """Codes such as 'zh': one of these is spoken. Empty: one of the configured ones."""
    prompt: str = ""
    """Text in the style and with the names that are expected; engines that cannot use it ignore it."""
    temperature: float = 0.0
    """In [0, 1]; 0 always gives the same answer."""
    hotwords: tuple[str, ...] = ()
    """Names and terms to expect (checked: short, no addresses or paths)."""
    itn: bool = True
    """Numbers and dates as one writes them, with punctuation; False: as spoken."""
    words: bool = False
    """The times of single words are wanted; an engine that has them without more work gives them always."""
    careful: bool | None = None
    """Fewer errors are worth more time; None: the service decides. Engines without such a choice ignore it."""
    translate: bool = False
    """What is said, in English; for engines that translate."""
    speakers: int | Literal["channels"] | None = None
    """How many people speak, whom the segments are to name; 0: as many as sound different; 'channels': one on each of
    two channels; None: do not ask. Of no concern to engines."""


class Engine(Protocol):
    """A loaded recogniser. At most `workers` threads call it at once (see `huiyin.services.asr.queue`)."""

    model: str
    """Its id, as callers name it."""
    device: str
    languages: tuple[str, ...]
    """Codes that a caller may name."""
    max_piece_s: float
    """The longest sound it takes as one piece."""
    batch_s: float
    """Seconds of sound worth putting into one call; 0, on CPUs: one piece a call, as a batch only adds padding."""
    workers: int
    """Calls that it takes at once."""
    uses_hotwords: bool
    """False: its text is corrected towards the hotwords afterwards."""
    translates: bool
    """Whether it follows `Hints.translate`."""

    def recognise(self, pieces: Sequence[Samples], hints: Hints) -> list[Recognition]:
        """What is said in each piece: float32 (n,), mono 16 kHz in [-1, 1], 0.05 s to `max_piece_s`.

        Times count from the piece's start. Raises OutOfMemory.
        """
        ...


@dataclass(frozen=True)
class PhraseScore:
    """How likely a recording begins with a phrase, and where that would end in it, in seconds.

    `score`: by so much (natural logarithm) the phrase is likelier with this sound than with noise, less what speaks
    against it where it is expected. From 0 on it was probably said; other speech is mostly far below.
    """

    score: float
    end_s: float


@runtime_checkable
class PhraseEngine(Protocol):
    """An `Engine` that can also be asked whether a recording begins with a phrase, which takes less than to recognise
    it and finds the phrase where noise makes other words of it."""

    def phrase_score(self, samples: Samples, phrase: str, language: str) -> PhraseScore | None:
        """Of at most a few seconds, as in `Engine.recognise`. None where there is no speech."""
        ...


@dataclass(frozen=True)
class RecordingTranscript:
    """A whole recording, as in every response of the service."""

    text: str
    language: str
    """'' without speech."""
    duration_s: float
    processing_s: float
    """Time to decode and recognise, without the wait for other callers."""
    rtf: float
    """processing_s / duration_s."""
    model: str
    confidence: float
    """Mean over the speech; 0 without speech."""
    emotion: Emotion | None
    events: tuple[SoundEvent, ...]
    segments: tuple[Segment, ...]
    warnings: tuple[str, ...] = ()
    cached: bool = False
    """The transcript comes from the cache."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON; times to the millisecond."""
        return dict(_rounded(dataclasses.asdict(self)))


def load_engine(settings: AsrSettings, find_model: FindModel) -> Engine:
    """What recognises by these settings: the engine that they name, or upstreams, of which that may be one.

    Raises as `load_embedded` does.
    """
    if settings.upstreams == (EMBEDDED,):
        return load_embedded(settings, find_model)
    engine: Engine = import_object(_UPSTREAMS)(settings, lambda: load_embedded(settings, find_model))
    return engine


def load_embedded(settings: AsrSettings, find_model: FindModel) -> Engine:
    """The engine of this machine that the settings name.

    Raises SettingsError for a setting that cannot be used here, ModelFolderError for a folder; what `find_model` raises
    passes through.
    """
    brought = plugins(RECOGNISERS)
    if settings.engine in ENGINES:
        load = import_object(ENGINES[settings.engine])
    elif settings.engine in brought:
        load = brought[settings.engine].load()
    else:
        raise SettingsError("asr.unknown_engine", engine=settings.engine, engines=[*ENGINES, *brought])
    engine: Engine = load(settings, find_model)
    return engine


def join_segments(
    model: str, segments: Sequence[Segment], duration_s: float, busy_s: float, warnings: tuple[str, ...]
) -> RecordingTranscript:
    """All segments of a recording as one transcript."""
    speech_s = sum(s.length_s for s in segments) or 1.0
    languages = seconds_by_label((s.language, s.length_s) for s in segments)
    return RecordingTranscript(
        text=join_texts(s.text for s in segments),
        language=next(iter(languages), ""),
        duration_s=duration_s,
        processing_s=busy_s,
        rtf=busy_s / duration_s if duration_s else 0.0,
        model=model,
        confidence=sum(s.confidence * s.length_s for s in segments) / speech_s,
        emotion=_overall_emotion(segments),
        events=tuple(event for s in segments for event in s.events),
        segments=tuple(segments),
        warnings=warnings,
    )


def _overall_emotion(segments: Sequence[Segment]) -> Emotion | None:
    """Scores averaged over the seconds of speech that have an emotion; None without any."""
    tagged = [(s.emotion, s.length_s) for s in segments if s.emotion]
    total_s = sum(length_s for _, length_s in tagged)
    if not total_s:
        return None
    scores: dict[str, float] = {}
    for emotion, length_s in tagged:
        for label, score in emotion.scores.items():
            scores[label] = scores.get(label, 0.0) + score * length_s / total_s
    label = max(scores, key=lambda name: scores[name])
    return Emotion(label, scores[label], scores)


def join_texts(texts: Iterable[str]) -> str:
    """One text from several: a space between words, none beside a Chinese character or full-width punctuation."""
    joined = ""
    for text in texts:
        apart = joined and text and not (_WIDE.match(joined[-1]) or _WIDE.match(text[0]))
        joined += f" {text}" if apart else text
    return joined


def seconds_by_label(spans: Iterable[tuple[str, float]]) -> dict[str, float]:
    """The seconds of each label together, from (label, seconds); the longest first."""
    seconds: dict[str, float] = {}
    for label, length_s in spans:
        seconds[label] = seconds.get(label, 0.0) + length_s
    return dict(sorted(seconds.items(), key=lambda item: -item[1]))


def _rounded(value: Any) -> Any:
    """`value` with its floats rounded to three places."""
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, (list, tuple)) else value
