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

from collections import deque
from dataclasses import dataclass

import numpy as np

from huiyin.assistant.ears.echo.delay import Peak, PhaseCorrelator, between_samples, halved, highest
from huiyin.assistant.ears.echo.drift import DriftTracker
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.delay_line import DelayLine, Tail
from huiyin.assistant.ports.port import Floats, Samples

LONGEST = round(0.6 * SAMPLE_RATE)  # samples of delay that are looked for
PAST = 32768  # samples that are kept: 2 s
_LEAD = 64  # samples (4 ms) the far end is kept before its echo: the filter needs the rise of the direct sound
_LOOK_EVERY = 2000  # samples (125 ms)
_LOOK_AGAIN = 512  # samples (32 ms): where there seems to have been a jump
_COARSE, _FINE = 16384, 15872  # samples (1 s, 1 s) a delay is measured over ...
_SHORT = 5120  # ... and a jump (0.32 s): less, so that what came before it is soon out of the way
_FINE_LAGS, _SHORT_LAGS = 512, 1024
_PROMINENCE, _SHORT_PROMINENCE, _FINE_PROMINENCE = 9.0, 8.0, 6.0  # a peak over its correlation's median
_CLEAR_PROMINENCE = 18.0  # such a first peak is believed when seen twice, a lower one the third time: before enough
# echo has been heard one vowel resembles another. Wrong first delays in 300 rooms: 12 -> 2, none of them found later.
_ACTIVE = 8000  # samples: the far end must have been there, and something been heard, for so long
_ACTIVE_FAR, _ACTIVE_MIC = 60.0, 15.0  # int16 levels
_SAME = 2  # samples between two looks at the same delay
_SLIP = 4  # samples: less is drift
_LEFT, _SHORT_LEFT = 0.45, 0.6  # what is left of the peak where it used to be, when it has moved
_JUMP_LOOKS = 3  # a jump farther than that may be an accident of the speech: look again
_SEARCH = 3  # samples around the peak that is followed
_PULL, _PULL_MAX = 0.25, 0.2  # of the remaining error, at most so many samples a look
_MANY_FITS = 8
_NEWS_PPM = 15.0
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
        self.news = 0
        """Grows whenever the past should be read again: the delay jumped, or the drift turned out to be another."""
        self.found = 0
        """Grows whenever the echo is found where nobody had looked for it: what was learnt before is worth nothing."""
        self._follow_drift = follow_drift
        self._told_ppm = 0.0
        self._drift = DriftTracker()
        self._far = DelayLine(LONGEST + PAST, _LOOK_EVERY)
        self._mic, self._aligned = Tail(PAST), Tail(_FINE + _FINE_LAGS)
        self._coarse = PhaseCorrelator(_COARSE // 2, LONGEST // 2, SAMPLE_RATE // 2)
        self._fine = PhaseCorrelator(_FINE, _FINE_LAGS)
        self._short = PhaseCorrelator(_SHORT, _SHORT_LAGS)
        self._pushed = self._since_look = self._looks = 0
        self._moved_at = 0  # samples pushed when the delay was last set
        self._calm_at = 0
        self._candidate: Peak | None = None
        self._moved_to: int | None = None  # where the last look for a slip saw the echo, if it had moved
        self._suspected = False  # that it has: the next look is soon
        self._agreed = 0  # looks in a row that saw the candidate
        self._target: float | None = None  # where in the aligned far end the echo's peak is to stay
        self._delays: deque[tuple[int, float]] = deque(maxlen=_FINE // 512 + 1)  # (samples pushed, delay), of late
        self._error = 0.0  # how far it is from there

    @property
    def locked(self) -> bool:
        """Whether the delay has been found."""
        return bool(self.slips)

    @property
    def echo_delay(self) -> float:
        """Samples after which the far end is heard."""
        return self.delay + (self._target if self._target is not None else _LEAD)

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
        self._delays.append((self._pushed, (self.delay + after) / 2))
        self.delay = after
        self._aligned.push(aligned)
        self._mic.push(mic)
        self._pushed += count
        self._since_look += count
        if self._since_look >= _LOOK_EVERY:
            self._since_look = 0
            self._look()
        elif self._suspected and self._since_look >= _LOOK_AGAIN and self._target is not None and self._is_heard():
            self._look_for_slip()
        return _int16(aligned)

    def past(self, count: int) -> tuple[Samples, Samples]:
        """The last `count` samples (at most `PAST`) of the microphone, and of the far end as it should have been
        held back, by what is known now."""
        before = self.delay - self._drift.ppm * 1e-6 * count
        far_end = self._far.read(count, before, self.delay)
        return _int16(self._mic.last(count)), _int16(far_end)

    def played(self, count: int) -> tuple[Samples, Samples]:
        """The last `count` samples of the microphone, and of the far end as it was handed over."""
        return _int16(self._mic.last(count)), _int16(self._far.tail.last(count))

    def aligned(self, count: int) -> Floats:
        """The last `count` samples (at most `PAST`) that `push` gave back: a view, valid until the next."""
        return self._aligned.last(count)

    def suspect(self) -> None:
        """Echo is left in the cleaned sound: the delay may have jumped, look soon."""
        self._suspected = True

    def _is_heard(self) -> bool:
        return _level(self._far.tail.last(_ACTIVE)) >= _ACTIVE_FAR and _level(self._mic.last(_ACTIVE)) >= _ACTIVE_MIC

    def _look(self) -> None:
        if not self._is_heard():
            return
        self._looks += 1
        if self._target is not None:
            self._look_for_slip()
        # Once the delay is sure this costs more than it tells: half a second between, and drift in the others.
        if self._target is None or self._looks % 4 == 0:
            self._look_for_delay()
        settled = self.locked and self._pushed - self._moved_at >= _FINE
        turn = self._looks % 4 == 2 or (self._drift.fits < _MANY_FITS and self._looks % 2 == 1)
        if settled and self._follow_drift and turn:
            self._look_for_drift()

    def _look_for_slip(self) -> None:
        """Where is the echo of the last half second, within 30 ms of where it should be?"""
        expected = self._expected()
        skip = max(0, round(expected) - _SHORT_LAGS // 2)
        early = self._far.tail.last(_SHORT + _SHORT_LAGS + skip)[: _SHORT + _SHORT_LAGS]
        correlation = self._short(self._mic.last(_SHORT), early)
        peak = highest(correlation)
        at = round(expected) - skip
        left = float(correlation[max(0, at - _SEARCH) : at + _SEARCH + 1].max(initial=0.0))
        moved = abs(peak.lag - at) > _SLIP and left < _SHORT_LEFT * peak.height and peak.prominence > _SHORT_PROMINENCE
        lag = peak.lag + skip if moved and 0 < peak.lag < _SHORT_LAGS - 1 else None
        if lag is not None and self._moved_to is not None and abs(lag - self._moved_to) <= _SAME:
            self._move(round(skip + between_samples(correlation, peak.lag) - expected))
            lag = None
        self._moved_to, self._suspected = lag, lag is not None

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
            if peak.prominence > _CLEAR_PROMINENCE or self._agreed > 1:
                self._set(peak.lag - _LEAD)
        elif self._agreed >= _JUMP_LOOKS and self._is_elsewhere(correlation, peak):
            self._set(peak.lag - _LEAD)

    def _expected(self) -> float:
        """Where the peak should be, in samples."""
        return self.echo_delay + self._error

    def _is_elsewhere(self, correlation: Floats, peak: Peak) -> bool:
        """Whether the echo is where no slip would have taken it, and no longer where it should be."""
        expected = self._expected()
        at = round(expected / 2)
        left = float(correlation[max(0, at - _SEARCH) : at + _SEARCH + 1].max(initial=0.0))
        return abs(peak.lag - expected) > _SHORT_LAGS // 2 and left < _LEFT * peak.height

    def _set(self, delay: float) -> None:
        self.slips.append(Slip(self._now(), self.delay if self.locked else None, float(max(0, delay))))
        self.delay = float(max(0, delay))
        self._target = None
        self.found += 1
        self._unrest(_LOCK_UNREST_S)

    def _move(self, jump: int) -> None:
        self.slips.append(Slip(self._now(), self.delay, max(0.0, self.delay + jump)))
        self.delay = max(0.0, self.delay + jump)
        self._unrest(_SLIP_UNREST_S)

    def _unrest(self, seconds: float) -> None:
        self.news += 1
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
        # What was measured is the middle of the window: add the delay as it was then.
        middle = self._pushed - _FINE // 2
        then = min(self._delays, key=lambda pair: abs(pair[0] - middle))
        self._drift.add(then[0] / SAMPLE_RATE, then[1] + at)
        if abs(self._drift.ppm - self._told_ppm) > _NEWS_PPM:
            self._told_ppm = self._drift.ppm
            self.news += 1
        self.delay += float(np.clip(_PULL * self._error, -_PULL_MAX, _PULL_MAX))

    def _now(self) -> float:
        return self._pushed / SAMPLE_RATE


def _level(samples: Floats) -> float:
    return float(np.sqrt(np.mean(np.square(samples))))


def _int16(samples: Floats) -> Samples:
    return np.clip(np.rint(samples), -32768, 32767).astype(np.int16)
