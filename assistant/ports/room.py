"""A simulated room: a loudspeaker, a microphone and a user, where there is no sound hardware.

The microphone hears the loudspeaker through a small speaker's distortion, two devices' clocks and a room's response,
the user through another response of the same room, and some noise. Deterministic by seed. `step` advances it by one
block, so that it runs in real time from a thread of its own or as fast as a test calls it.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import numpy as np

from huiyin.assistant.ports import BLOCK, SAMPLE_RATE
from huiyin.assistant.ports.acoustics import BlockFilter, Clocks, distorted, room_response, small_loudspeaker
from huiyin.assistant.ports.delay_line import DelayLine
from huiyin.assistant.ports.port import Exchange, Pcm16, Samples

_FULL_SCALE = 32767.0
_LONGEST_DELAY_S = 1.0


@dataclass(frozen=True)
class RoomSettings:
    """A living room with a small loudspeaker half a metre from the microphone, by default."""

    rt60_s: float = 0.3  # 0.2 a bedroom, 0.6 a bare office
    distance_m: float = 0.5  # loudspeaker to microphone
    user_distance_m: float = 0.5
    delay_ms: float = 60.0  # sound devices and air, loudspeaker to microphone: 20-400
    echo_db: float = -12.0  # the assistant at the microphone, against its own level
    user_db: float = 0.0  # likewise the user
    noise_dbfs: float = -66.0
    drive: float = 0.3  # the loudspeaker's distortion: 0 none, 1 audible
    drift_ppm: float = 0.0  # two devices, two clocks: 10-100
    jitter_ms: float = 0.0  # how far the delay wanders within seconds
    xruns_per_min: float = 0.0  # times the device slips ...
    xrun_ms: tuple[float, float] = (10.0, 20.0)  # ... by so much, either way
    seed: int = 1


class SimulatedRoom:
    """A `Duplex`. `say` puts the user's voice into the room; `recording` is what was heard and played."""

    output_latency_s = 0.0

    def __init__(self, settings: RoomSettings | None = None, *, records: bool = True) -> None:
        """`records` false: there is no recording, which takes 0.5 GB an hour."""
        self._records = records
        self.settings = room = settings or RoomSettings()
        self._rng = np.random.default_rng(room.seed)
        echo = small_loudspeaker(room_response(room.rt60_s, room.distance_m, room.echo_db, self._rng))
        self._echo = BlockFilter(echo, BLOCK)
        self._voice = BlockFilter(room_response(room.rt60_s, room.user_distance_m, room.user_db, self._rng), BLOCK)
        self.clocks = Clocks(
            room.delay_ms,
            drift_ppm=room.drift_ppm,
            jitter_ms=room.jitter_ms,
            xruns_per_min=room.xruns_per_min,
            xrun_ms=room.xrun_ms,
            rng=np.random.default_rng([room.seed, 1]),
        )
        self._wire = DelayLine(round(_LONGEST_DELAY_S * SAMPLE_RATE), BLOCK)
        self._noise = 10 ** (room.noise_dbfs / 20)
        self._lock = threading.Lock()
        self._user: Samples = np.zeros(0, np.float32)
        self._blocks = 0
        self._mic_log: list[Pcm16] = []
        self._speaker_log: list[Pcm16] = []
        self._user_log: list[Samples] = []
        self._exchange: Exchange | None = None
        self._thread: threading.Thread | None = None
        self._running = False

    def now(self) -> float:
        """Seconds of sound since the start."""
        return self._blocks * BLOCK / SAMPLE_RATE

    def say(self, samples: Samples) -> tuple[float, float]:
        """The user speaks (float32, 16 kHz, in [-1, 1]), now or after what they are saying; (start, end) in seconds."""
        with self._lock:
            start = self.now() + len(self._user) / SAMPLE_RATE
            self._user = np.concatenate([self._user, samples.astype(np.float32)])
            return start, start + len(samples) / SAMPLE_RATE

    def connect(self, exchange: Exchange) -> None:
        """Who `step` exchanges blocks with, where time is not to be real (else: `start`)."""
        self._exchange = exchange

    def step(self) -> None:
        """One block of 20 ms."""
        assert self._exchange is not None
        with self._lock:
            voice, self._user = self._user[:BLOCK], self._user[BLOCK:]
        if len(voice) < BLOCK:
            voice = np.pad(voice, (0, BLOCK - len(voice)))
        noise = self._rng.standard_normal(BLOCK).astype(np.float32) * self._noise
        # What the loudspeaker gives off now was handed over earlier; the newest of it in the last step.
        played = self._wire.read(BLOCK, *(delay - BLOCK for delay in self.clocks.advance(BLOCK)))
        echo = self._echo(distorted(played, self.settings.drive))
        user = self._voice(voice)
        mic = (np.clip(echo + user + noise, -1, 1) * _FULL_SCALE).astype(np.int16)
        speaker = self._exchange(mic)
        self._wire.tail.push(speaker.astype(np.float32) / _FULL_SCALE)
        if self._records:
            self._mic_log.append(mic)
            self._speaker_log.append(speaker)
            self._user_log.append(user)
        self._blocks += 1

    def start(self, exchange: Exchange) -> None:
        """Run in real time in a thread of its own."""
        self.connect(exchange)
        self._running = True
        self._thread = threading.Thread(target=self._run, name="room", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End."""
        self._running = False
        if self._thread is not None:
            self._thread.join()

    def check(self) -> None:
        """A simulated room does not die."""

    def recording(self) -> Pcm16:
        """Shape (2, n): microphone in the room; loudspeaker."""
        count = min(len(self._mic_log), len(self._speaker_log))
        if not count:
            return np.zeros((2, 0), np.int16)
        return np.stack([np.concatenate(log[:count]) for log in (self._mic_log, self._speaker_log)])

    def user_at_microphone(self) -> Samples:
        """The user alone, as the microphone heard them: float32 in [-1, 1], shape (n,)."""
        return np.concatenate([np.zeros(0, np.float32), *self._user_log])

    def _run(self) -> None:
        due = time.monotonic()
        while self._running:
            self.step()
            due += BLOCK / SAMPLE_RATE
            time.sleep(max(0.0, due - time.monotonic()))
