"""How fast two clocks run apart: the slope of the echo's delay over time."""

from __future__ import annotations

import numpy as np

from huiyin.assistant.ports import SAMPLE_RATE

_MEMORY_S = 8.0  # of delays the line is fitted through
_FEWEST = 4  # delays for a line
_SHORTEST_S = 0.7  # that they must span
_STEP = 0.25  # of the way to each new fit; the first ones count more
_MAX_PPM = 400.0  # worse clocks than this are not sold; a fit beyond it is a mistake
_CHANGE_PPM = 15.0  # a drift that differs by less is the same drift


class DriftTracker:
    """Feed it (time, delay); `ppm` is the drift, positive when the delay grows."""

    def __init__(self) -> None:
        self.ppm = 0.0
        self.fits = 0
        """How often a line was fitted: after the first the drift is known, from the eighth on well."""
        self._seen: list[tuple[float, float]] = []
        self._known_ppm = 0.0  # when `has_changed` last said so

    def add(self, at_s: float, delay: float) -> None:
        """A delay in samples (with fraction), as measured at `at_s`."""
        self._seen = [pair for pair in self._seen if at_s - pair[0] < _MEMORY_S] + [(at_s, delay)]
        if len(self._seen) < _FEWEST or at_s - self._seen[0][0] <= _SHORTEST_S:
            return
        times, delays = np.array(self._seen).T
        slope_ppm = float(np.polyfit(times - at_s, delays, 1)[0]) / SAMPLE_RATE * 1e6
        self.fits += 1
        self.ppm += max(_STEP, 1 / self.fits) * (float(np.clip(slope_ppm, -_MAX_PPM, _MAX_PPM)) - self.ppm)

    def has_changed(self) -> bool:
        """Whether the drift has become another since this was last true."""
        changed = abs(self.ppm - self._known_ppm) > _CHANGE_PPM
        if changed:
            self._known_ppm = self.ppm
        return changed

    def forget(self) -> None:
        """The delay has jumped: what was seen before says nothing about what comes. `ppm` stays."""
        self._seen.clear()
