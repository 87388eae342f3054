"""One piece of speech: an engine's sound levelled and trimmed, its words timed, the pause after it."""

from __future__ import annotations

import numpy as np

from huiyin.services.tts.level import Leveller, Levels
from huiyin.services.tts.phrases import pause_s
from huiyin.services.tts.sound import RATE, SpeechSpan, silence
from huiyin.services.tts.timing import in_proportion
from huiyin.services.tts.voice_engine import Sound, Speech, Voice, WordTiming


class Portion:
    """`push` what an engine returns for a piece, then `finish`, or `break_off` where the engine failed.

    All three return what can be played by then, each word before its sound. Times count from the first sample returned.
    """

    def __init__(self, piece: str, voice: Voice, speed: float, level_db: float, levels: Levels) -> None:
        """`speed` shortens the pause; `level_db` is added to the voice's own gain; `levels` learns an unknown gain."""
        self._piece, self._speed = piece, speed
        self._leveller = Leveller(voice.name, levels) if voice.gain is None else None
        self._span = SpeechSpan((voice.gain or 1.0) * 10 ** (level_db / 20))
        self._waiting: list[WordTiming] = []  # until the silence cut off before them is known
        self._has_times = False
        self._samples = 0

    def push(self, speech: Speech) -> list[Speech]:
        """What can be played after `speech`, a chunk of sound (float32 [n], 24 kHz) or a word in it."""
        if isinstance(speech, WordTiming):
            self._waiting.append(speech)
            self._has_times = True
            return []
        sound = self._span.push(self._leveller.push(speech) if self._leveller else speech)
        self._samples += len(sound)
        return [*self._timed_words(), sound] if len(sound) else self._timed_words()

    def break_off(self) -> list[Speech]:
        """The end of the sound. Nothing when all of it was silent."""
        tail = self._tail()
        return [] if self._span.skipped is None else [*self._timed_words(), tail]

    def finish(self) -> list[Speech]:
        """The end of the sound and the pause of the piece's mark. Nothing when all of it was silent."""
        tail = self._tail()
        if self._span.skipped is None:
            return []
        words = self._timed_words()
        if not self._has_times:
            words += in_proportion(self._piece, (self._samples + len(tail)) / RATE)
        return [*words, np.concatenate([tail, silence(pause_s(self._piece) / self._speed)])]

    def _tail(self) -> Sound:
        rest = self._leveller.finish() if self._leveller else silence(0)
        return np.concatenate([self._span.push(rest), self._span.finish()])

    def _timed_words(self) -> list[Speech]:
        """The waiting words, once there is sound."""
        if self._span.skipped is None:
            return []
        words: list[Speech] = [word.later(0, -self._span.skipped / RATE) for word in self._waiting]
        self._waiting.clear()
        return words
