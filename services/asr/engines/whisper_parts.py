"""Parts of a piece of sound: where speech is in it, and which of the encoder's states are of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from ctranslate2 import StorageView

from huiyin.services.asr.engines.languages import SPEECH
from huiyin.services.asr.engines.whisper_model import STATES_PER_S, Attempt, Encoded
from huiyin.services.asr.recogniser import Recognition
from huiyin.services.common.audio import SAMPLE_RATE

VAD_FRAME = 512
"""Samples of a frame of voice activity, 32 ms."""
SILENT_STATES = 120
"""Of the encoder, from the piece's tail, after those of a part: without, of 97 languages 3 were wrong and 11 unsure."""

_EDGE = 0.3  # voice activity above this is speech's beginning or end
_MARGIN_S = 0.4  # around the speech; see `around`
_EDGE_PAD_S = 0.1  # consonants begin before the voice


@dataclass(frozen=True)
class Whole:
    """The encoder's states of a piece, from which its parts are decoded.

    A part need not be encoded again: 191 errors for 195 in 35 pairs of Chinese recordings (`dev` in
    `benchmarks.recogniser.transcribed`).
    """

    states: Encoded
    offset: int
    """Samples: where the part begins in them."""
    attempt: Attempt
    """What was decoded from all of them, which are those of `count` samples of speech and of silence after it."""
    count: int

    def later(self, samples: int) -> Whole:
        """For a part that begins so many samples later."""
        return replace(self, offset=self.offset + samples)

    def part(self, first: int, count: int, window_s: float) -> Encoded:
        """The states of `count` samples of the part, and those of silence that fill the window."""
        states = np.asarray(self.states)[0]  # (n, width)
        start = max(0, round((self.offset + first) / SAMPLE_RATE * STATES_PER_S))
        end = min(len(states), start + round(count / SAMPLE_RATE * STATES_PER_S))
        silence = max(0, round(window_s * STATES_PER_S) - (end - start))
        tail = len(states) - SILENT_STATES + np.arange(silence) % SILENT_STATES
        chosen = np.concatenate([np.arange(start, end), tail])
        return StorageView.from_array(np.ascontiguousarray(states[chosen][np.newaxis]))


def around(start_s: float, end_s: float) -> tuple[int, int]:
    """The samples from the speech's margin before to that after it.

    With five seconds of silence "Paris." was recognised as "Paris Paris Paris".
    """
    return max(0, round((start_s - _MARGIN_S) * SAMPLE_RATE)), round((end_s + _MARGIN_S) * SAMPLE_RATE)


def edges_s(speech: npt.NDArray[np.float32], length_s: float) -> tuple[float, float]:
    """Where speech begins and ends, in seconds."""
    frames = np.flatnonzero(speech >= _EDGE)
    if not len(frames):
        return 0.0, length_s
    frame_s = VAD_FRAME / SAMPLE_RATE
    start_s = float(frames[0] * frame_s - _EDGE_PAD_S)
    end_s = float((frames[-1] + 1) * frame_s + _EDGE_PAD_S)
    return max(0.0, start_s), min(length_s, end_s)


def spoken_s(speech: npt.NDArray[np.float32]) -> float:
    """Seconds of speech, without the pauses."""
    return float(np.count_nonzero(speech > SPEECH)) * VAD_FRAME / SAMPLE_RATE


def moved(recognition: Recognition, frames: int) -> Recognition:
    """The same, so many frames of voice activity later."""
    by_s = frames * VAD_FRAME / SAMPLE_RATE
    return Recognition(tuple(segment.later(by_s) for segment in recognition.segments), recognition.warnings)


def joined(recognitions: Sequence[Recognition]) -> Recognition:
    """All of them in order, each warning once."""
    segments = tuple(segment for each in recognitions for segment in each.segments)
    return Recognition(segments, tuple(dict.fromkeys(w for each in recognitions for w in each.warnings)))
