"""The barge-in gate: while the assistant is audible, is what is left of the microphone the user, or still echo?

Three witnesses are heard. Voice activity on the cleaned sound says that somebody speaks. The level it was passed with
says that the canceller found little to remove. And the leak says whether it still follows the far end: residual echo,
however like speech, is the assistant's own words a known time ago, and nobody else's. Until the canceller has learnt
the room a second one is asked instead, which learns at once.

The thresholds were chosen in some simulated rooms and hold in others (`huiyin bench echo`, docs/echo.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Frame:
    """One frame of 32 ms.

    `probability` of speech in the cleaned sound; `passed`: cleaned level over the microphone's; `far_end`: whether
    the assistant was audible; `second`: the probability by the second opinion, while the first cannot be trusted;
    `leak`: how far the correlation of cleaned sound and far end stands out (4-6 the user, 7 and more echo);
    `untrusted`: neither probability can be trusted now. `level`: of the cleaned sound, as int16 amplitude.
    """

    probability: float
    level: float = 0.0
    passed: float = 1.0
    far_end: bool = False
    second: float | None = None
    leak: float = 0.0
    untrusted: bool = False


@dataclass(frozen=True)
class GateRule:
    """When frames with an audible far end are the user."""

    frames: int = 4  # of speech in a row ...
    level: float = 0.5  # ... passed by the canceller at -6 dB or better in half of them
    leak: float = 7.0  # prominence from which it is echo: took slips from 2.3 false barge-ins a minute to 0.4 ...
    patience: int = 10  # ... but not for ever: echo may leak through while the user speaks, too
    second_frames: int = 5  # of speech in a row, by the second opinion alone

    @property
    def window(self) -> int:
        """Frames that are looked at."""
        return max(self.frames, self.second_frames, self.patience)


def barge_in(recent: Sequence[Frame], threshold: float, rule: GateRule) -> int | None:
    """Frames since the user began to speak, or None. `recent` ends with the newest frame, whose far end is audible."""
    now = recent[-1]
    asked = now.second is not None
    needed = rule.second_frames if asked else rule.frames
    if now.leak >= rule.leak:
        # A slip, which leaks most, is found and mended within these 0.3 s; what goes on for longer is no slip.
        needed = rule.patience
    window = recent[-needed:]
    if now.untrusted or len(window) < needed:
        return None
    speech = all(((frame.second or 0.0) if asked else frame.probability) >= threshold for frame in window)
    loud = asked or sum(frame.passed >= rule.level for frame in window) >= needed / 2
    return needed if speech and loud else None
