"""A recording of any length, cut in its pauses into pieces for a recogniser.

Pieces of one or a few sentences give the fewest errors: on the project's clips, joined with gaps of 0.5 s, whisper base
made 14 % errors in Chinese with pieces of 6 s, 16-28 % at 10 s, 25-32 % at 15 s. So a piece ends in the first pause
that is long enough for its length, at the latest after 15 s; speech without pauses is cut at its quietest moment.

Long spans without speech are left out: silence, noise, and with it laughter, applause or music without a voice
(Silero; fsmn takes most music for speech). So an engine names the events in or beside speech only. A recording of one
spoken turn is never cut and costs no detection.

In memory: one piece and a second of sound after it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from huiyin.services.asr.signal.detector import Detectors, SpeechDetector
from huiyin.services.common.audio import MIN_DURATION_S, SAMPLE_RATE, Samples

WHOLE_S = 12.0  # a recording up to here is one piece
SHORT_S = 15.0  # a recording up to here has been read to its end before its first piece comes
LONGEST_S = 15.0  # of any piece

# (from this length on, a pause this long ends a piece), in seconds
PAUSES = ((0.0, 1.5), (4.0, 0.45), (8.0, 0.25))
_CONTEXT_S = 0.3  # around speech: consonants begin before the voice, and models need some quiet
_SHORTEST_SPEECH_S = 0.06  # a click is not the beginning of a sentence
_STILL_SPEECH = 0.9  # of the detector's threshold: down to here speech goes on
_PROGRESS_S = 30.0  # of silence, after which a piece without sound reports the position

_BLOCK = SAMPLE_RATE  # samples that the detector gets at once: pieces must not depend on the caller's blocks
_FLUSH_S = 0.2  # of zeros after the recording, which complete the detector's last frames
_LEVEL_FRAME = 320  # samples, 20 ms
_SMOOTH_FRAMES = 15  # 0.3 s: the quietest moment is a gap between words, not a closure inside one
_SILENCE = 1e-12  # power, so that a logarithm exists


@dataclass(frozen=True)
class Piece:
    """Sound to recognise. Without samples: no speech up to `start`."""

    start: int
    """Number of its first sample in the recording."""
    samples: Samples
    channel: int = 0
    """Of the recording, where each is cut by itself."""

    @property
    def start_s(self) -> float:
        """Where it begins, in seconds."""
        return self.start / SAMPLE_RATE

    @property
    def end_s(self) -> float:
        """Where it ends, in seconds."""
        return (self.start + len(self.samples)) / SAMPLE_RATE


def split(blocks: Iterable[Samples], max_s: float, detectors: Detectors) -> Iterator[Piece]:
    """Pieces in order, none longer than `max_s` and 15 s; they may touch but never overlap.

    `blocks`: float32 (n,) of any sizes, mono 16 kHz.
    """
    limit = _limit(max_s)
    regular = _regular(blocks)
    opening = np.empty(0, np.float32)
    for block in regular:
        opening = np.concatenate([opening, block])
        if len(opening) > SHORT_S * SAMPLE_RATE:
            break
    if len(opening) <= min(limit, WHOLE_S * SAMPLE_RATE):
        if len(opening):
            yield Piece(0, opening)
        return
    cutter = Cutter(detectors(), max_s)
    yield from cutter.push(opening)
    for block in regular:
        yield from cutter.push(block)
    yield from cutter.finish()


def quietest(samples: Samples) -> int:
    """The quietest moment in the later half of `samples` (at least a second): where to cut speech without pauses."""
    frames = samples[: len(samples) // _LEVEL_FRAME * _LEVEL_FRAME].reshape(-1, _LEVEL_FRAME).astype(np.float64)
    level_db: npt.NDArray[np.float64] = 10 * np.log10(np.mean(frames**2, axis=1) + _SILENCE)
    smooth = np.convolve(level_db, np.ones(_SMOOTH_FRAMES) / _SMOOTH_FRAMES, mode="same")
    half = len(smooth) // 2
    edge = len(smooth) - _SMOOTH_FRAMES // 2  # beyond it the mean is too low
    return (half + int(np.argmin(smooth[half:edge]))) * _LEVEL_FRAME


class Cutter:
    """Sound in, pieces out. All positions are samples from the start of the recording."""

    def __init__(self, detector: SpeechDetector, max_s: float, pauses: Sequence[tuple[float, float]] = PAUSES) -> None:
        """`pauses`: from which length of a piece on (seconds) a pause of how many ends it."""
        self._detector, self._limit, self._pauses = detector, _limit(max_s), pauses
        self._frame = round(detector.frame_s * SAMPLE_RATE)
        self._context = round(_CONTEXT_S * SAMPLE_RATE)
        self._sound = np.empty(0, np.float32)
        self._sound_from = 0
        self._judged = 0  # end of the last classified frame
        self._speaking = False
        self._run = 0  # length of the speech that ends at `_judged`
        self._begin = 0  # of the piece; during silence, of the sound after the last piece
        self._last = 0  # end of the last speech
        self._reported = 0  # end of the last piece

    def push(self, samples: Samples) -> Iterator[Piece]:
        """The pieces that are complete now."""
        self._sound = np.concatenate([self._sound, samples])
        for probability in self._detector.push(samples):
            yield from self._judge(float(probability))
        if not self._begun:
            self._begin = max(self._begin, self._judged - self._run - self._context)
            if self._begin - self._reported >= _PROGRESS_S * SAMPLE_RATE:
                yield self._piece(self._begin)
        self._sound = self._sound[self._begin - self._sound_from :]
        self._sound_from = self._begin

    def finish(self) -> Iterator[Piece]:
        """The rest."""
        end = self._sound_from + len(self._sound)
        rest = list(self.push(np.zeros(round(_FLUSH_S * SAMPLE_RATE), np.float32)))
        if self._begun:
            rest.append(self._piece(self._last + self._context))
        for piece in rest:
            samples = piece.samples[: max(0, end - piece.start)]
            if len(samples) >= MIN_DURATION_S * SAMPLE_RATE:
                yield Piece(piece.start, samples)

    @property
    def begin(self) -> int:
        """No piece that is still to come begins before it."""
        return self._begin

    @property
    def _begun(self) -> bool:
        return self._last > self._begin

    def _judge(self, probability: float) -> Iterator[Piece]:
        """Takes one frame; gives the piece that it ends."""
        self._judged += self._frame
        threshold = self._detector.threshold
        self._speaking = probability >= (threshold * _STILL_SPEECH if self._speaking else threshold)
        self._run = self._run + self._frame if self._speaking else 0
        if self._begun:
            if self._speaking:
                self._last = self._judged
            elif cut := self._pause():
                yield self._piece(cut)
        elif self._run >= _SHORTEST_SPEECH_S * SAMPLE_RATE:
            self._begin = max(self._begin, self._judged - self._run - self._context)
            self._last = self._judged
        if self._begun and self._judged - self._begin >= self._limit:
            yield self._piece(self._begin + quietest(self._from_begin(self._begin + self._limit)))

    def _pause(self) -> int:
        """Where the piece ends if the silence since its last speech is long enough, else 0."""
        length = self._last - self._begin
        pause = self._judged - self._last
        for from_s, pause_s in self._pauses:
            if length >= from_s * SAMPLE_RATE and pause >= pause_s * SAMPLE_RATE:
                return self._last + min(self._context, pause // 2)
        return 0

    def _piece(self, end: int) -> Piece:
        piece = Piece(self._begin, self._from_begin(end) if self._begun else np.empty(0, np.float32))
        self._begin = self._reported = end
        return piece

    def _from_begin(self, end: int) -> Samples:
        return self._sound[self._begin - self._sound_from : end - self._sound_from]


def _limit(max_s: float) -> int:
    return round(min(max_s, LONGEST_S) * SAMPLE_RATE)


def _regular(blocks: Iterable[Samples]) -> Iterator[Samples]:
    """The same sound in blocks of one size, but for the last."""
    rest = np.empty(0, np.float32)
    for block in blocks:
        rest = np.concatenate([rest, block])
        while len(rest) >= _BLOCK:
            yield rest[:_BLOCK]
            rest = rest[_BLOCK:]
    if len(rest):
        yield rest
