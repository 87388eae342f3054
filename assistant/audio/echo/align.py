"""Lining the far end up with its echo, so that a canceller's filter always finds the room in the same place.

What was written to the device is heard 20 to 400 ms later (PortAudio's own figures are no use: 122 ms said where 185
were true). The delay jumps when the device slips (an xrun) and creeps when microphone and loudspeaker have clocks of
their own. Three things are done about it:

- the bulk delay is found by phase correlation of microphone and far end, four times a second;
- a slip moves the delay line by exactly the slip, so that what the canceller has learnt stays valid;
- the correlation's peak is followed to a fraction of a sample: its slope is the drift, and the line is
  read at that rate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assistant.audio import SAMPLE_RATE
from assistant.audio.echo.delay import Peak, PhaseCorrelator, between_samples, halved, highest
from assistant.audio.echo.delay_line import DelayLine, Tail
from assistant.audio.echo.drift import DriftTracker
from assistant.audio.ports import Floats, Samples

LONGEST = round(0.6 * SAMPLE_RATE)  # samples of delay that are looked for
PAST = 32768  # samples that are kept: 2 s
_LEAD = 64  # samples (4 ms) the far end is kept before its echo: the filter needs the rise of the direct sound
_LOOK_EVERY, _LOOK_EVERY_FIRST = 4000, 2000  # samples (250 ms, and 125 ms until the delay is known)
_COARSE, _FINE = 16384, 15872  # samples (1 s, 1 s) a delay is measured over ...
_EXACT = 7680  # ... and a jump: less, so that nothing from before it is in the way
_FINE_LAGS = 512
_PROMINENCE, _FINE_PROMINENCE = 9.0, 6.0  # a peak over its correlation's median
_ACTIVE = 8000  # samples: the far end must have been there, and something been heard, for so long
_ACTIVE_FAR, _ACTIVE_MIC = 60.0, 15.0  # int16 levels
_SAME = 2  # samples between two looks at the same delay
_SLIP = 4  # samples: less is drift
_LEFT = 0.45  # what is left of the peak where it used to be, when it has moved
_BIG_SLIP, _BIG_SLIP_LOOKS = 640, 5  # samples; a jump this big may be an accident of the speech: look again
_SEARCH = 3  # samples around the peak that is followed
_PULL, _PULL_MAX = 0.25, 0.2  # of the remaining error, at most so many samples a look
_SLIP_UNREST_S, _LOCK_UNREST_S = 0.5, 1.0  # the canceller is not to be trusted for so long


@dataclass(frozen=True)
class Slip:
    """The delay jumped: when, and from what to what, in samples. `before` None: it was found for the first time."""

    at_s: float
    before: float | None
    after: float


class Aligner:
    """Push microphone and far end, get the far end in time with its echo. Not thread-safe."""

    def __init__(self, *, follow_drift: bool = True) -> None:
        self.delay = 0.0
        """Samples by which the far end is held back."""
        self.slips: list[Slip] = []
        self._follow_drift = follow_drift
        self._drift = DriftTracker()
        self._far = DelayLine(LONGEST + PAST, _LOOK_EVERY)
        self._mic, self._aligned = Tail(PAST), Tail(_FINE + _FINE_LAGS)
        self._coarse = PhaseCorrelator(_COARSE // 2, LONGEST // 2, SAMPLE_RATE // 2)
        self._fine = PhaseCorrelator(_FINE, _FINE_LAGS)
        self._exact = PhaseCorrelator(_EXACT, _FINE_LAGS)
        self._pushed = self._since_look = self._looks = 0
        self._moved_at = 0  # samples pushed when the delay was last set
        self._calm_at = 0
        self._candidate: Peak | None = None
        self._agreed = 0  # looks in a row that saw the candidate
        self._target: float | None = None  # where in the aligned far end the echo's peak is to stay
        self._error = 0.0  # how far it is from there

    @property
    def locked(self) -> bool:
        """Whether the delay has been found."""
        return bool(self.slips)

    @property
    def calm(self) -> bool:
        """False for a moment after the delay was set: the canceller is not to be trusted yet."""
        return self._pushed > self._calm_at

    @property
    def drift_ppm(self) -> float:
        """How much faster the microphone's clock runs than the loudspeaker's."""
        return self._drift.ppm

    def push(self, mic: Samples, far_end: Samples) -> Samples:
        """int16 of one length, up to 4000 samples; returns as many of the far end, held back."""
        count = len(mic)
        self._far.tail.push(far_end)
        after = max(0.0, self.delay + self._drift.ppm * 1e-6 * count)
        aligned = self._far.read(count, self.delay, after)
        self.delay = after
        self._aligned.push(aligned)
        self._mic.push(mic)
        self._pushed += count
        self._since_look += count
        if self._since_look >= (_LOOK_EVERY if self.locked else _LOOK_EVERY_FIRST):
            self._since_look = 0
            self._look()
        return _int16(aligned)

    def past(self, count: int) -> tuple[Samples, Samples]:
        """The last `count` samples (at most `PAST`) of the microphone, and of the far end as it should have been
        held back, by what is known now."""
        before = self.delay - self._drift.ppm * 1e-6 * count
        far_end = self._far.read(count, before, self.delay)
        return _int16(self._mic.last(count)), _int16(far_end)

    def _look(self) -> None:
        if _level(self._far.tail.last(_ACTIVE)) < _ACTIVE_FAR or _level(self._mic.last(_ACTIVE)) < _ACTIVE_MIC:
            return
        self._looks += 1
        self._look_for_delay()
        settled = self.locked and self._pushed - self._moved_at >= _FINE
        if settled and self._follow_drift and self._looks % 2 == 0:
            self._look_for_drift()

    def _look_for_delay(self) -> None:
        early = self._far.tail.last(_COARSE + LONGEST)
        correlation = self._coarse(halved(self._mic.last(_COARSE)), halved(early))
        top = highest(correlation)
        peak = Peak(2 * top.lag, top.height, top.prominence) if top.prominence > _PROMINENCE else None
        same = peak is not None and self._candidate is not None and abs(self._candidate.lag - peak.lag) <= _SAME
        self._agreed = self._agreed + 1 if same else 0
        self._candidate = peak
        if peak is None or not same:
            return
        if not self.locked:
            self._set(peak.lag - _LEAD)
        elif self._target is None:
            if not 8 <= peak.lag - self.delay <= 480:
                self._set(peak.lag - _LEAD)
        elif self._has_slipped(correlation, peak):
            self._move(round(self._exactly(peak.lag) - self._expected()))

    def _expected(self) -> float:
        """Where the peak should be, in samples."""
        assert self._target is not None
        return self.delay + self._target + self._error

    def _has_slipped(self, correlation: Floats, peak: Peak) -> bool:
        jump = abs(peak.lag - self._expected())
        at = round(self._expected() / 2)
        around = correlation[max(0, at - _SEARCH) : at + _SEARCH + 1]
        left = float(around.max()) if len(around) else 0.0
        needed = 2 if jump < _BIG_SLIP else _BIG_SLIP_LOOKS
        return jump > _SLIP and left < _LEFT * peak.height and self._agreed >= needed

    def _exactly(self, lag: int) -> float:
        """The lag near `lag` at the full rate, over the last half second only."""
        skip = max(0, lag - _FINE_LAGS // 2)
        early = self._far.tail.last(_EXACT + _FINE_LAGS + skip)[: _EXACT + _FINE_LAGS]
        correlation = self._exact(self._mic.last(_EXACT), early)
        found = highest(correlation).lag
        return skip + (between_samples(correlation, found) if 0 < found < _FINE_LAGS - 1 else found)

    def _set(self, delay: float) -> None:
        self.slips.append(Slip(self._now(), self.delay if self.locked else None, float(max(0, delay))))
        self.delay = float(max(0, delay))
        self._target = None
        self._unrest(_LOCK_UNREST_S)

    def _move(self, jump: int) -> None:
        self.slips.append(Slip(self._now(), self.delay, max(0.0, self.delay + jump)))
        self.delay = max(0.0, self.delay + jump)
        self._unrest(_SLIP_UNREST_S)

    def _unrest(self, seconds: float) -> None:
        self._drift.forget()
        self._error = 0.0
        self._moved_at = self._pushed
        self._calm_at = self._pushed + round(seconds * SAMPLE_RATE)

    def _look_for_drift(self) -> None:
        correlation = self._fine(self._mic.last(_FINE), self._aligned.last(_FINE + _FINE_LAGS))
        if self._target is None:
            lag = int(np.argmax(correlation))
        else:
            low = max(1, round(self._target + self._error) - _SEARCH)
            lag = low + int(np.argmax(correlation[low : low + 2 * _SEARCH + 1]))
        prominence = float(correlation[lag]) / (float(np.median(correlation)) + 1e-9)
        if not 1 <= lag < _FINE_LAGS - 2 or prominence < _FINE_PROMINENCE:
            return
        at = between_samples(correlation, lag)
        if self._target is None:
            self._target, self._error = at, 0.0
            return
        self._error = at - self._target
        self._drift.add(self._now(), self.delay + at)
        self.delay += float(np.clip(_PULL * self._error, -_PULL_MAX, _PULL_MAX))

    def _now(self) -> float:
        return self._pushed / SAMPLE_RATE


def _level(samples: Floats) -> float:
    return float(np.sqrt(np.mean(np.square(samples))))


def _int16(samples: Floats) -> Samples:
    return np.clip(np.rint(samples), -32768, 32767).astype(np.int16)
