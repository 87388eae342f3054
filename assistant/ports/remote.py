"""A port at the other end of a connection: a browser, a Realtime client.

No threads of its own and no socket: the owner of the connection passes on what comes (`receive`, `played`, `leave`)
and what is to be sent. All calls are made in the conversation's thread; a server that has others goes through its event
loop: `loop.call_soon_threadsafe(port.receive, samples, position)`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from huiyin.assistant.ports.jitter import JitterBuffer
from huiyin.assistant.ports.port import Block, Pcm16, PortError, Timers
from huiyin.assistant.ports.remote_loudspeaker import AHEAD_S, RemoteLoudspeaker
from huiyin.assistant.ports.remote_messages import Message

_SHORTEST_TIMER_S = 0.001  # a timer must not ring before its time for a rounding error


class RemotePort:
    """A `Port` for one client. It takes back its own echo, as browsers do: the far end is silence."""

    def __init__(
        self, send: Callable[[Message], None], *, ahead_s: float = AHEAD_S, assumed_latency_s: float | None = None
    ) -> None:
        """`send` passes a message to the client and does not block; the rest as for `RemoteLoudspeaker`."""
        self._gone = False
        self.loudspeaker = RemoteLoudspeaker(
            lambda message: None if self._gone else send(message),
            ahead_s=ahead_s,
            assumed_latency_s=assumed_latency_s,
        )
        self.microphone = RemoteMicrophone(self.loudspeaker)

    def receive(self, samples: Pcm16, position: int) -> None:
        """A packet of the client's microphone, 16 kHz; `position`: its first sample, by the client's count of samples.

        Packets may come late, out of order, twice or not at all. One that comes before the microphone is started is
        not heard.
        """
        self.microphone.receive(samples, position)

    def played(self, generation: int, samples: int) -> None:
        """The client reports how much of a reply it has played: samples from its beginning."""
        self.loudspeaker.played(generation, samples)

    def leave(self) -> None:
        """The client has gone, for good: nothing more is sent, and the microphone's `check` fails."""
        self._gone = True
        self.microphone.gone = True


class RemoteMicrophone:
    """A `Microphone`: what comes is put in order by a jitter buffer. While nothing comes it gives silence."""

    def __init__(self, loudspeaker: RemoteLoudspeaker) -> None:
        self.gone = False
        """The client has gone."""
        self._loudspeaker = loudspeaker
        self._timers: Timers | None = None
        self._hear: Callable[[Block], None] | None = None
        self._buffer = JitterBuffer(0.0)
        self._wake_s = float("inf")  # the next timer's time

    def start(self, timers: Timers, hear: Callable[[Block], None], reported: Callable[[], None]) -> None:
        """As `Microphone.start`. Raises PortError when the client has gone."""
        self.check()
        self._timers, self._hear, self._wake_s = timers, hear, float("inf")
        self._buffer = JitterBuffer(timers.now)
        self._loudspeaker.start(timers, reported)
        self._set_timer(timers)

    def stop(self) -> None:
        """As `Microphone.stop`."""
        self._timers = self._hear = None
        self._loudspeaker.halt()

    def check(self) -> None:
        """As `Microphone.check`."""
        if self.gone:
            raise PortError("ports.client_gone")

    def receive(self, samples: Pcm16, position: int) -> None:
        """As `RemotePort.receive`."""
        if self._timers is not None:
            self._give(self._buffer.push(samples, position, self._timers.now))

    def _give(self, samples: Pcm16) -> None:
        if len(samples) and self._hear is not None:
            self._hear(Block(samples, np.zeros_like(samples)))
        if self._timers is not None:  # `hear` may have stopped it
            self._set_timer(self._timers)

    def _set_timer(self, timers: Timers) -> None:
        if self._buffer.wake_s < self._wake_s:
            self._wake_s = self._buffer.wake_s
            delay_s = max(_SHORTEST_TIMER_S, self._wake_s - timers.now)
            timers.after(delay_s, partial(self._wake, self._buffer, self._wake_s))

    def _wake(self, buffer: JitterBuffer, wake_s: float) -> None:
        """Give what has become due. A timer that another has overtaken does nothing."""
        if self._timers is not None and buffer is self._buffer and wake_s == self._wake_s:
            self._wake_s = float("inf")
            self._give(buffer.pull(self._timers.now))
