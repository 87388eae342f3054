"""What a remote client plays, sample for sample with what its microphone hears: the far end of an echo path.

It goes by the samples of the client's microphone and not by the clock: sound and reports share one connection with them,
so that a late packet moves nothing. It begins when sound is sent, always before its echo; how long before is for the
echo path to find, and has only to stay the same. That is what the client's reports are for.
"""

from __future__ import annotations

import numpy as np

from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.ports.remote_messages import Clear, End, Message, Pause, Resume, Sound

LONGEST_LEAD_S = 0.25  # before what the client reports; devices and the room then have 0.35 s of what is searched
_TOLERANCE_S = 0.030  # by which a report may be off: it is made between two packets. So small a jump the path follows
_KEEP_S = 1.0  # of what was given out, to go back to


class FarEnd:
    """`carry` what the loudspeaker sends, tell it what is `reported`, and `take` as much as the microphone gives."""

    def __init__(self) -> None:
        self._generation = 0
        self._sound: Pcm16 = np.zeros(0, np.int16)
        self._start = 0  # the place of its first sample in the reply
        self._at = 0  # the place of the next sample that is taken
        self._is_playing = False
        self._lead: int | None = None  # samples by which `_at` is ahead of the client; None: it has not reported yet

    def carry(self, message: Message) -> None:
        """What the client is sent."""
        match message:
            case Sound(generation=generation, position=position, samples=samples):
                if generation != self._generation or not self._is_playing or position != self._end:
                    self._generation, self._is_playing = generation, True
                    self._start = self._at = position
                    self._sound = self._sound[:0]
                self._sound = np.concatenate([self._sound, samples])
            case Pause() | Clear() if message.generation == self._generation:
                # What the client still plays until it hears of it was taken already: so far ahead this is.
                self._is_playing = False
            case Resume() | End():
                pass  # sound comes, or has come

    def reported(self, generation: int, samples: int) -> None:
        """The client has played so many samples of a reply."""
        if generation != self._generation or not self._is_playing:
            return
        lead = self._at - samples
        if self._lead is None:
            self._lead = min(max(lead, 0), round(LONGEST_LEAD_S * SAMPLE_RATE))
        off = lead - self._lead
        if abs(off) > _TOLERANCE_S * SAMPLE_RATE:
            self._at = min(max(self._at - off, self._start), self._end)

    def take(self, count: int) -> Pcm16:
        """What goes with the next `count` samples of the microphone; silence where nothing is played."""
        out = np.zeros(count, np.int16)
        if self._is_playing:
            begin = self._at - self._start
            part = self._sound[begin : begin + count]
            out[: len(part)] = part
            self._at += len(part)
            old = max(0, self._at - self._start - round(_KEEP_S * SAMPLE_RATE))
            self._sound, self._start = self._sound[old:], self._start + old
        return out

    @property
    def _end(self) -> int:
        return self._start + len(self._sound)
