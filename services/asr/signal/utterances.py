"""Sentences in live sound: where one begins, and when a pause has ended it.

Sound in, utterances out; no clock, no thread, only the detector's model.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from huiyin.services.asr.signal.detector import SpeechDetector
from huiyin.services.asr.signal.pieces import quietest
from huiyin.services.common.audio import SAMPLE_RATE, Samples

PAUSE_S = 0.6  # silence that ends an utterance: longer than the breath inside a sentence

_ONSET_S = 0.09  # of speech that begins an utterance: a click is shorter; a short "yes" has 0.2 s
_STILL_SPEECH = 0.7  # of the detector's threshold: silence is below it. Between the two the state stays
_BEFORE_S = 0.3  # of sound before the first frame of speech: consonants begin before the voice
_AFTER_S = 0.2  # of sound after the last frame of speech
_SHORTEST_S = 0.1  # shorter utterances are dropped


@dataclass(frozen=True)
class Utterance:
    """A span of speech: float32 (n,), mono 16 kHz; it begins `start_s` after the first sample pushed."""

    start_s: float
    samples: Samples

    @property
    def end_s(self) -> float:
        """Where it ends, on the same clock."""
        return self.start_s + len(self.samples) / SAMPLE_RATE


class Utterances:
    """Cuts one stream. Memory: at most `max_s` of sound and that of one `push`.

    An utterance that grows to `max_s` is cut at the quietest moment of its second half, and goes on after the cut.
    """

    def __init__(self, detector: SpeechDetector, max_s: float) -> None:
        self._detector, self._max = detector, round(max_s * SAMPLE_RATE)
        self._frame = round(detector.frame_s * SAMPLE_RATE)
        self._sound: Samples = np.empty(0, np.float32)
        self._first = 0  # position of its first sample, in samples from the start
        self._frames = 0  # classified so far
        self._start: int | None = None  # where the current utterance begins
        self._onset = 0  # where its speech begins
        self._speech = 0  # samples of speech in a row
        self._speech_end = 0  # where the last speech ended

    def push(self, samples: Samples) -> list[Utterance]:
        """The utterances that end in `samples` (float32 (n,), any n)."""
        self._sound = np.concatenate([self._sound, samples])
        utterances = [self._decide(float(probability)) for probability in self._detector.push(samples)]
        if self._start is None:
            self._drop_before(self._frames * self._frame - self._speech - round(_BEFORE_S * SAMPLE_RATE))
        return [utterance for utterance in utterances if utterance is not None]

    def flush(self) -> Utterance | None:
        """The utterance that the end of the stream cuts off, if any."""
        return None if self._start is None else self._take(min(self._end, self._pause))

    @property
    def current(self) -> Utterance | None:
        """The utterance that is being spoken, so far.

        In a pause it does not grow: it is then the whole utterance if the pause ends it.
        """
        return None if self._start is None else self._between(self._start, min(self._end, self._pause))

    @property
    def onset_s(self) -> float:
        """Where the speech of the current utterance begins; after a cut, where the utterance begins."""
        return self._onset / SAMPLE_RATE

    @property
    def pausing(self) -> bool:
        """Whether the current utterance may be over."""
        return self._start is not None and self._end >= self._pause

    @property
    def _end(self) -> int:
        """Position behind the last sample."""
        return self._first + len(self._sound)

    @property
    def _pause(self) -> int:
        """Where the utterance ends if no more speech follows."""
        return self._speech_end + round(_AFTER_S * SAMPLE_RATE)

    def _decide(self, probability: float) -> Utterance | None:
        """One more frame. Returns the utterance that it ends."""
        self._frames += 1
        now = self._frames * self._frame
        if probability >= self._detector.threshold:
            self._speech += self._frame
            self._speech_end = now
        elif probability < self._detector.threshold * _STILL_SPEECH:
            self._speech = 0
        if self._start is None:
            if self._speech >= _ONSET_S * SAMPLE_RATE:
                self._onset = now - self._speech
                self._start = max(self._onset - round(_BEFORE_S * SAMPLE_RATE), self._first)
            return None
        if now - self._speech_end >= PAUSE_S * SAMPLE_RATE:
            return self._take(self._pause)
        if now - self._start >= self._max:
            return self._cut(now)
        return None

    def _take(self, end: int) -> Utterance | None:
        """Ends the current utterance there."""
        assert self._start is not None
        utterance = self._between(self._start, end)
        self._start = None
        self._speech = 0
        self._drop_before(end)
        return utterance if len(utterance.samples) >= _SHORTEST_S * SAMPLE_RATE else None

    def _cut(self, now: int) -> Utterance:
        assert self._start is not None
        utterance = self._between(self._start, now)
        cut = quietest(utterance.samples)
        self._onset = self._start = self._start + cut
        self._drop_before(self._start)
        return Utterance(utterance.start_s, utterance.samples[:cut])

    def _between(self, start: int, end: int) -> Utterance:
        return Utterance(start / SAMPLE_RATE, self._sound[start - self._first : end - self._first])

    def _drop_before(self, position: int) -> None:
        drop = min(max(position - self._first, 0), len(self._sound))
        self._sound, self._first = self._sound[drop:], self._first + drop
