"""Lining the far end up with its echo, so that a canceller's filter always finds the room in the same place.

What was written to the device is heard 20 to 400 ms later (PortAudio's own figures are useless: 122 ms said where 185
were true). The delay jumps when the device slips (an xrun) and creeps when microphone and loudspeaker have clocks of
their own. Three things are done about it (`searches.py` looks, this file acts):

- the bulk delay is found by phase correlation of microphone and far end;
- a slip moves the delay line by exactly the slip, so that what the canceller has learnt stays valid;
- the correlation's peak is followed to a fraction of a sample: its slope is the drift, and the line is
  read at that rate.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from huiyin.assistant.ears.echo.drift import DriftTracker
from huiyin.assistant.ears.echo.searches import FINE_LAGS, FINE_WINDOW, LONGEST, DelaySearch, PeakFollower, SlipSearch
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.delay_line import DelayLine, Tail, as_int16
from huiyin.assistant.ports.port import Pcm16, Samples

PAST = 32768  # samples (2 s) that are kept
_LONGEST_PUSH = 4000  # samples
_LEAD = 64  # samples (4 ms) the far end is kept before its echo: the filter needs the rise of the direct sound
_LOOK_EVERY = 2000  # samples (125 ms)
_LOOK_AGAIN = 512  # samples (32 ms) until the next look where there may have been a jump
_ACTIVE = 8000  # samples (0.5 s) over which both levels must be reached before a look is worth it
_ACTIVE_FAR_END = 60.0  # RMS as int16 amplitude
_ACTIVE_MIC = 15.0  # likewise
_PAST_DELAYS = 32  # delays that are remembered: those of the fine window, at 512 samples a push
_MANY_FITS = 8  # of the drift: from then on it is measured half as often
_UNSETTLED_SLIP_S = 0.5  # after a slip the canceller is not to be trusted for so long
_UNSETTLED_DELAY_S = 1.0  # likewise after the echo was found anew


@dataclass(frozen=True)
class Slip:
    """The delay jumped: when, and from what to what, in samples. `before` None: it was found for the first time."""

    at_s: float
    before: float | None
    after: float


class Aligner:
    """Push microphone and far end, get the far end in time with its echo. Not thread-safe."""

    def __init__(self) -> None:
        self.delay = 0.0
        """Pcm16 by which the far end is held back."""
        self.slips: list[Slip] = []
        self.revision = 0
        """Grows whenever the past should be read again: the delay jumped, or the drift turned out to be another."""
        self.resets = 0
        """Grows whenever the echo is found anew, where no slip took it: what was learnt before is worth nothing."""
        self._far_end = DelayLine(LONGEST + PAST, _LONGEST_PUSH)
        self._mic = Tail(PAST)
        self._aligned = Tail(FINE_WINDOW + FINE_LAGS)
        self._delay_search = DelaySearch()
        self._slip_search = SlipSearch()
        self._peak = PeakFollower()
        self._drift = DriftTracker()
        self._past_delays: deque[tuple[int, float]] = deque(maxlen=_PAST_DELAYS)  # (samples pushed, delay)
        self._pushed = 0  # samples
        self._looked_at = 0  # samples pushed at the last look
        self._looks = 0
        self._moved_at = 0  # samples pushed when the delay was last set
        self._settled_at = 0  # samples pushed from which the canceller can be trusted again

    @property
    def locked(self) -> bool:
        """Whether the delay has been found."""
        return bool(self.slips)

    @property
    def echo_delay(self) -> float:
        """Pcm16 after which the far end is heard."""
        return self.delay + (self._peak.target if self._peak.target is not None else _LEAD)

    @property
    def settled(self) -> bool:
        """False for a moment after the delay was set: the canceller is not to be trusted yet."""
        return self._pushed > self._settled_at

    @property
    def drift_ppm(self) -> float:
        """How much faster the microphone's clock runs than the loudspeaker's."""
        return self._drift.ppm

    def push(self, mic: Pcm16, far_end: Pcm16) -> Pcm16:
        """int16 of one length, up to 4000 samples; returns as many of the far end, held back."""
        count = len(mic)
        self._far_end.tail.push(far_end)
        after = max(0.0, self.delay + self._drift.ppm * 1e-6 * count)
        aligned = self._far_end.read(count, self.delay, after)
        self._past_delays.append((self._pushed, (self.delay + after) / 2))
        self.delay = after
        self._aligned.push(aligned)
        self._mic.push(mic)
        self._pushed += count
        since_look = self._pushed - self._looked_at
        if since_look >= _LOOK_EVERY:
            self._looked_at = self._pushed
            if self._is_active():
                self._look()
        elif self._slip_search.is_wanted and since_look >= _LOOK_AGAIN and self._is_followed() and self._is_active():
            self._look_for_slip()
        return as_int16(aligned)

    def past(self, count: int) -> tuple[Pcm16, Pcm16]:
        """The last `count` samples (at most `PAST`) of the microphone, and of the far end as it should have been
        held back, by what is known now."""
        before = self.delay - self._drift.ppm * 1e-6 * count
        far_end = self._far_end.read(count, before, self.delay)
        return as_int16(self._mic.last(count)), as_int16(far_end)

    def played(self, count: int) -> tuple[Pcm16, Pcm16]:
        """The last `count` samples of the microphone, and of the far end as it was handed over."""
        return as_int16(self._mic.last(count)), as_int16(self._far_end.tail.last(count))

    def aligned(self, count: int) -> Samples:
        """The last `count` samples (at most 1 s) that `push` gave back: a view, valid until the next."""
        return self._aligned.last(count)

    def request_realignment(self) -> None:
        """Echo is left in the cleaned sound: the delay may have jumped, look soon."""
        self._slip_search.is_wanted = True

    def _is_active(self) -> bool:
        """Whether the assistant has just spoken and something was heard."""
        far_end, mic = self._far_end.tail.last(_ACTIVE), self._mic.last(_ACTIVE)
        return _rms(far_end) >= _ACTIVE_FAR_END and _rms(mic) >= _ACTIVE_MIC

    def _is_followed(self) -> bool:
        return self._peak.target is not None

    def _look(self) -> None:
        self._looks += 1
        if self._is_followed():
            self._look_for_slip()
        # Once the delay is sure this costs more than it tells: half a second between, and drift in the others.
        if not self._is_followed() or self._looks % 4 == 0:
            self._look_for_delay()
        if self._is_turn_of_drift():
            self._look_for_drift()

    def _is_turn_of_drift(self) -> bool:
        if not self.locked or self._pushed - self._moved_at < FINE_WINDOW:
            return False
        return self._looks % 4 == 2 or (self._drift.fits < _MANY_FITS and self._looks % 2 == 1)

    def _look_for_slip(self) -> None:
        jump = self._slip_search.look(self._mic, self._far_end.tail, self._expected())
        if jump is not None:
            self._move(self.delay + jump, _UNSETTLED_SLIP_S)

    def _look_for_delay(self) -> None:
        lag = self._delay_search.look(self._mic, self._far_end.tail, self._expected() if self.locked else None)
        if lag is not None:
            self._move(float(lag - _LEAD), _UNSETTLED_DELAY_S)
            self._peak.target = None
            self.resets += 1

    def _look_for_drift(self) -> None:
        at = self._peak.look(self._mic, self._aligned)
        if at is None:
            return
        # What was measured is the middle of the window: add the delay as it was then.
        middle = self._pushed - FINE_WINDOW // 2
        then, delay = min(self._past_delays, key=lambda pair: abs(pair[0] - middle))
        self._drift.add(then / SAMPLE_RATE, delay + at)
        if self._drift.has_changed():
            self.revision += 1
        self.delay += self._peak.correction()

    def _expected(self) -> float:
        """Where the echo should be, in samples."""
        return self.echo_delay + self._peak.error

    def _move(self, delay: float, unsettled_s: float) -> None:
        """Set the delay, and restart settling."""
        delay = max(0.0, delay)
        self.slips.append(Slip(self._pushed / SAMPLE_RATE, self.delay if self.locked else None, delay))
        self.delay = delay
        self.revision += 1
        self._drift.forget()
        self._peak.error = 0.0
        self._moved_at = self._pushed
        self._settled_at = self._pushed + round(unsettled_s * SAMPLE_RATE)


def _rms(samples: Samples) -> float:
    return float(np.sqrt(np.mean(np.square(samples))))
