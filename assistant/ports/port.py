"""What a sound port is: where a conversation's sound comes from and goes to.

A `Port` has two halves. Its `Microphone` gives sound as it comes. Its `Loudspeaker` takes the sound of replies, can
pause, resume and stop, and reports what has been played: a sound card computes that from its latency, a browser tells
it. A device that exchanges sound block by block is a `Duplex`; `ports.local.LocalPort` makes it a port.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from huiyin.configs.errors import HuiyinError

Pcm16 = npt.NDArray[np.int16]  # 16 kHz mono, shape (n,)
Samples = npt.NDArray[np.float32]  # in [-1, 1], as services.common.audio has them

# microphone block of n samples -> n samples for the loudspeaker
Exchange = Callable[[Pcm16], Pcm16]

HeardUntil = tuple[int, int]
"""(samples from the start of a clause's sound, characters of its text that have been said whole by then)."""


class PortError(HuiyinError):
    """The sound device cannot be used (any more)."""


class DriverError(PortError):
    """PortAudio refuses; `facts["reason"]` are its own words."""


@dataclass
class ClauseSpan:
    """Where a clause lies in its reply's sound, in samples; `ended` once no more of it will come."""

    clause: int
    start: int
    end: int
    ended: bool = False
    words: list[HeardUntil] = field(default_factory=list)  # in order, as far as the voice has told

    def characters(self, heard: int) -> int | None:
        """Characters of the clause's text in its words that end within the first `heard` samples of the reply.

        None when the voice does not tell when it says what.
        """
        if not self.words:
            return None
        return max((characters for end, characters in self.words if self.start + end <= heard), default=0)


@dataclass(frozen=True)
class Block:
    """Sound from a port. Blocks follow each other without a gap: their samples are the conversation's clock."""

    mic: Pcm16
    """What the microphone heard, shape (n,)."""
    far_end: Pcm16
    """What the loudspeaker gave off in the same samples, shape (n,); zeros where the port does not know."""


class Timers(Protocol):
    """A conversation's time, virtual or real."""

    @property
    def now(self) -> float:
        """Seconds since the start."""

    def after(self, delay_s: float, do: Callable[[], None]) -> None:
        """Call `do` in the conversation's thread, so many seconds from now."""


class Microphone(Protocol):
    """The half of a port that hears."""

    def start(self, timers: Timers, hear: Callable[[Block], None], reported: Callable[[], None]) -> None:
        """Begin. `hear` gets every block; `reported` is called when playback has been reported, so that `advanced` and
        `finished` of the loudspeaker may have something new. Both from any thread. Raises PortError.
        """

    def stop(self) -> None:
        """End; `hear` and `reported` are not called again. It may be started anew."""

    def check(self) -> None:
        """Raise PortError when it has died since `start`. Called once a second in the conversation's thread."""


class Loudspeaker(Protocol):
    """The half of a port that plays. One reply sounds at a time; a reply is named by its generation, at least 1.

    Clauses of a reply come in order. What comes for a generation that was dropped is not kept.
    """

    def add(self, generation: int, clause: int, samples: Pcm16) -> None:
        """Append sound of a clause."""

    def add_words(self, generation: int, clause: int, words: Sequence[HeardUntil]) -> None:
        """Tell when the next words of a clause are said; before or after their sound."""

    def end_clause(self, generation: int, clause: int) -> None:
        """All of this clause's sound has been added."""

    def open(self, generation: int) -> None:
        """Let this reply out, now and as it comes."""

    def close(self, generation: int) -> None:
        """No more sound will be added."""

    def stop(self, generation: int) -> None:
        """Fade out and say no more of it. `heard` can still be asked."""

    def pause(self, generation: int) -> None:
        """Fade out and keep the rest. More sound may be added."""

    def resume(self, generation: int) -> None:
        """Go on from at most 200 ms before the pause."""

    def drop(self, generation: int) -> None:
        """Forget this reply's sound."""

    def heard(self, generation: int) -> tuple[int, list[ClauseSpan]]:
        """(samples of this reply that have reached the ear, its clauses)."""

    def ahead_s(self, generation: int) -> float:
        """Seconds of this reply's sound that wait to be handed out."""

    def advanced(self) -> tuple[int, int] | None:
        """(generation, clause) whose first sample has been heard since the last call, if any."""

    def finished(self) -> int | None:
        """The generation that has been heard to its end since the last call, if any."""

    @property
    def is_sounding(self) -> bool:
        """Whether sound is being played now."""

    @property
    def has_stopped(self) -> bool:
        """Whether it has long had sound to play and plays none: the rest of the reply will not be heard."""


class Port(Protocol):
    """Where a conversation's sound comes from and goes to."""

    @property
    def loudspeaker(self) -> Loudspeaker:
        """The half that plays."""

    @property
    def microphone(self) -> Microphone:
        """The half that hears."""


class Duplex(Protocol):
    """A microphone and a loudspeaker on one clock, exchanging sound block by block.

    The device owns the rhythm: for every block of the microphone it calls `exchange` and plays what comes back.
    """

    output_latency_s: float
    """Time from `exchange` returning a sample to its being heard."""

    def start(self, exchange: Exchange) -> None:
        """Begin to exchange blocks. `exchange` only copies: it runs in the device's own thread. Raises PortError."""

    def stop(self) -> None:
        """End; `exchange` is not called again."""

    def check(self) -> None:
        """Raise PortError when the device has died since `start`."""
