"""Live transcription: sound in, messages out (their form: `http/stream.py`). No socket, no thread.

The utterance that is being spoken is decoded again and again as it grows; what two decodings in a row agree on is
marked as stable (LocalAgreement-2: Liu, Spanakis and Niehues, "Low-latency sequence-to-sequence speech recognition and
translation by partial hypothesis selection", Interspeech 2020).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import soxr

from huiyin.services.asr.recogniser import Recognition, RecordingTranscript, Segment, join_segments
from huiyin.services.asr.signal.detector import SpeechDetector
from huiyin.services.asr.signal.utterances import Utterance, Utterances
from huiyin.services.common.audio import SAMPLE_RATE, Samples
from huiyin.services.common.reader_language import in_readers_words
from huiyin.services.common.text import WIDE

WINDOW_S = 15.0  # decoded at once: a partial costs with the square of it, and what is older hardly changes

_RESERVED = 2.0  # x what a partial cost must pass before the next: a preview takes at most half of the model's time
_WORD = re.compile(rf"[{WIDE}]|[^\s{WIDE}]+")
_MARKS = ",.;:!?，。；：！？、…\"'”’)）"

TimedRecognition = tuple[Recognition, float]
"""A recognition, and the seconds that it took."""

Recognise = Callable[[Samples, bool], TimedRecognition | None]
"""(samples, only if the model is free) -> what is said; None when it is not free."""

LiveMessage = dict[str, Any]


class Dictation:
    """One speaker's stream of 16-bit little-endian mono samples at `rate` Hz.

    `partial_s` seconds lie between two partials, 0: no partials. What `recognise` raises passes through.
    """

    def __init__(
        self, recognise: Recognise, detector: SpeechDetector, *, model: str, rate: int, partial_s: float, max_s: float
    ) -> None:
        self._recognise, self._model, self._rate, self._partial_s = recognise, model, rate, partial_s
        self._utterances = Utterances(detector, max_s)
        self._resampler = None if rate == SAMPLE_RATE else soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32")
        self._half_sample = b""
        self._samples = 0  # received, at `rate`
        self._segments: list[Segment] = []
        self._warnings: list[str] = []
        self._busy_s = 0.0
        self._last: tuple[Utterance, TimedRecognition] | None = None  # the last partial
        self._text = ""  # of the last partial

    def push(self, pcm: bytes, *, last: bool = False) -> Iterator[LiveMessage]:
        """The messages that `pcm` (any number of bytes) leads to: finals, then perhaps a partial. `last`: the end."""
        for utterance in self._utterances.push(self._decode(pcm, last)):
            yield from self._final(utterance)
        if last:
            rest = self._utterances.flush()
            if rest is not None:
                yield from self._final(rest)
        else:
            yield from self._partial()

    def result(self) -> RecordingTranscript:
        """All finals as one transcript."""
        duration_s = self._samples / self._rate
        return join_segments(self._model, self._segments, duration_s, self._busy_s, tuple(self._warnings))

    def _decode(self, pcm: bytes, last: bool) -> Samples:
        """Samples at 16 kHz; half a sample waits for its other half."""
        data = self._half_sample + pcm
        even = len(data) // 2 * 2
        self._half_sample = data[even:]
        if last and self._half_sample:
            self._warnings.append(in_readers_words("services.half_sample"))
        samples: Samples = np.frombuffer(data[:even], "<i2").astype(np.float32) / np.float32(32768.0)
        self._samples += len(samples)
        if self._resampler is None:
            return samples
        resampled: Samples = np.clip(self._resampler.resample_chunk(samples, last=last), -1.0, 1.0)
        return resampled

    def _final(self, utterance: Utterance) -> Iterator[LiveMessage]:
        timed = self._decoded_already(utterance) or self._recognise(utterance.samples, False)
        assert timed is not None
        recognition, cost_s = timed
        self._busy_s += cost_s
        self._last = None
        self._warnings += [warning for warning in recognition.warnings if warning not in self._warnings]
        for segment in recognition.segments:
            self._segments.append(segment.later(utterance.start_s))
            yield {"type": "final", "segment": self._segments[-1].as_dict(), "processing_s": round(cost_s, 3)}
        if self._text and not recognition.segments:
            yield self._partial_message(utterance, recognition, cost_s)  # empty: it was nothing after all
        self._text = ""

    def _decoded_already(self, utterance: Utterance) -> TimedRecognition | None:
        """The partial that was made in the pause is the final when just this utterance was decoded."""
        if self._last is None:
            return None
        before, (recognition, _) = self._last
        same = before.start_s == utterance.start_s and len(before.samples) == len(utterance.samples)
        return (recognition, 0.0) if same else None

    def _partial(self) -> Iterator[LiveMessage]:
        """A partial if it is due and the model is free: if it is not, the next sound tries again."""
        utterance = self._utterances.current
        if utterance is None or not self._is_due(utterance):
            return
        timed = self._recognise(utterance.samples, True)
        if timed is None:
            return
        recognition, cost_s = timed
        self._busy_s += cost_s
        self._last = utterance, timed
        message = self._partial_message(utterance, recognition, cost_s)
        if self._text or message["text"]:
            yield message
        self._text = message["text"]

    def _is_due(self, utterance: Utterance) -> bool:
        if not self._partial_s:
            return False
        since_s, cost_s = self._utterances.onset_s, 0.0
        if self._last is not None:
            before, (_, last_cost_s) = self._last
            if before.start_s == utterance.start_s:
                since_s, cost_s = before.end_s, last_cost_s
        new_s = utterance.end_s - since_s
        # In a pause at once: if it is the end, the final is then ready when the pause is long enough.
        return new_s > 0 and (self._utterances.pausing or new_s >= max(self._partial_s, _RESERVED * cost_s))

    def _partial_message(self, utterance: Utterance, recognition: Recognition, cost_s: float) -> LiveMessage:
        text = recognition.text
        return {
            "type": "partial",
            "text": text,
            "stable": agreed(self._text, text),
            "start_s": round(utterance.start_s, 3),
            "end_s": round(utterance.end_s, 3),
            "language": recognition.segments[0].language if recognition.segments else "",
            "processing_s": round(cost_s, 3),
        }


def agreed(before: str, text: str) -> str:
    """The beginning of `text` in which every word, and every Chinese character, is the same as in `before`.

    Case and punctuation do not matter: they change with what follows.
    """
    end = 0
    for old, new in zip(_WORD.finditer(before), _WORD.finditer(text), strict=False):
        word = new.group().rstrip(_MARKS)
        if old.group().rstrip(_MARKS).lower() != word.lower():
            break
        end = new.start() + len(word)
    return text[:end]
