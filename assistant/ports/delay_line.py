"""The recent past of a sound, and reading it late by a fraction of a sample."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from huiyin.assistant.ports.port import Pcm16, Samples

_TAPS = 16  # of the windowed sinc; -70 dB error up to 6 kHz
_PHASES = 256  # steps a sample is divided into: 0.004 samples, 4 us at 1 kHz is -100 dB
_KAISER_BETA = 6.0
_REACH = np.arange(_TAPS) - (_TAPS // 2 - 1)  # -7 .. 8 around the sample read
MARGIN = _TAPS  # samples that must lie around what is read


def _sinc_table() -> npt.NDArray[np.float32]:
    """Row p: the filter that reads p/256 of a sample after its middle; shape (257, 16)."""
    at = _REACH[None] - np.arange(_PHASES + 1)[:, None] / _PHASES
    filters = np.sinc(at) * np.kaiser(_TAPS + 1, _KAISER_BETA)[:_TAPS]
    return np.asarray(filters / filters.sum(axis=1, keepdims=True), np.float32)


_SINC = _sinc_table()


class Tail:
    """The last `keep` samples of a stream, always in one piece (silence before its beginning)."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._buffer: Samples = np.zeros(4 * keep, np.float32)
        self._end = keep

    def push(self, samples: Samples | Pcm16) -> None:
        """Append; at most `keep` samples at once."""
        if self._end + len(samples) > len(self._buffer):
            self._buffer[: self._keep] = self._buffer[self._end - self._keep : self._end]
            self._end = self._keep
        self._buffer[self._end : self._end + len(samples)] = samples
        self._end += len(samples)

    def last(self, count: int) -> Samples:
        """The newest `count` (at most `keep`) samples: a view, valid until the next push."""
        return self._buffer[self._end - count : self._end]


class DelayLine:
    """Reads a stream late. The longest delay is `longest` samples."""

    def __init__(self, longest: int, block: int) -> None:
        self._keep = longest + block + 2 * MARGIN
        self.tail = Tail(self._keep)

    def read(self, count: int, delay: float, end_delay: float) -> Samples:
        """The newest `count` samples late by `delay` samples at their beginning, going over to `end_delay`.

        Shape (count,), float32. Delays are held within 0 (rounded up to what interpolation needs) and `longest`.
        """
        past = self.tail.last(self._keep)
        whole_delay = round(delay)
        if delay == end_delay == whole_delay and MARGIN // 2 < whole_delay < self._keep - count - MARGIN:
            end = self._keep - whole_delay
            return np.array(past[end - count : end])  # nothing between samples
        slope = (end_delay - delay) / count
        at = np.arange(count) * (1 - slope) + (self._keep - count - delay)
        np.clip(at, MARGIN, self._keep - 1 - MARGIN // 2, out=at)
        whole = at.astype(np.intp)
        phase = ((at - whole) * _PHASES + 0.5).astype(np.intp)
        return np.asarray(np.einsum("ij,ij->i", past[whole[:, None] + _REACH], _SINC[phase]))


def as_int16(samples: Samples) -> Pcm16:
    """Rounded and clipped; `samples` at int16's scale."""
    return np.asarray(np.clip(np.rint(samples), -32768, 32767), np.int16)
