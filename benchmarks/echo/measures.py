"""What is measured about an echo path, from what went in, what came out, and what is known of the scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Samples

Mask = npt.NDArray[np.bool_]
"""True at some of a sound's samples: shape (n,)."""

_SILENCE = 1e-10
_LATEST = 512  # samples (32 ms) a canceller's output may be late by
_TAIL_S = 0.5  # after a user's last word: their reverberation, and the detector's release
_DETECTED_WITHIN_S = 1.5  # later the user has said it twice
_SPEAKER_HANG_S = 0.5


def ratio_db(above: float, below: float) -> float:
    """Power ratio in dB; -100 .. 100."""
    return float(10 * np.log10((above + _SILENCE) / (below + _SILENCE)))


def mask(length: int, spans: Sequence[tuple[float, float]], before_s: float = 0.0, after_s: float = 0.0) -> Mask:
    """True where one of `spans` (seconds), widened, is; shape (length,)."""
    inside = np.zeros(length, bool)
    for start, end in spans:
        inside[max(0, round((start - before_s) * SAMPLE_RATE)) : max(0, round((end + after_s) * SAMPLE_RATE))] = True
    return inside


def audible(sound: Samples, hang_s: float = _SPEAKER_HANG_S, level: float = 0.0025) -> Mask:
    """True while `sound` (in [-1, 1]) is above `level`, and `hang_s` after; shape as `sound`."""
    hang = round(hang_s * SAMPLE_RATE)
    loud = np.flatnonzero(np.abs(sound) > level)
    edges = np.zeros(len(sound) + hang + 1, int)
    np.add.at(edges, loud, 1)
    np.add.at(edges, loud + hang, -1)
    return np.cumsum(edges)[: len(sound)] > 0


def in_time(reference: Samples, late: Samples) -> tuple[Samples, Samples]:
    """Both without the delay (up to 32 ms) that `late` has against `reference`."""
    size = 1 << (len(reference) + _LATEST).bit_length()
    cross = np.fft.irfft(np.conj(np.fft.rfft(reference, size)) * np.fft.rfft(late, size), size)
    lag = int(np.argmax(cross[:_LATEST]))
    return reference[: len(reference) - lag], late[lag:]


def si_sdr_db(reference: Samples, estimate: Samples) -> float:
    """Scale-invariant signal-to-distortion ratio (Le Roux et al., 2019)."""
    scale = float(np.dot(estimate, reference)) / (float(np.dot(reference, reference)) + _SILENCE)
    target = scale * reference
    return ratio_db(float(np.sum(target**2)), float(np.sum((estimate - target) ** 2)))


def stoi(reference: Samples, estimate: Samples) -> float | None:
    """Short-time objective intelligibility, 0..1; None where pystoi is not installed or there is too little speech."""
    try:
        from pystoi import stoi as measure
    except ImportError:
        return None
    if len(reference) < SAMPLE_RATE // 2:
        return None
    return float(measure(reference, estimate, SAMPLE_RATE))


@dataclass
class BargeIns:
    """The gate's barge-ins, over any number of scenes."""

    far_end_min: float = 0.0  # minutes with the assistant alone audible
    false: int = 0
    true: int = 0
    delays_s: list[float] = field(default_factory=list)  # of the true ones that were detected
    false_at: list[str] = field(default_factory=list)  # scene and second, to look them up

    @property
    def false_per_min(self) -> float:
        """False barge-ins a minute of the assistant alone."""
        return self.false / self.far_end_min if self.far_end_min else 0.0

    @property
    def recall(self) -> float | None:
        """Share of true barge-ins that were detected; None where there were none."""
        return len(self.delays_s) / self.true if self.true else None

    @property
    def median_ms(self) -> float | None:
        """From the user's first sample to the gate's answer."""
        return float(np.median(self.delays_s)) * 1000 if self.delays_s else None

    def add(
        self, name: str, starts_s: Sequence[float], users: Sequence[tuple[float, float]], alone: Mask, part: slice
    ) -> None:
        """A scene's `part` (samples): when the gate answered, the user's barge-ins, where the assistant is alone."""
        low, high = part.start / SAMPLE_RATE, part.stop / SAMPLE_RATE
        self.far_end_min += float(np.count_nonzero(alone[part])) / SAMPLE_RATE / 60
        for at in starts_s:
            if low <= at < high and not any(start <= at <= end + _TAIL_S for start, end in users):
                self.false += 1
                self.false_at.append(f"{name} at {at:.2f} s")
        for start, end in users:
            if low <= start < high:
                self.true += 1
                answers_s = [at - start for at in starts_s if start <= at <= min(end, start + _DETECTED_WITHIN_S)]
                self.delays_s += answers_s[:1]
