"""From a request's text to levelled sound: portion by portion, with the pauses between and the times of the words."""

from __future__ import annotations

import logging
import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager

import numpy as np

from huiyin.configs.settings import Settings
from huiyin.services.common.errors import ApiError
from huiyin.services.common.memory import give_back
from huiyin.services.tts.alignment import Places
from huiyin.services.tts.cache import SpeechCache
from huiyin.services.tts.level import Leveller, Levels
from huiyin.services.tts.phrases import pause_s
from huiyin.services.tts.sound import RATE, Stretch, silence
from huiyin.services.tts.styles import NEUTRAL, Style
from huiyin.services.tts.timing import in_proportion
from huiyin.services.tts.voice_engine import (
    ENGINES_FOR,
    Engine,
    Made,
    Manner,
    SynthesisFailed,
    Voice,
    WordTiming,
    load_engine,
)
from huiyin.services.tts.voice_selector import Casting, Choice, parts

log = logging.getLogger(__name__)
_MB = 2**20


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


def _later(
    made: Iterator[Made], characters: int, seconds: float, places: Places | None = None
) -> Generator[Made, None, float]:
    """`made` with its words so much later, and at their `places` in another text. Returns how long the sound is."""
    given = 0
    for each in made:
        if not isinstance(each, WordTiming):
            given += len(each)
            yield each
            continue
        word = each.later(characters, seconds)
        yield word if places is None else WordTiming(*places.of(word.start, word.end), word.start_s, word.end_s)
    return given / RATE


class Speaker:
    """The engines in memory."""

    def __init__(self, engines: Sequence[Engine], default_voice: str = "", cache: SpeechCache | None = None) -> None:
        """`engines` in order of preference; `default_voice` speaks where a request names none; `cache`: for texts that
        come again.
        """
        for engine in engines:
            if engine.sample_rate != RATE:
                raise ValueError(f"{engine.name} makes {engine.sample_rate} Hz, not {RATE}")
        self._engines = {engine.name: engine for engine in engines}
        # One portion at a time: two at once on the same cores would both be late.
        self._turns = {engine.name: Turns() for engine in engines}
        self._casting = Casting(engines, default_voice)
        self._levels = Levels()
        self._cache = cache
        self.choose = self._casting.choose
        self.language = self._casting.language

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
        speaker = cls(engines, settings.tts.voice, SpeechCache(settings.tts.cache_path, settings.tts.cache_mb * _MB))
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

    def speak(self, text: str, choice: Choice, speed: float = 1.0, style: Style = NEUTRAL) -> Iterator[Made]:
        """Sound (float32, 24 kHz, within ±0.95) of cleaned `text` as it is made, and the words in it with their times.

        It ends with the pause its mark asks for. When an engine fails, a local one goes on where it stopped.
        Raises ApiError 502 when there is none.
        """
        at, given_s = 0, 0.0  # characters of `text`, seconds of sound
        for part, who in parts(text, choice):
            given_s += yield from _later(self._to_the_end(part, who, speed, style), at, given_s)
            at += len(part)

    def _to_the_end(self, text: str, choice: Choice, speed: float, style: Style) -> Iterator[Made]:
        left, given_s = text, 0.0
        while left.strip():
            attempt = self._kept_or_made(left, choice, speed, style)
            try:
                yield from _later(attempt, len(text) - len(left), given_s)
                return
            except SynthesisFailed as failure:
                other = self._casting.stand_in(choice, failure.rest)
                if other is None:
                    raise ApiError(502, "tts.synthesis_failed", why=failure) from failure
                log.warning("%s; %s goes on", failure, other.voice.name)
                left, choice = failure.rest, other
                given_s += failure.given_s

    def _kept_or_made(self, text: str, choice: Choice, speed: float, style: Style) -> Iterator[Made]:
        """From the cache, if it was spoken like this before; raises SynthesisFailed with a rest that ends `text`."""
        engine, voice = choice.engine, choice.voice
        if self._cache is None or not self._cache.wants(text):
            yield from self._portions(text, choice, speed, style)
            return
        prosody = (speed, style.pace, style.pitch, style.level_db)
        key = (text, engine.name, engine.version, voice.name, voice.gain, *prosody)
        kept = self._cache.get(key)
        if kept is not None:
            yield from kept
            return
        made = []
        for each in self._portions(text, choice, speed, style):
            made.append(each)
            yield each
        self._cache.put(key, made)

    def _portions(self, text: str, choice: Choice, speed: float, style: Style) -> Iterator[Made]:
        pieces = choice.engine.pieces(text)
        places = Places(text, "".join(pieces))
        manner = Manner(speed * style.pace, style.pitch)
        at, given_s = 0, 0.0  # characters of the pieces, seconds of sound
        for piece in pieces:
            made = self._portion(piece, choice, manner, style.level_db)
            try:
                given_s += yield from _later(made, at, given_s, places)
            except SynthesisFailed as failure:
                reached = places.before(at + len(piece) - len(failure.rest))
                raise SynthesisFailed(str(failure), text[reached:], given_s + failure.given_s) from failure
            at += len(piece)

    def _portion(self, piece: str, choice: Choice, manner: Manner, level_db: float) -> Iterator[Made]:
        """One piece: trimmed, levelled, with the pause after it. Raises SynthesisFailed with the rest of the piece."""
        voice = choice.voice
        leveller = Leveller(voice.name, self._levels) if voice.gain is None else None
        stretch = Stretch((voice.gain or 1.0) * 10 ** (level_db / 20))
        words: list[WordTiming] = []  # not given yet: how much silence is left out in front of them is not known
        timed, given = False, 0
        failure: SynthesisFailed | None = None
        try:
            for made in self._chunks(piece, choice, manner):
                if isinstance(made, WordTiming):
                    words.append(made)
                    timed = True
                    continue
                sound = stretch.push(leveller.push(made) if leveller else made)
                if stretch.skipped is not None:
                    yield from (word.later(0, -stretch.skipped / RATE) for word in words)
                    words.clear()
                if len(sound):
                    given += len(sound)
                    yield sound
        except SynthesisFailed as error:
            failure = error
        tail = np.concatenate([stretch.push(leveller.finish()) if leveller else silence(0), stretch.finish()])
        if stretch.skipped is not None:
            yield from (word.later(0, -stretch.skipped / RATE) for word in words)
            if not timed and not failure:
                yield from in_proportion(piece, (given + len(tail)) / RATE)
            yield tail if failure else np.concatenate([tail, silence(pause_s(piece) / manner.speed)])
        if failure:
            raise SynthesisFailed(str(failure), failure.rest, (given + len(tail)) / RATE) from failure

    def _chunks(self, piece: str, choice: Choice, manner: Manner) -> Iterator[Made]:
        chunks = choice.engine.synthesise(piece, choice.voice.name, manner)
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
