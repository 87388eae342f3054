"""Replies on their way over a track: the end of a `RemoteLoudspeaker` that lies here, not at the client.

It plays frame by frame, in real time, what the loudspeaker sends. So a reply can be held back, and go on, without the
client's help, and how much of it was heard is known from what was sent.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.ports.remote_messages import Clear, End, Message, Pause, Sound
from huiyin.assistant.ports.tracks import FADE

FRAME_S = 0.020
FRAME = round(FRAME_S * SAMPLE_RATE)  # samples
_CLIENT_S = 0.080  # a client's jitter buffer and its device, before a frame is heard
_MOST_S = 0.300  # a longer way is not believed: the loudspeaker waits for reports no longer than 500 ms


@dataclass(frozen=True)
class _Sent:
    """A frame on its way."""

    heard_s: float  # when it is heard
    generation: int
    end: int  # samples of the reply until its end


class Playout:
    """`frame` is called every `FRAME_S`; all calls in the conversation's thread."""

    def __init__(self) -> None:
        self.played: Callable[[int, int], None] = lambda generation, samples: None
        """Called when so much of a reply has been heard; as `RemoteLoudspeaker.played`."""
        self.drained: Callable[[int], None] = lambda generation: None
        """Called when the last sample of a reply has been given out."""
        self._latency_s = _CLIENT_S
        self._generation = 0
        self._position = 0  # samples of the reply that were given out, or skipped
        self._waiting: deque[Pcm16] = deque()
        self._waits = 0  # samples in it
        self._fade: Pcm16 | None = None
        self._is_whole = False  # no more of it comes
        self._sent: deque[_Sent] = deque()

    def set_delay(self, seconds: float) -> None:
        """The network's, one way, with its jitter: as much is added to the client's own."""
        self._latency_s = min(_CLIENT_S + max(0.0, seconds), _MOST_S)

    def carry(self, message: Message) -> None:
        """What the loudspeaker sends."""
        match message:
            case Sound():
                if message.generation != self._generation or not self._waits:
                    self._generation, self._position, self._is_whole = message.generation, message.position, False
                self._waiting.append(message.samples)
                self._waits += len(message.samples)
            case Pause() | Clear() if message.generation == self._generation:
                self._fade_out()
            case End():
                self._is_whole = message.generation == self._generation

    def frame(self, now_s: float) -> Pcm16:
        """The next 20 ms at 16 kHz, shape (320,): silence where there is nothing to be heard."""
        self._report(now_s)
        out = np.zeros(FRAME, np.int16)
        if self._fade is not None:
            out[: len(self._fade)] = self._fade
            self._fade = None
            return out
        if count := self._read(out):
            self._position += count
            self._sent.append(_Sent(now_s + FRAME_S + self._latency_s, self._generation, self._position))
        if self._is_whole and not self._waits:
            self._is_whole = False
            self.drained(self._generation)
        return out

    def _report(self, now_s: float) -> None:
        heard: _Sent | None = None
        while self._sent and self._sent[0].heard_s <= now_s:
            heard = self._sent.popleft()
        if heard:
            self.played(heard.generation, heard.end)

    def _read(self, out: Pcm16) -> int:
        """Copy what comes next into `out`; how many samples."""
        at = 0
        while at < len(out) and self._waiting:
            chunk = self._waiting.popleft()
            part = chunk[: len(out) - at]
            if len(part) < len(chunk):
                self._waiting.appendleft(chunk[len(part) :])
            out[at : at + len(part)] = part
            at += len(part)
        self._waits -= at
        return at

    def _fade_out(self) -> None:
        """What has not been given out is forgotten, but for a short end. That counts as not heard."""
        end = np.zeros(FADE, np.int16)
        count = self._read(end)
        self._fade = (end[:count] * np.linspace(1, 0, count)).astype(np.int16) if count else None
        self._waiting.clear()
        self._waits, self._is_whole = 0, False
