"""From microphone blocks to what the turn machine wants to know: when the user speaks, and the sound of it.

Runs in a thread of its own, after the port's callback: echo cancellation, voice activity, and a ring that keeps
the cleaned sound of the last minute and a half so that a turn can be cut out of it by its times.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from huiyin.assistant.ears.echo import CHUNK, CHUNK_S, Cleaned, onset, rms
from huiyin.assistant.ears.echo.gate import Frame
from huiyin.assistant.ears.echo.witness import EchoWitness, Evidence
from huiyin.assistant.ears.energy import EnergyChange, EnergyDrops
from huiyin.assistant.ears.vad import HANG_S, Change, SileroVad, SpeechTracker
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16, Samples

KEEP_S = 90.0  # longer than the longest turn
PRE_ROLL_S = 0.25  # sound before the onset: voice activity misses the first consonant
POST_ROLL_S = 0.1  # and after the end
_QUIET_RMS = 1.0
_AWAY = 2 * SAMPLE_RATE  # samples of nothing in one block: the device was away, for hours perhaps


@dataclass(frozen=True)
class SpeechChange:
    """The user began to speak, paused, may be beginning, is as quiet as in a pause, or loud again: since `at_s` on the
    clock of the microphone's samples. `echo`: whether speech is the assistant's own, by its sound; None: not known.
    `from_s`: where the sound of speech begins, where it was noticed late."""

    kind: Change | EnergyChange
    at_s: float
    echo: bool | None = None
    from_s: float | None = None


class SoundRing:
    """The last `KEEP_S` seconds of sound, by time."""

    def __init__(self, keep_s: float = KEEP_S) -> None:
        self._ring: Pcm16 = np.zeros(round(keep_s * SAMPLE_RATE), np.int16)
        self._written = 0  # samples since the start

    def write(self, samples: Pcm16) -> None:
        """Append."""
        size = len(self._ring)
        samples = samples[-size:]
        at = self._written % size
        head = min(len(samples), size - at)
        self._ring[at : at + head] = samples[:head]
        self._ring[: len(samples) - head] = samples[head:]
        self._written += len(samples)

    def skip(self, samples: int) -> None:
        """Append so much silence."""
        self._written += max(0, samples - len(self._ring))
        self.write(np.zeros(min(samples, len(self._ring)), np.int16))

    def cut(self, start_s: float, end_s: float) -> Pcm16:
        """The sound between two times; what is too old or has not come yet is left out."""
        start = max(round(start_s * SAMPLE_RATE), self._written - len(self._ring), 0)
        end = min(round(end_s * SAMPLE_RATE), self._written)
        return self._ring[np.arange(start, max(start, end)) % len(self._ring)]


class EchoRemover(Protocol):
    """What takes the assistant's voice out: `EchoPath`."""

    def push(self, mic: Pcm16, far_end: Pcm16) -> Iterable[Cleaned]:
        """Cleaned chunks of what was heard and played."""

    @property
    def finds_no_echo(self) -> bool:
        """Whether it has looked for an echo in vain."""

    def residual_prominence(self, *, realign: bool = True) -> float | None:
        """How much the newest of them still follows the far end; None: not known."""

    def past_levels(self, chunks: int) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
        """Levels of the newest chunks at the microphone, and of what was played as it was due then; None: not known."""


