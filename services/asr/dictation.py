"""Text while somebody speaks: sound in, events out (see `http/stream.py` for their form). No socket, no thread.

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

from huiyin.services.asr.recogniser import Recognition, RecordingTranscript, Segment, join_texts
from huiyin.services.asr.signal.detector import SpeechDetector
from huiyin.services.asr.signal.utterances import Utterance, Utterances
from huiyin.services.asr.transcribe import joined
from huiyin.services.common.audio import SAMPLE_RATE, Samples
from huiyin.services.common.text import WIDE

WINDOW_S = 15.0  # decoded at once: a partial costs with the square of it, and what is older hardly changes any more

_RESERVED = 2.0  # x what a partial cost must pass before the next: a preview takes at most half of the model's time
_WORD = re.compile(rf"[{WIDE}]|[^\s{WIDE}]+")
_MARKS = ",.;:!?，。；：！？、…\"'”’)）"

TimedRecognition = tuple[Recognition, float]
"""What an engine heard, and the seconds that it took."""

Recognise = Callable[[Samples, bool], TimedRecognition | None]
"""(samples, now or never) -> what is heard; None when it was 'now or never' and the model is in use."""

LiveMessage = dict[str, Any]


class Dictation:
    """One speaker's stream of 16-bit little-endian mono samples at `rate` Hz.

    `partial_s` seconds lie between two partials, 0: there are none. What `recognise` raises passes through.
    """

    def __init__(
        self, recognise: Recognise, detector: SpeechDetector, *, model: str, rate: int, partial_s: float, max_s: float
    ) -> None:
        self._recognise, self._model, self._rate, self._partial_s = recognise, model, rate, partial_s
        self._utterances = Utterances(detector, max_s)
        self._resampler = None if rate == SAMPLE_RATE else soxr.ResampleStream(rate, SAMPLE_RATE, 1, dtype="float32")
        self._odd = b""
        self._samples = 0  # received, at `rate`
        self._segments: list[Segment] = []
        self._warnings: list[str] = []
        self._busy_s = 0.0
        self._last: tuple[Utterance, TimedRecognition] | None = None  # the last partial
        self._text = ""  # of the last partial

    @property
    def received_s(self) -> float:
        """Seconds of sound so far."""
        return self._samples / self._rate

    def hear(self, pcm: bytes, *, last: bool = False) -> Iterator[LiveMessage]:
        """What `pcm` (any number of bytes) leads to: finals, then perhaps a partial. `last`: nothing follows."""
        for utterance in self._utterances.push(self._decode(pcm, last)):
            yield from self._final(utterance)
        if last:
            rest = self._utterances.flush()
            if rest is not None:
                yield from self._final(rest)
        elif self._partial_is_due():
            yield from self._partial()

    def result(self) -> RecordingTranscript:
        """All finals as one transcript."""
        return joined(self._model, self._segments, self.received_s, self._busy_s, tuple(self._warnings))

    def _decode(self, pcm: bytes, last: bool) -> Samples:
        """Samples at 16 kHz; half a sample waits for its other half."""
        data = self._odd + pcm
        even = len(data) - len(data) % 2
        data, self._odd = data[:even], data[even:]
        if last and self._odd:
            self._warnings.append("the last sample is incomplete and was left out")
        samples: Samples = np.frombuffer(data, "<i2").astype(np.float32) / np.float32(32768.0)
        self._samples += len(samples)
        if self._resampler is None:
            return samples
        resampled: Samples = np.clip(self._resampler.resample_chunk(samples, last=last), -1.0, 1.0)
        return resampled

    def _final(self, utterance: Utterance) -> Iterator[LiveMessage]:
        heard = self._heard_already(utterance) or self._recognise(utterance.samples, False)
        assert heard is not None
        recognition, cost_s = heard
        self._busy_s += cost_s
        self._last = None
        self._warnings += [warning for warning in recognition.warnings if warning not in self._warnings]
        for segment in recognition.segments:
            self._segments.append(segment.later(utterance.start_s))
            yield {"type": "final", "segment": self._segments[-1].as_dict(), "processing_s": round(cost_s, 3)}
        if self._text and not recognition.segments:
            yield self._partial_event(utterance, Recognition(()), "", cost_s)  # it was nothing after all
        self._text = ""

    def _heard_already(self, utterance: Utterance) -> TimedRecognition | None:
        """The partial that was made in the pause is the final when just this utterance was decoded."""
        if self._last is None:
            return None
        before, (recognition, _) = self._last
        same = before.start_s == utterance.start_s and len(before.samples) == len(utterance.samples)
        return (recognition, 0.0) if same else None

    def _partial_is_due(self) -> bool:
        current = self._utterances.current
        if not self._partial_s or current is None:
            return False
        since_s, cost_s = self._utterances.onset_s, 0.0
        if self._last is not None and self._last[0].start_s == current.start_s:
            since_s, cost_s = self._last[0].end_s, self._last[1][1]
        new_s = current.end_s - since_s
        # In a pause at once: if it is the end, the final is then ready when the pause is long enough.
        return new_s > 0 and (self._utterances.pausing or new_s >= max(self._partial_s, _RESERVED * cost_s))

    def _partial(self) -> Iterator[LiveMessage]:
        utterance = self._utterances.current
        assert utterance is not None
        heard = self._recognise(utterance.samples, True)
        if heard is None:
            return  # the model has other work; the next sound will try again
        recognition, cost_s = heard
        self._busy_s += cost_s
        before, self._last = self._text, (utterance, heard)
        event = self._partial_event(utterance, recognition, before, cost_s)
        self._text = event["text"]
        if self._text or before:
            yield event

    def _partial_event(self, utterance: Utterance, recognition: Recognition, before: str, cost_s: float) -> LiveMessage:
        text = join_texts(segment.text for segment in recognition.segments)
        return {
            "type": "partial",
            "text": text,
            "stable": agreed(before, text),
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
