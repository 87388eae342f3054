"""Where speech over the assistant's began, found once the gate has let it through.

Until the echo path has learnt a room the gate notices a user late: AEC3 takes for the echo who speaks from the
assistant's first moments on, and suppresses them for up to 1.6 s. When it lets them through the delay of the echo is
known, and so how loud each moment before was beside what was played: the user is louder than the echo can have been.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

LOOKED_AT = 63  # frames (2 s) before the newest: the gate was at most 1.6 s late

# How loud the echo is, is known where what is played is as loud as what still rings, not in the assistant's own pauses:
# there a dry room is quiet at once, and the echo seemed far quieter than it is. Tried were the 10th to 50th percentile
# and 1.6 to 4 times. Of 96 users over a reply's first seconds in 24 simulated rooms the gate noticed 32 more than 0.5 s
# late; the turn still begins so late for 12, and more than 0.05 s before the user for none. Of echo alone, all of it
# taken for speech, 1 % is moved (of 16 rooms and texts at worst 5 %; by 0.42 s at most). The 25th percentile and twice
# find 4 users more, but move 10 % of the echo, up to 1.2 s; the median and 3 times move none, and find 13 fewer. The
# assistant's words in the user's turn are worse than words that are missing.
_QUIET = 33  # percent of these frames, by level over what was played: below it there is echo alone
_LOUDER = 2.5  # times (8 dB) as loud as such an echo is not the echo
_GAP = 12  # frames (0.4 s): the pauses between words are shorter
_RING = 0.8  # a frame: so an echo dies down where reverberation lasts 1 s; 0.87 (1.6 s) finds fewer users
_RING_FRAMES = 8  # it has then died down to a fifth
_AUDIBLE = 150.0  # int16 level of what was played (-47 dBFS) from which its echo stands out of the noise
_LEAST = 12  # frames (0.4 s) of these, before a percentile of them says anything
_NOISE = 30.0  # int16 level (-61 dBFS) of a quiet room at the microphone


def frames_since(
    frames: int, probabilities: Sequence[float], mic: NDArray[np.float32], played: NDArray[np.float32], threshold: float
) -> int:
    """So many frames ago the user began to speak; the gate knows of `frames`, the newest among them.

    Of each frame, the newest last, all of one length: `probabilities` of speech in the cleaned sound, which counts from
    `threshold` on, and the levels (int16 amplitude) of the microphone, and of what was played as it was due then.
    """
    ring = _ringing(played)
    telling = (played > _AUDIBLE) & (played >= ring)
    if telling.sum() < _LEAST:
        return frames
    gain = float(np.percentile(mic[telling] / ring[telling], _QUIET))
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
