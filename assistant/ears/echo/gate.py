"""The barge-in gate: while the assistant is audible, is what is left of the microphone the user, or still echo?

Three features are combined. Voice activity on the cleaned sound says that there is speech. The pass ratio says that the
canceller found little to remove. And the residual echo's prominence says whether the cleaned sound still follows the
far end: residual echo, however like speech, is the assistant's own words a known time ago. Until the canceller has
learnt the room a second one is asked instead, which learns at once.

The thresholds were chosen in some simulated rooms and hold in others (`huiyin bench echo`, docs/performance.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

ECHO_PROMINENCE = 7.0  # of the correlation of cleaned sound and far end: from here on it is echo, the user has 4 to 6


@dataclass(frozen=True)
class Frame:
    """One frame of 32 ms.

    `probability` of speech in the cleaned sound; `pass_ratio`: cleaned level over the microphone's; `far_end`: whether
    the assistant was audible; `second`: the probability by the second opinion, while the first cannot be trusted;
    `residual_prominence`: how far the correlation of cleaned sound and far end stands out (4-6 the user, 7 and more
    echo); `untrusted`: neither probability can be trusted now. `level`: of the cleaned sound, as int16 amplitude.
    """

    probability: float
    level: float = 0.0
    pass_ratio: float = 1.0
    far_end: bool = False
    second: float | None = None
    residual_prominence: float = 0.0
    untrusted: bool = False


@dataclass(frozen=True)
class GateRule:
    """When frames with an audible far end are the user."""

    frames: int = 4  # of speech in a row ...
    pass_ratio: float = 0.5  # ... passed by the canceller at -6 dB or better in half of them
    residual_prominence: float = ECHO_PROMINENCE  # from here on it is echo ...
    patience: int = 10  # ... but not for ever: there may be residual echo while the user speaks, too
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
    if now.residual_prominence >= rule.residual_prominence:
        # A slip, which leaves most echo, is found and mended within these 0.3 s; what goes on for longer is not a slip.
        needed = rule.patience
    window = recent[-needed:]
    if now.untrusted or len(window) < needed:
        return None
    if asked:
        is_user = all((frame.second or 0.0) >= threshold for frame in window)
    else:
        loud = [frame for frame in window if frame.pass_ratio >= rule.pass_ratio]
        is_user = all(frame.probability >= threshold for frame in window) and len(loud) >= needed / 2
    return needed if is_user else None
