"""The loudspeaker of a scripted Realtime client: plays what the server sends, block by block, and knows what was heard.

Pure: the caller passes on messages, and asks for a block every 20 ms.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from huiyin.assistant.ports import BLOCK, SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16

AHEAD = 2 * BLOCK  # samples there must be before a reply begins: a packet may be late
_FADE = BLOCK  # when it falls silent: no click


@dataclass
class PlayedReply:
    """A response with sound. Positions are samples from its beginning."""

    number: int  # counts them from 1
    response: str
    item: str
    at: int = 0  # the next sample that is played
    waiting: list[Pcm16] = field(default_factory=list)
    has_begun: bool = False
    is_paused: bool = False
    is_complete: bool = False  # all of its sound has come
    is_over: bool = False  # played to its end, or stopped

    @property
    def left(self) -> int:
        """Samples that have come and were not played."""
        return sum(map(len, self.waiting))

    @property
    def heard_ms(self) -> int:
        """How much of it was played; part of a millisecond counts as one."""
        return math.ceil(self.at * 1000 / SAMPLE_RATE)


class RealtimePlayer:
    """Plays one reply after the other."""

    def __init__(self) -> None:
        self.replies: list[PlayedReply] = []
        self._fading: Pcm16 = np.zeros(0, np.int16)

    def open(self, response: str, item: str) -> PlayedReply:
        """The reply that an item of a response belongs to."""
        for reply in self.replies:
            if reply.item == item:
                return reply
        self.replies.append(PlayedReply(len(self.replies) + 1, response, item))
        return self.replies[-1]

    def of_response(self, response: str) -> PlayedReply | None:
        """The newest reply of a response."""
        return next((reply for reply in reversed(self.replies) if reply.response == response), None)

    @property
    def current(self) -> PlayedReply | None:
        """The first that is not over."""
        return next((reply for reply in self.replies if not reply.is_over), None)

    def pause(self, reply: PlayedReply) -> None:
        """Fall silent, and forget what was not played."""
        if not reply.is_over:
            self._fade(reply)
            reply.is_paused = True

    def resume(self, reply: PlayedReply, position: int) -> None:
        """The sound comes again, from there on."""
        reply.is_paused, reply.at = False, position

    def stop(self, reply: PlayedReply) -> None:
        """Fall silent for good."""
        if not reply.is_over:
            self._fade(reply)
            reply.is_over = True

    def step(self) -> tuple[Pcm16, PlayedReply | None]:
        """20 ms pass: (what is played, shape (BLOCK,); the reply that ended or began with it)."""
        block, fading = np.zeros(BLOCK, np.int16), self._fading
        block[: len(fading)] = fading
        self._fading = fading[:0]
        reply = self.current
        if reply is None or reply.is_paused:
            return block, None
        enough = reply.left >= AHEAD or reply.is_complete
        if not reply.has_begun and not enough:
            return block, None
        begins = not reply.has_begun and reply.left > 0
        reply.has_begun = reply.has_begun or begins
        self._take(reply, block)
        if reply.is_complete and not reply.left:
            reply.is_over = True
        return block, reply if begins or reply.is_over else None

    def _take(self, reply: PlayedReply, block: Pcm16) -> None:
        """Move what is waiting into `block`."""
        count = 0
        while reply.waiting and count < len(block):
            part = reply.waiting[0][: len(block) - count]
            block[count : count + len(part)] = part
            reply.waiting[:1] = [reply.waiting[0][len(part) :]] if len(part) < len(reply.waiting[0]) else []
            count += len(part)
        reply.at += count

    def _fade(self, reply: PlayedReply) -> None:
        sound = np.concatenate([*reply.waiting, np.zeros(0, np.int16)])[:_FADE] if reply.has_begun else np.zeros(0)
        self._fading = (sound * np.linspace(1.0, 0.0, len(sound))).astype(np.int16)
        reply.waiting.clear()
