"""A remote microphone behind a connection that keeps order and loses nothing, such as a WebSocket.

Every sample that the client sends is heard, however it comes: sound that comes faster than it was spoken (a recording,
or what a connection kept back) waits its turn. While nothing comes there is silence, so that a turn can end. Jitter
and loss are for `ports.remote`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.far_end import FarEnd
from huiyin.assistant.ports.port import Block, Pcm16, PortError, Timers
from huiyin.assistant.ports.remote_loudspeaker import RemoteLoudspeaker
from huiyin.assistant.ports.remote_messages import Message

STALL_S = 1.0  # a microphone that sends nothing for so long is silent
_TICK_S = 0.05  # what waits, and silence, is given out so often
_AHEAD_S = 0.1  # sound may come so much sooner than it was spoken before it waits: packets come in pairs
_CATCH_UP = 1.25  # times real time: what waits is given out so fast
_GAPS = 1000  # of which it is remembered where they were


class StreamPort:
    """A `Port` for one client: `receive` takes its sound, in the conversation's thread."""

    def __init__(self, loudspeaker: RemoteLoudspeaker) -> None:
        self.loudspeaker = loudspeaker
        self.microphone = StreamMicrophone(loudspeaker)

    def follow_echo(self, has_echo: bool) -> None:
        """From now on blocks have a far end; or silence in its place, where the client has taken its echo out."""
        if has_echo != (self.microphone.far_end is not None):
            self.microphone.far_end = FarEnd() if has_echo else None

    def carry(self, message: Message) -> None:
        """What the loudspeaker sends: the far end is made of it."""
        if self.microphone.far_end:
            self.microphone.far_end.carry(message)

    def played(self, generation: int, samples: int) -> None:
        """The client reports how much of a reply it has played: samples from its beginning."""
        if self.microphone.far_end:
            self.microphone.far_end.reported(generation, samples)
        self.loudspeaker.played(generation, samples)


class StreamMicrophone:
    """A `Microphone`. Its blocks are the client's sound and, where there was none, silence."""

    def __init__(self, loudspeaker: RemoteLoudspeaker) -> None:
        self._loudspeaker = loudspeaker
        self.far_end: FarEnd | None = None
        """None: silence."""
        self._timers: Timers | None = None
        self._hear: Callable[[Block], None] = lambda block: None
        self._waiting: deque[Block] = deque()
        self._waits = 0  # samples in it
        self._given = 0  # samples given out, with silence
        self._budget = 0.0  # samples that may be given out at `_at_s`: what the stream is behind real time
        self._at_s = 0.0
        self._is_behind = False  # sound waits for its turn
        self._is_silent = False  # silence is being given out
        self._run = 0  # numbers the times it was started
        self._gaps: deque[_Gap] = deque(maxlen=_GAPS)

    def start(self, timers: Timers, hear: Callable[[Block], None], reported: Callable[[], None]) -> None:
        """As `Microphone.start`."""
        self._timers, self._hear = timers, hear
        self._at_s, self._budget = timers.now, _AHEAD_S * SAMPLE_RATE
        self._loudspeaker.start(timers, reported)
        self._run += 1
        run = self._run
        timers.after(_TICK_S, lambda: self._tick(run))

    def stop(self) -> None:
        """As `Microphone.stop`."""
        self._timers, self._hear = None, lambda block: None
        self._loudspeaker.halt()

    def check(self) -> None:
        """As `Microphone.check`: a connection says itself that it is gone."""
        if self._timers is None:
            raise PortError("ports.client_gone")

    @property
    def waiting_s(self) -> float:
        """Sound that waits to be heard."""
        return self._waits / SAMPLE_RATE

    def receive(self, samples: Pcm16) -> None:
        """The client's next sound, 16 kHz, shape (n,)."""
        self._waiting.append(self._block(samples))
        self._waits += len(samples)
        self._is_silent = False
        self._pump()

    def forget(self) -> None:
        """What waits is not heard."""
        self._waiting.clear()
        self._waits = 0

    def sent_s(self, at_s: float) -> float:
        """Seconds of the client's sound before the time `at_s` of the conversation."""
        at = round(at_s * SAMPLE_RATE)
        gap = next((gap for gap in reversed(self._gaps) if gap.start <= at), _Gap(0, 0, 0))
        return (at - gap.before - (min(at, gap.end) - gap.start)) / SAMPLE_RATE

    def _pump(self) -> None:
        """Give out what may be by now."""
        if self._timers is None:
            return
        pace = _CATCH_UP if self._is_behind else 1.0
        self._budget += (self._timers.now - self._at_s) * pace * SAMPLE_RATE
        self._budget = min(self._budget, (STALL_S + _AHEAD_S) * SAMPLE_RATE)
        # The clock stands still until what was given out has caught up with it: that much may always be.
        self._budget = max(self._budget, self._timers.now * SAMPLE_RATE - self._given)
        while self._waiting and self._budget >= 1:
            block, now = self._waiting.popleft(), int(self._budget)
            if now < len(block.mic):
                self._waiting.appendleft(Block(block.mic[now:], block.far_end[now:]))
                block = Block(block.mic[:now], block.far_end[:now])
            self._waits -= len(block.mic)
            self._give(block)
        self._is_behind = bool(self._waiting)
        if self._timers is not None:  # `hear` may have stopped it
            self._at_s = self._timers.now  # which may be the clock of what was given out

    def _block(self, mic: Pcm16) -> Block:
        far_end = self.far_end.take(len(mic)) if self.far_end else np.zeros_like(mic)
        return Block(mic, far_end)

    def _give(self, block: Block) -> None:
        self._given += len(block.mic)
        self._budget -= len(block.mic)
        self._hear(block)

    def _tick(self, run: int) -> None:
        if self._timers is None or run != self._run:
            return
        self._pump()
        self._is_silent &= not self._waits
        if not self._waits and self._budget >= (_AHEAD_S if self._is_silent else STALL_S) * SAMPLE_RATE:
            self._fill(int(self._budget))
        if self._timers is not None:
            self._timers.after(_TICK_S, lambda: self._tick(run))

    def _fill(self, silence: int) -> None:
        start = self._given
        if self._gaps and self._gaps[-1].end == start:
            self._gaps[-1].end += silence
        else:
            total = self._gaps[-1].before + self._gaps[-1].end - self._gaps[-1].start if self._gaps else 0
            self._gaps.append(_Gap(start, start + silence, total))
        self._is_silent = True
        self._give(self._block(np.zeros(silence, np.int16)))
        if self._timers is not None:
            self._at_s = self._timers.now


@dataclass
class _Gap:
    """Silence in place of sound, in samples given out; `before`: how much of it there had been before."""

    start: int
    end: int
    before: int
