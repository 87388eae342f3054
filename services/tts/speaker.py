"""From a request's text to levelled sound: which engine and voice, portion by portion, with the pauses between."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from configs.settings import Settings
from services.common.errors import ApiError
from services.common.memory import give_back
from services.tts.clauses import pause_s
from services.tts.engine import ENGINES_FOR, Engine, Gender, Sound, SynthesisFailed, Voice, load_engine
from services.tts.sound import RATE, Stretch, silence
from services.tts.text import Language, language

log = logging.getLogger(__name__)

# OpenAI's voice names -> a voice of the same gender.
ALIASES: dict[str, Gender] = {
    **dict.fromkeys(("alloy", "coral", "nova", "sage", "shimmer", "fable", "marin"), "female"),
    **dict.fromkeys(("ash", "ballad", "echo", "onyx", "verse", "cedar"), "male"),
}
# hibari is the fastest for English; Kokoro's Chinese voices speak both languages.
_DEFAULTS: dict[tuple[Language, Gender], str] = {
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


class Turns:
    """A lock that is served in the order in which it was asked for: callers alternate, none starves."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._next = self._serving = 0

    @property
    def waiting(self) -> int:
        """How many wait behind the one that is served."""
        return max(0, self._next - self._serving - 1)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for one's turn, and end it afterwards."""
        with self._changed:
            ticket, self._next = self._next, self._next + 1
            self._changed.wait_for(lambda: self._serving == ticket)
        try:
            yield
        finally:
            with self._changed:
                self._serving += 1
                self._changed.notify_all()


class Speaker:
    """The engines in memory."""

    def __init__(self, engines: Sequence[Engine], default_voice: str = "") -> None:
        """`engines` in order of preference; `default_voice` speaks where a request names none."""
        for engine in engines:
            if engine.sample_rate != RATE:
                raise ValueError(f"{engine.name} makes {engine.sample_rate} Hz, not {RATE}")
        self._engines = {engine.name: engine for engine in engines}
        # One portion at a time: two at once on the same cores would both be late.
        self._turns = {engine.name: Turns() for engine in engines}
        self._default_voice = default_voice
        self._first = engines[0].name

    @classmethod
    def load(cls, settings: Settings) -> Speaker:
        """All engines of ``tts.engine``, warmed up. One that only adds to it may fail; raises what the others do."""
        engines, problems = [], []
        for name in ENGINES_FOR[settings.tts.engine]:
            try:
                engine = load_engine(name, settings)
                engine.warm_up()
            except Exception as error:
                if name == settings.tts.engine:
                    raise
                problems.append(f"{name}: {error}")
                log.warning("without the voices of %s: %s", name, error)
                continue
            engines.append(engine)
        if not engines:
            raise RuntimeError("no voices. " + "; ".join(problems))
        speaker = cls(engines, settings.tts.voice)
        if settings.tts.voice:
            speaker.choose("", settings.tts.voice)  # a wrong name is told at the start
        give_back()
        return speaker

    @property
    def voices(self) -> list[Voice]:
        """Every listed voice."""
        return [voice for engine in self._engines.values() for voice in engine.voices]

    @property
    def engine_names(self) -> list[str]:
        """Names of the engines."""
        return list(self._engines)

    def choose(self, text: str, voice: str = "", engine: str = "") -> Choice:
        """Who speaks `text`: the named voice, else the default voice, else a default of `engine` or of any.

        A voice that cannot say the text's language is replaced by one of the same gender that can, never gibberish.
        Raises ApiError 400 for an unknown voice, or when no engine here speaks the language.
        """
        spoken = language(text)
        wanted = voice or ("" if engine else self._default_voice)
        if not wanted or wanted in ALIASES:
            return self._default(spoken, ALIASES.get(wanted, "female"), engine)
        found = self._find(wanted)
        if found is None:
            names = ", ".join(v.name for v in self.voices)
            raise ApiError(
                400, "unknown_voice", f"there is no voice {wanted!r}", f"voices: {names}; GET /voices tells more"
            )
        if spoken in found.voice.speaks:
            return found
        other = self._default(spoken, found.voice.gender, "")
        log.warning("voice %s does not speak %s; %s does", wanted, spoken, other.voice.name)
        return other

    def speak(self, text: str, choice: Choice, speed: float = 1.0) -> Iterator[Sound]:
        """Sound (float32, 24 kHz, within ±0.95) of cleaned `text` as it is made; ends with the pause its mark asks for.

        When an engine fails, a local one goes on where it stopped. Raises ApiError 502 when there is none.
        """
        while text.strip():
            try:
                yield from self._portions(text, choice, speed)
                return
            except SynthesisFailed as failure:
                other = self._stand_in(choice, failure.rest)
                if other is None:
                    raise ApiError(
                        502, "synthesis_failed", str(failure), "a local engine may help: --set tts.engine=auto"
                    ) from failure
                log.warning("%s; %s goes on", failure, other.voice.name)
                text, choice = failure.rest, other

    def _portions(self, text: str, choice: Choice, speed: float) -> Iterator[Sound]:
        pieces = choice.engine.pieces(text)
        for i, piece in enumerate(pieces):
            stretch = Stretch(choice.voice.gain)
            spoken = False
            try:
                for chunk in self._chunks(piece, choice, speed):
                    sound = stretch.push(chunk)
                    if len(sound):
                        spoken = True
                        yield sound
            except SynthesisFailed as failure:
                if spoken:
                    yield stretch.finish()
                raise SynthesisFailed(str(failure), failure.rest + "".join(pieces[i + 1 :])) from failure
            if spoken:
                yield np.concatenate([stretch.finish(), silence(pause_s(piece) / speed)])

    def _chunks(self, piece: str, choice: Choice, speed: float) -> Iterator[Sound]:
        chunks = choice.engine.synthesise(piece, choice.voice.name, speed)
        turns = self._turns[choice.engine.name]
        while True:
            if choice.engine.remote:  # its time is spent waiting, which many can do at once
                chunk = next(chunks, None)
            else:
                with turns.turn():
                    chunk = next(chunks, None)
            if chunk is None:
                return
            yield chunk

    def _find(self, name: str) -> Choice | None:
        for engine in self._engines.values():
            voice = engine.voice(name)
            if voice is not None:
                return Choice(engine, voice)
        return None

    def _default(self, spoken: Language, gender: Gender, engine: str) -> Choice:
        only = engine or (self._first if self._engines[self._first].remote else "")
        named = self._find(_DEFAULTS[spoken, gender])
        if named is not None and not only:
            return named
        found = self._speaking(spoken)
        if not found:
            raise ApiError(
                400,
                "language_not_spoken",
                f"the engines here ({', '.join(self._engines)}) have no voice for this language: {spoken}",
                "start the service with --set tts.engine=auto",
            )
        # The asked-for engine before the gender, the gender before whether it is the voice's own language.
        return max(
            found,
            key=lambda c: (c.engine.name == only, c.voice.gender == gender, c.voice.language.startswith(spoken)),
        )

    def _speaking(self, spoken: Language) -> list[Choice]:
        return [Choice(e, v) for e in self._engines.values() for v in e.voices if spoken in v.speaks]

    def _stand_in(self, choice: Choice, text: str) -> Choice | None:
        """A local voice for what is left of `text`."""
        spoken = language(text)
        named = self._find(_DEFAULTS[spoken, choice.voice.gender])
        if named is not None and named.engine is not choice.engine:
            return named
        return next((c for c in self._speaking(spoken) if c.engine is not choice.engine and not c.engine.remote), None)
