"""Small stand-ins for the models of the speech-to-text service; their results come from the sound."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from huiyin.services.asr.recogniser import Hints, OutOfMemory, Recognition, Segment
from huiyin.services.common.audio import SAMPLE_RATE, Samples

_FRAME = 320
_LOUD = 0.02
_SECONDS = re.compile(r"0\.\d+")
_PIECE_S = 0.02  # that a piece takes where it can be killed meanwhile


def speech(*lengths_s: float, gap_s: float = 0.6, quiet: float = 0.001) -> Samples:
    """Noise as loud as speech: spans of these lengths, a quiet gap after each."""
    rng = np.random.default_rng(0)
    parts = []
    for length_s in lengths_s:
        parts.append(rng.uniform(-0.3, 0.3, round(length_s * SAMPLE_RATE)))
        parts.append(rng.uniform(-quiet, quiet, round(gap_s * SAMPLE_RATE)))
    return np.concatenate(parts).astype(np.float32)


class LoudnessDetector:
    """Takes what is loud for speech. See `huiyin.services.asr.signal.detector.SpeechDetector`."""

    name, frame_s, threshold = "loudness", _FRAME / SAMPLE_RATE, 0.5

    def __init__(self) -> None:
        self._held = np.empty(0, np.float32)

    def push(self, samples: Samples) -> Samples:
        held = np.concatenate([self._held, samples])
        whole = len(held) // _FRAME * _FRAME
        self._held = held[whole:]
        return (np.abs(held[:whole]).reshape(-1, _FRAME).max(axis=1, initial=0.0) > _LOUD).astype(np.float32)


def fingerprint(samples: Samples) -> str:
    """FakeEngine's text for a piece: another one for any other sample."""
    return hashlib.sha256(samples.tobytes()).hexdigest()[:12]


class FakeEngine:
    """Recognises in each piece one segment over its loud part, whose text comes from its samples.

    `memory_s`: more seconds in one call, padding included, raise OutOfMemory. `work` runs inside each call; a prompt is
    the seconds that the call takes, where it is such a number.
    """

    model, device, languages, uses_hotwords, translates = "fake", "cpu", ("en", "zh"), False, False
    max_piece_s = 28.0

    def __init__(
        self,
        *,
        batch_s: float = 0.0,
        workers: int = 1,
        memory_s: float = float("inf"),
        work: Callable[[], object] = lambda: None,
    ) -> None:
        self.batch_s, self.workers, self.memory_s, self.work = batch_s, workers, memory_s, work
        self.batches: list[list[float]] = []
        """Seconds of each piece of each call that went well."""
        self.most_at_once = 0
        self._inside = 0
        self._lock = threading.Lock()

    def recognise(self, pieces: Sequence[Samples], hints: Hints) -> list[Recognition]:
        lengths_s = [len(piece) / SAMPLE_RATE for piece in pieces]
        assert min(lengths_s) >= 0.05 and max(lengths_s) <= self.max_piece_s
        with self._lock:
            self._inside += 1
            self.most_at_once = max(self.most_at_once, self._inside)
        try:
            if _SECONDS.fullmatch(hints.prompt):
                time.sleep(float(hints.prompt))
            self.work()
            if len(pieces) * max(lengths_s) > self.memory_s:
                raise OutOfMemory("too much")
            with self._lock:
                self.batches.append(lengths_s)
            return [_recognised(piece) for piece in pieces]
        finally:
            with self._lock:
                self._inside -= 1


class NotingEngine(FakeEngine):
    """Notes each piece that it has recognised as a line of a file, which outlives its process."""

    def __init__(self, notes: Path, piece_s: float = _PIECE_S) -> None:
        """`piece_s`: what each takes."""
        super().__init__(work=lambda: time.sleep(piece_s))
        self._notes = notes

    def recognise(self, pieces: Sequence[Samples], hints: Hints) -> list[Recognition]:
        recognitions = super().recognise(pieces, hints)
        with self._notes.open("a") as notes:
            notes.write("".join(f"{fingerprint(piece)}\n" for piece in pieces))
        return recognitions


def _recognised(samples: Samples) -> Recognition:
    loud = np.flatnonzero(np.abs(samples) > _LOUD)
    if not len(loud):
        return Recognition(())
    edges = int(loud[0]) / SAMPLE_RATE, (int(loud[-1]) + 1) / SAMPLE_RATE
    return Recognition((Segment(*edges, fingerprint(samples), "en", 0.5),))
