"""What a remote loudspeaker sends to its client, and what the client has to do about it.

A client plays one reply at a time. It reports what it has played, in samples of the reply, several times a second and
at once after `Pause`, `Clear` and `End`: only that counts as heard. Positions are samples from the reply's beginning.
"""

from __future__ import annotations

from dataclasses import dataclass

from huiyin.assistant.ports.port import Pcm16


@dataclass(frozen=True)
class Sound:
    """The next sound of a reply: play it after what has been sent before."""

    generation: int
    """The reply. A new one begins with its first `Sound`."""
    position: int
    """Of the first sample. It is where the last `Sound` ended, or what `Resume` has named."""
    samples: Pcm16
    """16 kHz mono, shape (n,)."""


@dataclass(frozen=True)
class Pause:
    """Fade out within 20 ms and forget the sound that has not been played: it will be sent again."""

    generation: int
    """The reply."""


@dataclass(frozen=True)
class Resume:
    """Sound comes again. Play on, fading in, from `position`, or from 200 ms before the furthest sample that has been
    played if that is later: a report may be on its way, and no more than 200 ms are to be said twice.
    """

    generation: int
    """The reply."""
    position: int
    """Of the first sample of the next `Sound`."""


@dataclass(frozen=True)
class Clear:
    """Fade out within 20 ms and forget this reply: no more of it comes."""

    generation: int
    """The reply."""


@dataclass(frozen=True)
class End:
    """All of the reply's sound has been sent; after a later `Resume` its rest comes again, and another `End`."""

    generation: int
    """The reply."""
    length: int
    """Samples of the whole reply: when so many have been played it has been heard to its end."""


Message = Sound | Pause | Resume | Clear | End