class Listener:
    """Push blocks in, get speech events out. Not thread-safe, but `cut` may be called from another thread."""

    def __init__(self, echo: EchoRemover, vad: SileroVad, tracker: SpeechTracker) -> None:
        self._echo, self._vad, self._tracker, self._rule = echo, vad, tracker, tracker.rule
        self._second_vad, self._energy_drops, self._witness = vad.fork(), EnergyDrops(), EchoWitness()
        self._probabilities: deque[float] = deque(maxlen=onset.LOOKED_AT)
        self._ring = SoundRing()
        self._at = 0  # samples that went through voice activity
        self._pushed = 0  # samples heard
        self._echoes = self._is_alert = False  # the assistant is audible; see `be_alert`

    def cut(self, start_s: float, end_s: float) -> Pcm16:
        """The cleaned sound of a turn, with a little before and after it."""
        return self._ring.cut(start_s - PRE_ROLL_S, end_s + POST_ROLL_S)

    def be_alert(self, *, alert: bool) -> None:
        """Alert, it takes for speech what is half as likely to be, before noise suppression or after: in noise a wake
        phrase must not be missed."""
        self._is_alert = alert
        self._tracker.rule = self._rule.alert if alert else self._rule

    def push(self, mic: Pcm16, far_end: Pcm16) -> list[SpeechChange]:
        """One block: what the microphone heard and what was being played, sample for sample."""
        if len(mic) > _AWAY and not mic.any() and not far_end.any():
            begin, skipped = _AWAY // 2, len(mic) - _AWAY
            before = self.push(mic[:begin], far_end[:begin])
            self._skip(skipped)
            return before + self.push(mic[begin + skipped :], far_end[begin + skipped :])
        changes: list[SpeechChange] = []
        for chunk in self._echo.push(mic, far_end):
            self._ring.write(chunk.near)
            changes += self._voice_activity(chunk)
            self._echoes = chunk.far_end
        self._pushed += len(mic)
        # It looks at the microphone itself, as the echo path gives sound back 32 to 48 ms later.
        dip = self._energy_drops.push(mic)
        if dip and not self._echoes:
            kind, since_s = dip
            at_s = self._pushed / SAMPLE_RATE - since_s
            if self._tracker.speaking:
                changes.append(SpeechChange(kind, at_s))
            elif kind == "recovered":  # the level rises 40 to 100 ms before voice activity is sure
                changes.append(SpeechChange("possible", at_s))
        return changes

    def _skip(self, samples: int) -> None:
        """Only time passes."""
        self._ring.skip(samples)
        self._at += samples
        self._pushed += samples

    def _voice_activity(self, chunk: Cleaned) -> list[SpeechChange]:
        self._at += CHUNK
        probability = self._vad(_floats(chunk.near))
        if self._is_alert and not chunk.far_end:
            probability = max(probability, self._second_vad(_floats(chunk.mic)))
        level = rms(chunk.near)
        frame = Frame(probability, level)
        prominence = None
        if chunk.far_end:
            second = None if chunk.second is None else self._second_vad(_floats(chunk.second))
            may_be_onset = self._tracker.may_be_onset(probability, second)
            if may_be_onset or self._tracker.speaking:
                prominence = self._echo.residual_prominence(realign=may_be_onset)
            frame = Frame(
                probability,
                level,
                pass_ratio=level / max(rms(chunk.mic), _QUIET_RMS),
                far_end=True,
                second=second,
                residual_prominence=prominence or 0.0,
                untrusted=chunk.second is None and not chunk.settled,
            )
        self._probabilities.append(probability)
        self._witness.push(Evidence(chunk.far_end, prominence), speaking=self._tracker.speaking)
        change = self._tracker.push(frame)
        if change is None:
            return []
        kind, frames_ago = change
        if kind == "paused":
            self._probabilities.clear()  # what comes then is not the same speech
        at_s = self._at / SAMPLE_RATE - frames_ago * CHUNK_S - (HANG_S if kind == "paused" else 0.0)
        from_s = self._begins_s(frames_ago) if kind == "started" and chunk.far_end else None
        return [SpeechChange(kind, max(0.0, at_s), self._is_echo(kind, frames_ago), from_s)]

    def _begins_s(self, frames_ago: int) -> float | None:
        """Where the sound of speech begins that was noticed now, but not that long ago."""
        levels = self._echo.past_levels(len(self._probabilities))
        if levels is None:
            return None
        frames = onset.frames_since(frames_ago, self._probabilities, *levels, self._tracker.rule.threshold)
        return self._at / SAMPLE_RATE - frames * CHUNK_S if frames > frames_ago else None

    def _is_echo(self, kind: Change, frames_ago: int) -> bool | None:
        if kind == "possible":
            return None
        find = self._witness.begin if kind == "started" else self._witness.end
        return find(frames_ago, finds_no_echo=self._echo.finds_no_echo)


def _floats(samples: Pcm16) -> Samples:
    return np.asarray(samples / np.float32(32768), np.float32)
