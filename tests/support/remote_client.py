"""A client of a remote port, in virtual time: a browser behind a network that delays, reorders, doubles and loses."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.ports.remote import RemotePort
from huiyin.assistant.ports.remote_messages import Clear, End, Message, Pause, Resume, Sound
from huiyin.assistant.ports.tracks import FADE, REWIND

PACKET = 320  # samples: 20 ms
_PLAYED_AT_ONCE = 160  # samples: 10 ms
_REPORT_S = 0.05


class VirtualTime:
    """`Timers` of a test: time passes in `run`."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def after(self, delay_s: float, do: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._due, (self.now + delay_s, self._count, do))

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self._due and self._due[0][0] <= end:
            self.now, _, do = heapq.heappop(self._due)
            do()
        self.now = end


@dataclass(frozen=True)
class Network:
    """Each packet takes `delay_s` and up to `jitter_s` more; some are lost or come twice. `stalls`: (begin, end) in
    seconds between which nothing passes; what waits comes at once afterwards."""

    delay_s: float = 0.02
    jitter_s: float = 0.0
    loss: float = 0.0
    double: float = 0.0
    stalls: Sequence[tuple[float, float]] = ()

    def arrivals(self, sent_s: float, random: np.random.Generator) -> list[float]:
        """When a packet sent then arrives: no, one or two times."""
        if random.random() < self.loss:
            return []
        count = 2 if random.random() < self.double else 1
        times = [sent_s + self.delay_s + random.random() * self.jitter_s for _ in range(count)]
        return [next((end for begin, end in self.stalls if begin <= at < end), at) for at in times]


class Client:
    """Obeys the messages as `remote_messages` says; speaks `voice` into its microphone."""

    def __init__(self, time: VirtualTime, network: Network, seed: int, **options: float) -> None:
        self.port = RemotePort(self.send, **options)
        self.furthest: dict[int, int] = {}
        """Generation -> how far it has been played."""
        self.log: list[tuple[int, int, Pcm16]] = []
        """(generation, position, samples) of everything that was heard."""
        self.sent: list[Message] = []
        self._time, self._network, self._random = time, network, np.random.default_rng(seed)
        self._in_order_s = 0.0  # messages to the client, as those of a WebSocket, overtake each other never
        self._waiting: list[Pcm16] = []
        self._generation = self._at = 0
        self._length: int | None = None
        self._skip_to = 0
        time.after(0.0, self._play)
        time.after(0.0, self._report_now_and_then)

    # -- loudspeaker

    def send(self, message: Message) -> None:
        self.sent.append(message)
        arrival_s = self._time.now + self._network.delay_s + self._random.random() * self._network.jitter_s
        self._in_order_s = max(self._in_order_s, arrival_s)
        self._time.after(self._in_order_s - self._time.now, lambda: self._obey(message))

    def _obey(self, message: Message) -> None:
        match message:
            case Sound(generation=generation, position=position, samples=samples):
                if generation != self._generation:
                    self._generation, self._at, self._skip_to, self._length = generation, 0, 0, None
                    self._waiting = []
                self._waiting.append(samples[max(0, self._skip_to - position) :])
            case Resume(position=position):
                self._at = self._skip_to = max(position, self.furthest.get(self._generation, 0) - REWIND)
                self._waiting = []
            case Pause() | Clear():
                self._take(FADE)
                self._waiting = []
                self._report()
            case End(length=length):
                self._length = length

    def _play(self) -> None:
        self._take(_PLAYED_AT_ONCE)
        if self._at == self._length:
            self._report()
        self._time.after(_PLAYED_AT_ONCE / SAMPLE_RATE, self._play)

    def _take(self, count: int) -> None:
        waiting = np.concatenate([np.zeros(0, np.int16), *self._waiting])
        part, self._waiting = waiting[:count], [waiting[count:]]
        if len(part):
            self.log.append((self._generation, self._at, part))
            self._at += len(part)
            self.furthest[self._generation] = max(self.furthest.get(self._generation, 0), self._at)

    def _report_now_and_then(self) -> None:
        self._report()
        self._time.after(_REPORT_S, self._report_now_and_then)

    def _report(self) -> None:
        generation, at = self._generation, self._at
        delay_s = self._network.delay_s + self._random.random() * self._network.jitter_s
        self._time.after(delay_s, lambda: self.port.played(generation, at))

    # -- microphone

    def speak(self, sound: Pcm16, position: int = 0) -> None:
        """Into the microphone, from now on, in packets of 20 ms; `position`: what the client has counted so far."""
        for begin in range(0, len(sound), PACKET):
            packet = sound[begin : begin + PACKET]
            spoken_s = (begin + len(packet)) / SAMPLE_RATE
            for arrival_s in self._network.arrivals(self._time.now + spoken_s, self._random):
                self._time.after(arrival_s - self._time.now, self._receiving(packet, position + begin))

    def _receiving(self, packet: Pcm16, position: int) -> Callable[[], None]:
        return lambda: self.port.receive(packet, position)
