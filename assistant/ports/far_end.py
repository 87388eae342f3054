"""What a remote client plays, sample for sample with what its microphone hears: the far end of an echo path.

It goes by the samples of the client's microphone and not by the clock: messages and reports share one connection with
them, so that a late packet moves nothing. It does what the client does, only earlier: how much earlier is for the echo
path to find, and has to stay the same. The client's reports say whether it does.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.ports.remote_messages import Clear, Message, Pause, Sound

LONGEST_LEAD_S = 0.1  # ahead of the client: more than packets jitter; a path then finds devices that are 0.5 s late
_TOLERANCE_S = 0.030  # by which a report may be off, as it is made between two packets. A path follows so small a jump
_KEEP_S = 1.0  # of what was taken, to go back to


class FarEnd:
    """`carry` what the loudspeaker sends, tell it what is `reported`, and `take` as much as the microphone gives."""

    def __init__(self) -> None:
        self._coming: deque[tuple[int, Message]] = deque()  # (samples taken when the client has it, message)
        self._taken = 0  # samples
        self._delay = 0  # samples from a message's being sent to its being carried out here
        self._lead: int | None = None  # samples by which the client is later; None: it has not reported yet
        self._generation = 0
        self._sound: Pcm16 = np.zeros(0, np.int16)
        self._start = 0  # the place of its first sample in the reply
        self._at = 0  # the place of the next sample that is taken
        self._is_playing = self._is_fresh = False  # fresh: it has begun, and the client has not reported since

    def carry(self, message: Message) -> None:
        """What the client is sent."""
        self._coming.append((self._taken + self._delay, message))

    def reported(self, generation: int, samples: int) -> None:
        """The client has played so many samples of a reply."""
        if generation != self._generation or not self._is_playing or not samples:
            return
        lead = self._at - samples
        is_first = self._lead is None
        if self._lead is None:
            self._lead = min(max(lead, 0), round(LONGEST_LEAD_S * SAMPLE_RATE))
        off = lead - self._lead
        if self._is_fresh:
            self._is_fresh = False
            self._delay = max(0, self._delay + (off if is_first else off // 2))  # half: one packet may be late
        if abs(off) > _TOLERANCE_S * SAMPLE_RATE:
            self._at = min(max(self._at - off, self._start), self._end)

    def take(self, count: int) -> Pcm16:
        """What goes with the next `count` samples of the microphone; silence where nothing is played."""
        out = np.zeros(count, np.int16)
        at = 0
        while at < count:
            while self._coming and self._coming[0][0] <= self._taken:
                self._carry_out(self._coming.popleft()[1])
            until = min(count, at + self._coming[0][0] - self._taken) if self._coming else count
            if self._is_playing:
                begin = self._at - self._start
                part = self._sound[begin : begin + until - at]
                out[at : at + len(part)] = part
                self._at += len(part)
            self._taken += until - at
            at = until
        return out

    @property
    def _end(self) -> int:
        return self._start + len(self._sound)

    def _carry_out(self, message: Message) -> None:
        match message:
            case Sound(generation=generation, position=position, samples=samples):
                if generation != self._generation or not self._is_playing or position != self._end:
                    self._generation, self._is_playing, self._is_fresh = generation, True, True
                    self._start = self._at = position
                    self._sound = self._sound[:0]
                old = max(0, self._at - self._start - round(_KEEP_S * SAMPLE_RATE))
                self._sound = np.concatenate([self._sound[old:], samples])
                self._start += old
            case Pause() | Clear() if message.generation == self._generation:
                self._is_playing = False
