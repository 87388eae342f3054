"""From microphone blocks to what the turn machine wants to know: when the user speaks, and the sound of it.

Runs in a thread of its own, after the port's callback: echo cancellation, voice activity, and a ring that keeps
the cleaned sound of the last minute and a half so that a turn can be cut out of it by its times.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assistant.audio import SAMPLE_RATE
from assistant.audio.echo import EchoCanceller
from assistant.audio.ports import Samples
from assistant.audio.vad import FRAME, FRAME_S, Frame, SileroVad, SpeechTracker

KEEP_S = 90.0  # longer than the longest turn
PRE_ROLL_S = 0.25  # sound before the onset: voice activity misses the first consonant
POST_ROLL_S = 0.1  # and after the end
_FAR_END_RMS = 80.0  # int16 level above which the assistant counts as audible (-52 dBFS)
_FAR_END_HANG_S = 0.3  # its echo rings on in the room
_QUIET_RMS = 1.0


@dataclass(frozen=True)
class Heard:
    """The user began to speak (`started`) or paused, `at_s` on the clock of the microphone's samples."""

    started: bool
    at_s: float


class SoundRing:
    """The last `KEEP_S` seconds of sound, by time."""

    def __init__(self, keep_s: float = KEEP_S) -> None:
        self._ring: Samples = np.zeros(round(keep_s * SAMPLE_RATE), np.int16)
        self._written = 0  # samples since the start

    def write(self, samples: Samples) -> None:
        """Append."""
        size = len(self._ring)
        samples = samples[-size:]
        at = self._written % size
        head = min(len(samples), size - at)
        self._ring[at : at + head] = samples[:head]
        self._ring[: len(samples) - head] = samples[head:]
        self._written += len(samples)

    def cut(self, start_s: float, end_s: float) -> Samples:
        """The sound between two times; what is too old or has not come yet is left out."""
        start = max(round(start_s * SAMPLE_RATE), self._written - len(self._ring), 0)
        end = min(round(end_s * SAMPLE_RATE), self._written)
        return self._ring[np.arange(start, max(start, end)) % len(self._ring)]


class Listener:
    """Push blocks in, get speech events out. Not thread-safe, but `cut` may be called from another thread."""

    def __init__(self, canceller: EchoCanceller, vad: SileroVad, tracker: SpeechTracker) -> None:
        self._canceller, self._vad, self._tracker = canceller, vad, tracker
        self._mic: Samples = np.zeros(0, np.int16)
        self._far: Samples = np.zeros(0, np.int16)
        self._raw: Samples = np.zeros(0, np.int16)
        self._clean: Samples = np.zeros(0, np.int16)
        self._ring = SoundRing()
        self._at = 0  # samples that went through voice activity
        self._far_end_until = 0

    def cut(self, start_s: float, end_s: float) -> Samples:
        """The cleaned sound of a turn, with a little before and after it."""
        return self._ring.cut(start_s - PRE_ROLL_S, end_s + POST_ROLL_S)

    def push(self, mic: Samples, far_end: Samples) -> list[Heard]:
        """One block: what the microphone heard and what was being played, sample for sample."""
        size = self._canceller.frame
        self._mic = np.concatenate([self._mic, mic])
        self._far = np.concatenate([self._far, far_end])
        while len(self._mic) >= size:
            frame, far, self._mic, self._far = self._mic[:size], self._far[:size], self._mic[size:], self._far[size:]
            if _rms(far) > _FAR_END_RMS:
                self._far_end_until = self._at + len(self._clean) + size + round(_FAR_END_HANG_S * SAMPLE_RATE)
            clean = self._canceller.process(frame, far)
            self._ring.write(clean)
            self._raw = np.concatenate([self._raw, frame])
            self._clean = np.concatenate([self._clean, clean])
        heard: list[Heard] = []
        while len(self._clean) >= FRAME:
            heard += self._voice_activity(self._clean[:FRAME], self._raw[:FRAME])
            self._clean, self._raw = self._clean[FRAME:], self._raw[FRAME:]
        return heard

    def _voice_activity(self, clean: Samples, raw: Samples) -> list[Heard]:
        probability = self._vad(clean.astype(np.float32) / np.float32(32768))
        self._at += FRAME
        passed = _rms(clean) / max(_rms(raw), _QUIET_RMS)
        change = self._tracker.push(Frame(probability, passed, self._at <= self._far_end_until))
        if change is None:
            return []
        kind, frames_ago = change
        return [Heard(kind == "started", max(0.0, self._at / SAMPLE_RATE - frames_ago * FRAME_S))]


def _rms(samples: Samples) -> float:
    return float(np.sqrt(np.mean(np.square(samples.astype(np.float32)))))
