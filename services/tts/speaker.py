"""From a request's text to levelled sound: which engine and voice, portion by portion, with the pauses between.

Engines are used one portion at a time under a lock of their own, so two callers are served in turns and neither
waits for the other's whole text.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import soxr

from configs.settings import Settings
from services.common.errors import ApiError
from services.tts.clauses import pause_s
from services.tts.engine import ENGINES_FOR, Engine, Sound, SynthesisFailed, Voice, load_engine
from services.tts.text import language

log = logging.getLogger(__name__)

RATE = 24_000  # Hz; what the engines make
_LEAD_S = 0.03  # silence kept before the first sound: more would be latency
_SILENT = 10 ** (-50 / 20)  # amplitude below which a sample is silence
_FADE_S = 0.005  # at a portion's ends, so that nothing clicks
_LEVEL_DBFS = -23.0  # of the loud half of a portion: about -20 LUFS, the common level
_PEAK = 0.95
_MAX_GAIN = 4.0  # a whisper stays quieter than a shout
_BLOCK = RATE // 50

# OpenAI's voice names -> a voice of the same gender.
ALIASES = {
    **dict.fromkeys(("alloy", "coral", "nova", "sage", "shimmer", "fable", "marin"), "female"),
    **dict.fromkeys(("ash", "ballad", "echo", "onyx", "verse", "cedar"), "male"),
}
_DEFAULTS = {
    ("zh", "female"): "zf_xiaoxiao",
    ("zh", "male"): "zm_yunxi",
    ("en", "female"): "heart",
    ("en", "male"): "am_michael",
}


@dataclass(frozen=True)
class Choice:
    """What will speak a text."""

    engine: Engine
    voice: Voice


class Speaker:
    """The engines in memory."""

    def __init__(self, engines: Sequence[Engine], default_voice: str) -> None:
        self._engines = {engine.name: engine for engine in engines}
        self._locks = {engine.name: threading.Lock() for engine in engines}
        self._default_voice = default_voice
        self._prefer = engines[0].name

    @classmethod
    def load(cls, settings: Settings) -> Speaker:
        """All engines of ``tts.engine``, warmed up."""
        engines = []
        for name in ENGINES_FOR[settings.tts.engine]:
            try:
                engine = load_engine(name, settings)
                engine.warm_up()
            except Exception as error:
                if name == settings.tts.engine:
                    raise
                log.warning("without the voices of %s: %s", name, error)
                continue
            engines.append(engine)
        if not engines:
            raise RuntimeError(f"none of the engines {', '.join(ENGINES_FOR[settings.tts.engine])} could be loaded")
        return cls(engines, settings.tts.voice)

    @property
    def voices(self) -> list[Voice]:
        """Every listed voice."""
        return [voice for engine in self._engines.values() for voice in engine.voices]

    @property
    def engine_names(self) -> list[str]:
        """Names of the engines."""
        return list(self._engines)

    def choose(self, text: str, voice: str) -> Choice:
        """Who speaks `text`. Raises ApiError 400 for an unknown voice.

        A voice that cannot say the text's language is replaced by one of the same gender that can, never gibberish.
        """
        spoken = language(text)
        wanted = voice or self._default_voice
        if wanted in ALIASES:
            return self._default(spoken, ALIASES[wanted])
        if not wanted:
            return self._default(spoken, "female")
        found = self._find(wanted)
        if found is None:
            names = ", ".join(sorted(v.name for v in self.voices))
            raise ApiError(
                400, "unknown_voice", f"there is no voice {wanted!r}", f"voices: {names}; GET /voices tells more"
            )
        if spoken in found.voice.speaks:
            return found
        other = self._default(spoken, found.voice.gender)
        log.warning("voice %s does not speak %s; %s does", wanted, spoken, other.voice.name)
        return other

    def speak(self, text: str, choice: Choice, speed: float) -> Iterator[Sound]:
        """Sound (float32, 24 kHz) of `text`, as it is made."""
        first = True
        try:
            for sound in self._pieces(text, choice, speed):
                yield _without_lead(sound) if first else sound
                first = False
        except SynthesisFailed as failure:
            other = self._fallback(choice, failure.rest)
            if other is None:
                raise ApiError(
                    502, "synthesis_failed", str(failure), "choose a local engine: --set tts.engine=auto"
                ) from failure
            log.warning("%s; %s goes on", failure, other.voice.name)
            yield from self._pieces(failure.rest, other, speed)

    def _pieces(self, text: str, choice: Choice, speed: float) -> Iterator[Sound]:
        engine = choice.engine
        pieces = engine.pieces(text)
        for i, piece in enumerate(pieces):
            rest = "".join(pieces[i:])
            stream = engine.synthesise(piece, choice.voice.name, speed)
            level = _Leveller(choice.voice.gain)
            while True:
                try:
                    with self._locks[engine.name]:
                        sound = next(stream, None)
                except SynthesisFailed as failure:
                    raise SynthesisFailed(str(failure), failure.rest + "".join(pieces[i + 1 :]) or rest) from failure
                if sound is None:
                    break
                yield _faded(level(_at_rate(sound, engine.sample_rate)))
            if i + 1 < len(pieces):
                yield np.zeros(round(pause_s(piece) * RATE / speed), np.float32)

    def _find(self, name: str) -> Choice | None:
        for engine in self._engines.values():
            voice = engine.voice(name)
            if voice is not None:
                return Choice(engine, voice)
        return None

    def _default(self, spoken: str, gender: str) -> Choice:
        named = self._find(_DEFAULTS[(spoken, gender)])
        if self._prefer != "edge" and named is not None:
            return named
        for test in (lambda v: v.gender == gender, lambda v: True):
            found = self._first(lambda v, test=test: spoken in v.speaks and test(v))  # type: ignore[misc]
            if found is not None:
                return found
        raise ApiError(
            400, "no_voice", f"no engine here speaks {spoken!r}", "start the service with --set tts.engine=auto"
        )

    def _first(self, test: Callable[[Voice], bool]) -> Choice | None:
        for engine in self._engines.values():
            for voice in engine.voices:
                if test(voice):
                    return Choice(engine, voice)
        return None

    def _fallback(self, choice: Choice, text: str) -> Choice | None:
        if not text.strip():
            return None
        spoken = language(text)
        for engine in self._engines.values():
            if engine is not choice.engine and engine.name != "edge":
                for voice in engine.voices:
                    if spoken in voice.speaks and voice.gender == choice.voice.gender:
                        return Choice(engine, voice)
        return None


class _Leveller:
    """Brings a portion to the common level; streamed portions keep the gain of their first piece."""

    def __init__(self, gain: float) -> None:
        self._voice_gain = gain
        self._gain: float | None = None

    def __call__(self, sound: Sound) -> Sound:
        if self._gain is None:
            self._gain = self._voice_gain * _level_gain(sound)
        peak = float(np.abs(sound).max(initial=0.0)) * self._gain
        return (sound * (self._gain if peak <= _PEAK else _PEAK / peak * self._gain)).astype(np.float32)


def _level_gain(sound: Sound) -> float:
    """Factor that brings the louder half of `sound` to the common level."""
    count = len(sound) // _BLOCK
    if count == 0:
        return 1.0
    power = np.mean(np.square(sound[: count * _BLOCK].reshape(count, _BLOCK)), axis=1)
    loud = float(np.sqrt(np.mean(np.sort(power)[count // 2 :])))
    return min(_MAX_GAIN, 10 ** (_LEVEL_DBFS / 20) / loud) if loud > _SILENT else 1.0


def _at_rate(sound: Sound, rate: int) -> Sound:
    return sound if rate == RATE else soxr.resample(sound, rate, RATE).astype(np.float32)


def _without_lead(sound: Sound) -> Sound:
    loud = np.flatnonzero(np.abs(sound) > _SILENT)
    return sound[max(0, int(loud[0]) - round(_LEAD_S * RATE)) :] if len(loud) else sound


def _faded(sound: Sound) -> Sound:
    size = min(round(_FADE_S * RATE), len(sound) // 2)
    if size:
        ramp = np.linspace(0, 1, size, dtype=np.float32)
        sound = sound.copy()
        sound[:size] *= ramp
        sound[-size:] *= ramp[::-1]
    return sound
