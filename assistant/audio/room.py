"""A simulated room: a loudspeaker, a microphone and a user, where there is no sound hardware.

The microphone hears the loudspeaker through a room response (bulk delay, then an exponentially decaying tail of
noise: the image of a small room), the user through a shorter one, and some noise. Deterministic by seed. `step`
advances it by one block, so that it runs in real time from a thread of its own or as fast as a test calls it.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import numpy as np

from assistant.audio import BLOCK, SAMPLE_RATE
from assistant.audio.ports import Exchange, Floats, Samples

_FULL_SCALE = 32767.0


@dataclass(frozen=True)
class RoomSettings:
    """A living room with a small loudspeaker half a metre from the microphone, by default."""

    rt60_s: float = 0.3
    delay_ms: float = 60.0  # sound device and air, loudspeaker to microphone
    echo_db: float = -14.0  # the assistant at the microphone, against its own level
    user_db: float = 0.0
    noise_dbfs: float = -66.0
    seed: int = 1


def room_response(rt60_s: float, delay_s: float, level_db: float, rng: np.random.Generator) -> Floats:
    """Impulse response of unit direct sound at `level_db`, after `delay_s`; its tail falls 60 dB in `rt60_s`."""
    length = round(rt60_s * SAMPLE_RATE)
    t = np.arange(length) / SAMPLE_RATE
    tail = rng.standard_normal(length) * np.exp(-6.9 * t / rt60_s) * 0.05
    tail[0] = 1.0
    response = np.concatenate([np.zeros(round(delay_s * SAMPLE_RATE)), tail])
    return (response * 10 ** (level_db / 20)).astype(np.float32)


class BlockFilter:
    """Convolution with a long response, one block at a time (overlap-save over the response's length)."""

    def __init__(self, response: Floats, block: int) -> None:
        self._history = np.zeros(len(response) + block - 1, np.float32)
        size = 1 << (len(self._history) + len(response) - 2).bit_length()
        self._size, self._block = size, block
        self._spectrum = np.fft.rfft(response, size)

    def __call__(self, samples: Floats) -> Floats:
        """`block` samples in, as many out."""
        self._history = np.concatenate([self._history[self._block :], samples])
        out = np.fft.irfft(np.fft.rfft(self._history, self._size) * self._spectrum, self._size)
        end = len(self._history)
        return out[end - self._block : end].astype(np.float32)


class SimulatedRoom:
    """An `AudioPort`. `say` puts the user's voice into the room; `recording` is what was heard and played."""

    output_latency_s = 0.0

    def __init__(self, settings: RoomSettings | None = None) -> None:
        self.settings = room = settings or RoomSettings()
        self._rng = np.random.default_rng(room.seed)
        self._echo = BlockFilter(room_response(room.rt60_s, room.delay_ms / 1000, room.echo_db, self._rng), BLOCK)
        self._voice = BlockFilter(room_response(room.rt60_s, 0.0, room.user_db, self._rng), BLOCK)
        self._noise = 10 ** (room.noise_dbfs / 20)
        self._lock = threading.Lock()
        self._user: Floats = np.zeros(0, np.float32)
        self._blocks = 0
        self._spoken: Samples = np.zeros(BLOCK, np.int16)
        self._mic_log: list[Samples] = []
        self._speaker_log: list[Samples] = []
        self._exchange: Exchange | None = None
        self._thread: threading.Thread | None = None
        self._running = False

    def now(self) -> float:
        """Seconds of sound since the start."""
        return self._blocks * BLOCK / SAMPLE_RATE

    def say(self, samples: Floats) -> tuple[float, float]:
        """The user speaks (float32, 16 kHz, in [-1, 1]), now or after what they are saying; (start, end) in seconds."""
        with self._lock:
            start = self.now() + len(self._user) / SAMPLE_RATE
            self._user = np.concatenate([self._user, samples.astype(np.float32)])
            return start, start + len(samples) / SAMPLE_RATE

    def step(self) -> None:
        """One block of 20 ms."""
        assert self._exchange is not None
        with self._lock:
            voice, self._user = self._user[:BLOCK], self._user[BLOCK:]
        voice = np.pad(voice, (0, BLOCK - len(voice)))
        noise = self._rng.standard_normal(BLOCK).astype(np.float32) * self._noise
        echo = self._echo(self._spoken.astype(np.float32) / _FULL_SCALE)
        sound = np.clip(echo + self._voice(voice) + noise, -1, 1)
        mic = (sound * _FULL_SCALE).astype(np.int16)
        self._spoken = self._exchange(mic)
        self._mic_log.append(mic)
        self._speaker_log.append(self._spoken)
        self._blocks += 1

    def start(self, exchange: Exchange) -> None:
        """Run in real time in a thread of its own."""
        self._exchange = exchange
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

    def recording(self) -> Samples:
        """Shape (2, n): microphone in the room; loudspeaker."""
        count = min(len(self._mic_log), len(self._speaker_log))
        if not count:
            return np.zeros((2, 0), np.int16)
        return np.stack([np.concatenate(log[:count]) for log in (self._mic_log, self._speaker_log)])

    def _run(self) -> None:
        due = time.monotonic()
        while self._running:
            self.step()
            due += BLOCK / SAMPLE_RATE
            time.sleep(max(0.0, due - time.monotonic()))
