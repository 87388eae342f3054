"""Where speech over the assistant's began, found once the gate has let it through.

Until the echo path has learnt a room the gate notices a user late: AEC3 takes for the echo who speaks from the
assistant's first moments on, and suppresses them for up to 1.6 s. When it lets them through the delay of the echo is
known, and so how loud each moment before was beside what was played: the user is louder than the echo can have been.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LOOKED_AT = 63  # frames (2 s) before the newest
_QUIETEST = 10  # percent of the frames, by level over what was played: in these there is echo alone
_LOUDER = 2.0  # times (6 dB) as loud as such an echo is not the echo
_GAP = 12  # frames (0.4 s) between words
_RING = 0.8  # a frame: so the echo of a moment dies down in a room
_RING_FRAMES = 8
_AUDIBLE = 150.0  # int16 level of what was played from which its echo tells something
_LEAST = 12  # frames in which it is audible, before it says anything
_NOISE = 30.0  # int16 level


def frames_since(
    frames: int, probabilities: Sequence[float], mic: NDArray[np.float32], played: NDArray[np.float32], threshold: float
) -> int:
    """So many frames ago the user began to speak; the gate knows of `frames`, the newest among them.

    Of each frame, the newest last, all of one length: `probabilities` of speech in the cleaned sound, which counts from
    `threshold` on, and the levels (int16 amplitude) of the microphone, and of what was played as it was due then.
    """
    ring = _ringing(played)
    audible = ring > _AUDIBLE
    if audible.sum() < _LEAST:
        return frames
    gain = float(np.percentile(mic[audible] / ring[audible], _QUIETEST))
    is_user = (np.asarray(probabilities) >= threshold) & (mic > _LOUDER * gain * ring + _NOISE)
    begin = len(mic) - frames
    for at in range(begin - 1, -1, -1):
        if begin - at > _GAP:
            break
        if is_user[at]:
            begin = at
    return len(mic) - begin


def _ringing(played: NDArray[np.float32]) -> NDArray[np.float32]:
    """Level that the echo of each frame can have, of an echo as loud as what was played."""
    ring: NDArray[np.float32] = played.copy()
    for frames in range(1, min(_RING_FRAMES, len(played))):
        ring[frames:] = np.maximum(ring[frames:], played[:-frames] * np.float32(_RING**frames))
    return ring
