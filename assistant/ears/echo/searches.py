"""Where in the far end the echo is: three searches by phase correlation, from coarse to fine.

`DelaySearch` looks anywhere within 0.6 s, `SlipSearch` within 32 ms of where the echo should be, and `PeakFollower`
follows its peak to a fraction of a sample. Delays and lags are in samples.
"""

from __future__ import annotations

import numpy as np

from huiyin.assistant.ears.echo.delay import (
    Correlation,
    PhaseCorrelator,
    between_samples,
    halved,
    highest,
    prominence_of,
)
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.delay_line import Tail

LONGEST = round(0.6 * SAMPLE_RATE)  # samples of delay that are looked for
FINE_WINDOW = 15872  # samples (1 s) in which the peak is followed
FINE_LAGS = 512  # samples (32 ms) in which it is first looked for

_SAME = 2  # samples between two looks at the same delay
_NEAR = 3  # samples around a peak's place that still count as that place

_COARSE_WINDOW = 16384  # samples (1 s)
_COARSE_PROMINENCE = 9.0  # of a peak over its correlation's median: less is chance
_CLEAR_PROMINENCE = 18.0  # such a first peak is believed when seen twice, a lower one the third time: before enough
# echo has been heard one vowel resembles another. Wrong first delays in 300 rooms: 12 -> 2, none of them found later.
_JUMP_LOOKS = 3  # looks that agree on a far jump; what fewer see may be an accident of the speech
_COARSE_REMAINDER = 0.45  # share of the new peak's height at the old place, above which the echo is still there, too

_SHORT_WINDOW = 5120  # samples (0.32 s): short, so that what came before a jump is soon out of the way
_SHORT_LAGS = 1024  # samples (64 ms): half of them on each side of where the echo should be
_SHORT_PROMINENCE = 8.0
_SHORT_REMAINDER = 0.6  # as _COARSE_REMAINDER
_LEAST_SLIP = 4  # samples: less is drift

_FINE_PROMINENCE = 6.0
_CORRECTION = 0.25  # share of the remaining error that is corrected at each look ...
_MOST_CORRECTION = 0.2  # ... but no more samples than this


class DelaySearch:
    """Finds the echo anywhere, at half the rate. A delay must be seen more than once to be believed."""

    def __init__(self) -> None:
        self._correlate = PhaseCorrelator(_COARSE_WINDOW // 2, LONGEST // 2, SAMPLE_RATE // 2)
        self._candidate: int | None = None  # lag of the last look's peak
        self._agreements = 0  # looks in a row that saw the candidate again

    def look(self, mic: Tail, far_end: Tail, expected: float | None) -> int | None:
        """The echo's lag once it is sure, else None.

        `expected`: where the echo should be; None: not known. Where it is known, only a jump farther than a slip's
        is of interest.
        """
        correlation = self._correlate(halved(mic.last(_COARSE_WINDOW)), halved(far_end.last(_COARSE_WINDOW + LONGEST)))
        peak = highest(correlation)
        lag = 2 * peak.lag
        if peak.prominence <= _COARSE_PROMINENCE:
            self._candidate, self._agreements = None, 0
            return None
        agrees = self._candidate is not None and abs(self._candidate - lag) <= _SAME
        self._candidate = lag
        if not agrees:
            self._agreements = 0
            return None
        self._agreements += 1
        if expected is None:
            is_sure = peak.prominence > _CLEAR_PROMINENCE or self._agreements > 1
        else:
            is_far = abs(lag - expected) > _SHORT_LAGS // 2
            has_left = _height_near(correlation, round(expected / 2)) < _COARSE_REMAINDER * peak.height
            is_sure = self._agreements >= _JUMP_LOOKS and is_far and has_left
        return lag if is_sure else None


class SlipSearch:
    """Finds a jump of the echo by up to 32 ms. Two looks must agree on it."""

    def __init__(self) -> None:
        self.is_wanted = False
        """Whether there may have been a jump: look again soon."""
        self._correlate = PhaseCorrelator(_SHORT_WINDOW, _SHORT_LAGS)
        self._moved_to: int | None = None  # lag at which the last look saw the echo, if it had moved

    def look(self, mic: Tail, far_end: Tail, expected: float) -> int | None:
        """By how much the echo has jumped from `expected`, where it should be; None: it has not, or is not yet sure."""
        skipped = max(0, round(expected) - _SHORT_LAGS // 2)  # the newest samples of the far end, too new to be heard
        early = far_end.last(_SHORT_WINDOW + _SHORT_LAGS + skipped)[: _SHORT_WINDOW + _SHORT_LAGS]
        correlation = self._correlate(mic.last(_SHORT_WINDOW), early)
        lag = _moved_peak(correlation, round(expected) - skipped)
        before, self._moved_to = self._moved_to, None
        self.is_wanted = False
        if lag is None:
            return None
        if before is not None and abs(lag + skipped - before) <= _SAME:
            return round(skipped + between_samples(correlation, lag) - expected)
        self._moved_to = lag + skipped
        self.is_wanted = True
        return None


class PeakFollower:
    """Follows the echo's peak in the aligned far end, where only drift moves it."""

    def __init__(self) -> None:
        self.target: float | None = None
        """Lag at which the peak is to stay: where it was first seen. None: it has not been."""
        self.error = 0.0
        """How far it was from there at the last look."""
        self._correlate = PhaseCorrelator(FINE_WINDOW, FINE_LAGS)

    def look(self, mic: Tail, aligned: Tail) -> float | None:
        """The peak's lag, with a fraction. None: it is not clear, or was seen for the first time."""
        correlation = self._correlate(mic.last(FINE_WINDOW), aligned.last(FINE_WINDOW + FINE_LAGS))
        if self.target is None:
            lag = int(np.argmax(correlation))
        else:
            lowest = max(1, round(self.target + self.error) - _NEAR)
            lag = lowest + int(np.argmax(correlation[lowest : lowest + 2 * _NEAR + 1]))
        if not 1 <= lag < FINE_LAGS - 2 or prominence_of(correlation, lag) < _FINE_PROMINENCE:
            return None
        at = between_samples(correlation, lag)
        if self.target is None:
            self.target = at
            return None
        self.error = at - self.target
        return at

    def correction(self) -> float:
        """Samples by which to hold the far end back longer, so that the peak returns to its place."""
        return float(np.clip(_CORRECTION * self.error, -_MOST_CORRECTION, _MOST_CORRECTION))


def _moved_peak(correlation: Correlation, expected: int) -> int | None:
    """Lag of the peak where it is clearly not at `expected` and not at an edge, else None."""
    peak = highest(correlation)
    has_moved = (
        abs(peak.lag - expected) > _LEAST_SLIP
        and peak.prominence > _SHORT_PROMINENCE
        and _height_near(correlation, expected) < _SHORT_REMAINDER * peak.height
    )
    return peak.lag if has_moved and 0 < peak.lag < _SHORT_LAGS - 1 else None


def _height_near(correlation: Correlation, lag: int) -> float:
    """The highest correlation around `lag`; 0 where that is outside."""
    return float(correlation[max(0, lag - _NEAR) : lag + _NEAR + 1].max(initial=0.0))
