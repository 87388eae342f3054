"""Is speech the assistant's own voice, by its sound? What the echo path knows of it, for the turn machine to weigh.

The gate decides in a tenth of a second whether there may be a user. The witness looks at all of the speech: whether the
assistant was audible at all, and the speech ended with it; whether the cleaned sound follows what was played. And
where the echo path finds that there is no echo, as with a headset, nothing is one.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from huiyin.assistant.ears.echo.gate import ECHO_PROMINENCE

_REMEMBERED = 16  # frames: the onset is known some frames late
_OUTLASTS = 4  # frames of speech after the assistant is no longer audible: its echo has died down by then
_LEAST = 4  # frames in which the sound was compared with what was played, before it says anything


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
        self._is_played_known = False  # of a client that cancels its own echo it is not

    def push(self, evidence: Evidence, *, speaking: bool) -> None:
        """One frame. `speaking`: the speech goes on."""
        self._recent.append(evidence)
        self._is_played_known |= evidence.audible
        if speaking:
            self._speech.append(evidence)

    def begin(self, frames: int, *, finds_no_echo: bool) -> bool | None:
        """Speech began so many frames ago, the newest among them. Whether it is an echo, by what is known now; None:
        it cannot be told. `finds_no_echo`: the echo path does."""
        self._speech = list(self._recent)[-frames:]
        is_possible = any(each.audible for each in self._speech) or not self._is_played_known
        return None if is_possible and not finds_no_echo else False

    def end(self, frames: int, *, finds_no_echo: bool) -> bool | None:
        """The speech ended so many frames ago. Whether it was an echo, as `begin` has it."""
        speech, self._speech = self._speech[: len(self._speech) - frames], []
        if not self._is_played_known:
            return None
        alone = sum(not each.audible for each in speech)
        if alone >= min(_OUTLASTS, len(speech)) or finds_no_echo:
            return False
        compared = [each.prominence for each in speech if each.prominence is not None]
        following = sum(prominence >= ECHO_PROMINENCE for prominence in compared)
        if len(compared) < _LEAST:
            return None
        if 2 * following >= len(compared):
            return True
        return None if following else False
