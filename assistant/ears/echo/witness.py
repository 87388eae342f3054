"""Is speech the assistant's own voice, by its sound? What the echo path knows of it, for the turn machine to weigh.

The gate decides in a tenth of a second whether there may be a user. The witness looks at all of the speech: whether the
assistant was audible at all, and the speech ended with it; whether the cleaned sound follows what was played; and
whether any echo has been heard in this place, as with a headset there is none.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

_REMEMBERED = 16  # frames: the onset is known some frames late
_OUTLASTS = 4  # frames of speech after the assistant is no longer audible: its echo has died down by then
_LEAST = 4  # frames in which the sound was compared with what was played, before it says anything
_ECHO_PROMINENCE = 7.0  # as the gate has it
_FLOOR_FRAMES = 64  # 2 s: the quietest is the room's own level
_LOUD = 4.0  # times that level (12 dB): something is heard
_QUIET_FRAMES = 31  # 1 s of an audible assistant that the microphone does not hear: no echo ...
_MOST_QUIET = 62
_LOUD_COUNTS = 4  # ... and a frame in which something is heard takes so many back


@dataclass(frozen=True)
class Evidence:
    """One frame. `audible`: the assistant is, or has just been; `prominence`: how far the sound follows what was
    played, None: it was not compared, or nothing was played."""

    audible: bool
    prominence: float | None = None


class EchoWitness:
    """Frames in; the verdict on the speech that is going on out. Pure."""

    def __init__(self) -> None:
        self._recent: deque[Evidence] = deque(maxlen=_REMEMBERED)
        self._speech: list[Evidence] = []
        self._levels: deque[float] = deque(maxlen=_FLOOR_FRAMES)
        self._quiet = 0
        self._is_played_known = False  # of a client that cancels its own echo it is not

    def push(self, evidence: Evidence, level: float, *, speaking: bool) -> None:
        """One frame. `level`: of the microphone, before anything is taken out, as int16 amplitude; `speaking`: the
        speech goes on."""
        self._levels.append(level)
        self._recent.append(evidence)
        self._is_played_known |= evidence.audible
        if speaking:
            self._speech.append(evidence)
        elif evidence.audible:
            is_loud = level > _LOUD * max(1.0, min(self._levels))
            self._quiet = max(0, min(_MOST_QUIET, self._quiet + (-_LOUD_COUNTS if is_loud else 1)))

    def begin(self, frames: int) -> bool | None:
        """Speech began so many frames ago, the newest among them. Whether it is an echo, by what is known now."""
        self._speech = list(self._recent)[-frames:]
        is_possible = any(each.audible for each in self._speech) or not self._is_played_known
        return None if is_possible and not self._hears_no_echo else False

    def end(self, frames: int, *, finds_no_echo: bool) -> bool | None:
        """The speech ended so many frames ago. Whether it was an echo; None: it cannot be told.

        `finds_no_echo`: the echo path has looked for one in vain.
        """
        speech, self._speech = self._speech[: len(self._speech) - frames], []
        if not self._is_played_known:
            return None
        alone = sum(not each.audible for each in speech)
        if alone >= min(_OUTLASTS, len(speech)) or finds_no_echo or self._hears_no_echo:
            return False
        compared = [each.prominence for each in speech if each.prominence is not None]
        following = sum(prominence >= _ECHO_PROMINENCE for prominence in compared)
        if len(compared) < _LEAST:
            return None
        if 2 * following >= len(compared):
            return True
        return None if following else False

    @property
    def _hears_no_echo(self) -> bool:
        return self._quiet >= _QUIET_FRAMES
