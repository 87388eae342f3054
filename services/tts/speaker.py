"""From a request's text to levelled sound: piece by piece, with the pauses between and the times of the words."""

from __future__ import annotations

import gc
import logging
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from huiyin.configs.packages.extras import told_by_name
from huiyin.configs.settings import Settings
from huiyin.services.common.errors import ApiError, ModelError
from huiyin.services.common.heap import trim_heap
from huiyin.services.common.upstreams.chain import Chain
from huiyin.services.tts.alignment import TextAlignment
from huiyin.services.tts.cache import SpeechCache
from huiyin.services.tts.level import Levels
from huiyin.services.tts.portion import Portion
from huiyin.services.tts.sound import RATE
from huiyin.services.tts.styles import NEUTRAL, Style
from huiyin.services.tts.voice_engine import (
    PLAIN,
    UPSTREAM,
    Engine,
    Prosody,
    Speech,
    SynthesisFailed,
    Voice,
    WordTiming,
    engines_for,
    load_engine,
)
from huiyin.services.tts.voice_selector import Choice, VoiceSelector, parts

log = logging.getLogger(__name__)
_MB = 2**20


class Turns:
    """A fair lock: served in the order of the requests, so that callers alternate and none starves."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._next = self._serving = 0

    @property
    def waiting(self) -> int:
        """Callers waiting for their turn."""
        return max(0, self._next - self._serving - 1)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for the caller's turn; it ends with the context."""
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
    """All loaded engines."""

    def __init__(self, engines: Sequence[Engine], default_voice: str = "", cache: SpeechCache | None = None) -> None:
        """`engines` in order of preference; `default_voice` speaks where a request names none; `cache` keeps short
        texts.
        """
        for engine in engines:
            if engine.sample_rate != RATE:
                raise ValueError(f"{engine.name} makes {engine.sample_rate} Hz, not {RATE}")
        self._engines = {engine.name: engine for engine in engines}
        # One piece at a time: two at once on the same cores would both be late.
        self._turns = {engine.name: Turns() for engine in engines}
        self._selector = VoiceSelector(engines, default_voice)
        self._levels = Levels()
        self._cache = cache
        self.choose = self._selector.choose
        self.language = self._selector.language
        self.named = self._selector.named

    @classmethod
    def load(cls, settings: Settings) -> Speaker:
        """All engines of ``tts.engine``, warmed up. Raises ModelError, or what the engine of that very name raises."""
        engines, problems = [], []
        for name in engines_for(settings.tts):
            try:
                with told_by_name():
                    engine = load_engine(name, settings)
                    engine.warm_up()
            except Exception as error:
                if name == settings.tts.engine:
                    raise
                problems.append(f"{name}: {error}")
                log.warning("without the voices of %s: %s", name, str(error))
                continue
            engines.append(engine)
        if not engines:
            raise ModelError("tts.no_voices", problems=problems)
        limit_bytes = 0 if settings.talk.private else settings.tts.cache_mb * _MB
        speaker = cls(engines, settings.tts.voice, SpeechCache(settings.tts.cache_path, limit_bytes))
        if settings.tts.voice:
            speaker.choose("", settings.tts.voice)  # a wrong name is an error at the start
        gc.collect()  # after loading
        trim_heap()
        return speaker

    @property
    def voices(self) -> list[Voice]:
        """Every listed voice."""
        return [voice for engine in self._engines.values() for voice in engine.voices]

    @property
    def waiting(self) -> int:
        """Callers that wait for an engine of this machine."""
        return sum(turns.waiting for turns in self._turns.values())

    @property
    def cache_uses(self) -> tuple[int, int]:
        """Texts found in the cache, and texts not found."""
        return (self._cache.hits, self._cache.misses) if self._cache else (0, 0)

    @property
    def upstreams(self) -> Chain[Any] | None:
        """The voices elsewhere, where there are some."""
        return getattr(self._engines.get(UPSTREAM), "chain", None)

    @property
    def voice_names(self) -> list[str] | None:
        """Names of all voices; None where an engine has more than it lists, as one over the network may."""
        if any(engine.remote for engine in self._engines.values()):
            return None
        return [voice.name for voice in self.voices]

    @property
    def engine_names(self) -> list[str]:
        """Names of the engines."""
        return list(self._engines)

    def speak(
        self,
        text: str,
        choice: Choice,
        speed: float = 1.0,
        style: Style = NEUTRAL,
        sounds: Mapping[str, str] = PLAIN.sounds,
        *,
        may_store: bool = True,
    ) -> Iterator[Speech]:
        """Sound (float32, 24 kHz, within ±0.95) of the speech text `text`, and its words with their times.

        `sounds`: words whose phonemes are known, as in Prosody. `may_store`: a cache may keep it. The sound ends with
        the pause of its last mark. When an engine fails, a local one goes on where it stopped. Raises ApiError 502
        without one.
        """
        start, start_s = 0, 0.0  # of a part: characters of `text` before it, seconds of sound before it
        queue = deque(parts(text, choice))
        while queue:
            part, choice = queue.popleft()
            rest, samples = "", 0
            try:
                for speech in self._speak_part(part, choice, speed, style, sounds, may_store):
                    if isinstance(speech, WordTiming):
                        yield speech.later(start, start_s)
                    else:
                        samples += len(speech)
                        yield speech
            except SynthesisFailed as failure:
                rest = failure.rest
                queue.appendleft((rest, self._stand_in(choice, failure)))
            start += len(part) - len(rest)
            start_s += samples / RATE

    def _stand_in(self, choice: Choice, failure: SynthesisFailed) -> Choice:
        """The voice for the rest. Raises ApiError 502."""
        other = self._selector.stand_in(choice, failure.rest)
        if other is None:
            raise ApiError(502, "tts.synthesis_failed", why=failure) from failure
        log.warning("%s; the voice %s goes on", failure, other.voice.name)
        return other

    def _speak_part(
        self, text: str, choice: Choice, speed: float, style: Style, sounds: Mapping[str, str], may_store: bool
    ) -> Iterator[Speech]:
        """`text` from the cache, or from the engine. Raises SynthesisFailed, whose rest is the end of `text`."""
        if not text.strip():
            return iter(())
        engine, voice = choice.engine, choice.voice
        own = {word: sound for word, sound in sounds.items() if word in text}
        speech = self._synthesise(text, choice, Prosody(speed * style.pace, style.pitch, own), style.level_db)
        if self._cache is None or not self._cache.wants(text):
            return speech
        prosody = (speed, style.pace, style.pitch, style.level_db)
        key = (text, engine.name, engine.version, voice.name, voice.gain, *prosody, *own.items())
        return self._cache.cached(key, speech, may_store=may_store)

    def _synthesise(self, text: str, choice: Choice, prosody: Prosody, level_db: float) -> Iterator[Speech]:
        """`text` from the engine, piece by piece. Raises SynthesisFailed, whose rest is the end of `text`."""
        pieces = choice.engine.pieces(text)
        alignment = TextAlignment(text, "".join(pieces))
        start, start_s = 0, 0.0  # of a piece: characters of the pieces before it, seconds of sound before it
        for piece in pieces:
            samples = 0
            try:
                for speech in self._synthesise_piece(piece, choice, prosody, level_db):
                    if isinstance(speech, WordTiming):
                        yield alignment.source_word(speech.later(start, start_s))
                    else:
                        samples += len(speech)
                        yield speech
            except SynthesisFailed as failure:
                reached = alignment.source_start(start + len(piece) - len(failure.rest))
                failure.rest = text[reached:]
                raise
            start += len(piece)
            start_s += samples / RATE

    def _synthesise_piece(self, piece: str, choice: Choice, prosody: Prosody, level_db: float) -> Iterator[Speech]:
        """One piece, tidied. Raises SynthesisFailed with the rest of the piece, after the sound before it."""
        portion = Portion(piece, choice.voice, prosody.speed, level_db, self._levels)
        chunks = choice.engine.synthesise(piece, choice.voice.name, prosody)
        try:
            while (chunk := self._next(chunks, choice.engine)) is not None:
                yield from portion.push(chunk)
        except SynthesisFailed:
            yield from portion.break_off()
            raise
        yield from portion.finish()

    def _next(self, chunks: Iterator[Speech], engine: Engine) -> Speech | None:
        """The next chunk of `engine`, None at the end."""
        if engine.remote:  # mostly waiting, which many can do at once
            return next(chunks, None)
        with self._turns[engine.name].turn():
            return next(chunks, None)
