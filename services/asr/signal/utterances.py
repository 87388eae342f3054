"""Sentences in sound that is still coming: where one begins, and when a pause has ended it.

Sound in, utterances out; no clock, no thread, no model but the detector's.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from huiyin.services.asr.signal.detector import SpeechDetector
from huiyin.services.asr.signal.pieces import quietest
from huiyin.services.common.audio import SAMPLE_RATE, Samples

PAUSE_S = 0.6  # silence that ends an utterance: longer than the breath inside a sentence

_VOICE_S = 0.09  # of speech begins an utterance: shorter is a click; a short "yes" has 0.2 s
_STILL_SPEECH = 0.7  # of the detector's threshold: below it is silence. Between the two nothing changes
_BEFORE_S = 0.3  # kept from before the first frame of speech: consonants begin before the voice
_AFTER_S = 0.2  # and after the last one
_SHORTEST_S = 0.1  # engines want something to hear


@dataclass(frozen=True)
class Utterance:
    """A stretch of speech: float32 (n,), mono 16 kHz; it begins `start_s` after the first sample pushed."""

    start_s: float
    samples: Samples

    @property
    def end_s(self) -> float:
        """Where it ends, on the same clock."""
        return self.start_s + len(self.samples) / SAMPLE_RATE


class Utterances:
    """Cuts one stream. Memory: at most `max_s` of sound and what one `push` brings.

    An utterance that grows to `max_s` is cut at the quietest moment of its second half, and goes on behind the cut.
    """

    def __init__(self, detector: SpeechDetector, max_s: float) -> None:
        self._detector, self._max = detector, round(max_s * SAMPLE_RATE)
        self._frame = round(detector.frame_s * SAMPLE_RATE)
        self._held: Samples = np.empty(0, np.float32)
        self._first = 0  # position of the first held sample, in samples from the start
        self._frames = 0  # told by the detector so far
        self._start: int | None = None  # where the current utterance begins
        self._onset = 0  # where its voice does
        self._voiced = 0  # samples of speech in a row
        self._last_voice = 0  # where the last speech ended

    def push(self, samples: Samples) -> list[Utterance]:
        """The utterances that end in `samples` (float32 (n,), any n)."""
        self._held = np.concatenate([self._held, samples])
        done = [
            utterance
            for probability in self._detector.push(samples)
            if (utterance := self._decide(float(probability))) is not None
        ]
        if self._start is None:
            self._drop_before(self._frames * self._frame - self._voiced - round(_BEFORE_S * SAMPLE_RATE))
        return done

    def flush(self) -> Utterance | None:
        """The utterance that the end of the stream cuts off, if there is one."""
        return None if self._start is None else self._take(min(self._end, self._pause))

    @property
    def current(self) -> Utterance | None:
        """The utterance that is being spoken, as far as it has come.

        In a pause it no longer grows: it is then what will be the whole utterance if the pause ends it.
        """
        return None if self._start is None else self._between(self._start, min(self._end, self._pause))

    @property
    def onset_s(self) -> float:
        """Where the voice of the current utterance begins; after a cut the utterance itself."""
        return self._onset / SAMPLE_RATE

    @property
    def pausing(self) -> bool:
        """Whether the current utterance may be over."""
        return self._start is not None and self._end >= self._pause

    @property
    def _end(self) -> int:
        """Position behind the last sample."""
        return self._first + len(self._held)

    @property
    def _pause(self) -> int:
        """Where the utterance ends if nothing more is said."""
        return self._last_voice + round(_AFTER_S * SAMPLE_RATE)

    def _decide(self, probability: float) -> Utterance | None:
        """One more frame. Returns the utterance that it ends."""
        self._frames += 1
        now = self._frames * self._frame
        if probability >= self._detector.threshold:
            self._voiced += self._frame
            self._last_voice = now
        elif probability < self._detector.threshold * _STILL_SPEECH:
            self._voiced = 0
        if self._start is None:
            if self._voiced >= _VOICE_S * SAMPLE_RATE:
                self._onset = now - self._voiced
                self._start = max(self._onset - round(_BEFORE_S * SAMPLE_RATE), self._first)
            return None
        if now - self._last_voice >= PAUSE_S * SAMPLE_RATE:
            return self._take(self._pause)
        if now - self._start >= self._max:
            return self._cut(now)
        return None

    def _take(self, end: int) -> Utterance | None:
        """Ends the current utterance there."""
        assert self._start is not None
        utterance = self._between(self._start, end)
        self._start, self._voiced = None, 0
        self._drop_before(end)
        return utterance if len(utterance.samples) >= _SHORTEST_S * SAMPLE_RATE else None

    def _cut(self, now: int) -> Utterance:
        assert self._start is not None
        utterance = self._between(self._start, now)
        self._onset = self._start = self._start + quietest(utterance.samples)
        self._drop_before(self._start)
        return Utterance(utterance.start_s, utterance.samples[: self._start - round(utterance.start_s * SAMPLE_RATE)])

    def _between(self, start: int, end: int) -> Utterance:
        return Utterance(start / SAMPLE_RATE, self._held[start - self._first : end - self._first])

    def _drop_before(self, position: int) -> None:
        drop = min(max(position - self._first, 0), len(self._held))
        self._held, self._first = self._held[drop:], self._first + drop
