"""The archive that is transcribed: short recordings and long ones, of which no two are the same."""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.recogniser.recordings import speech, write
from huiyin.services.common.audio import SAMPLE_RATE

_SHORTEST_S, _LONGEST_S = 2.0, 8.0  # of a short recording
_FINEST = 3e-4  # of the loudness: no two recordings are the same


@dataclass(frozen=True)
class Archive:
    """Recordings of `folder`; `halves` are of equal length, for two workers run by hand, each the longest first."""

    folder: Path
    halves: tuple[tuple[Path, ...], ...]
    sound_s: float


def make(folder: Path, short: int, long: int, long_minutes: float, seed: int) -> Archive:
    """The same for the same numbers, byte for byte."""
    chance, content = random.Random(seed), speech()
    folder.mkdir(parents=True, exist_ok=True)
    lengths = [(f"long-{n}", long_minutes * 60) for n in range(long)]
    lengths += [(f"short-{n}", chance.uniform(_SHORTEST_S, _LONGEST_S)) for n in range(short)]
    halves: tuple[list[Path], list[Path]] = ([], [])
    filled_s = [0.0, 0.0]
    for number, (name, length_s) in enumerate(lengths):
        begin = chance.randrange(len(content) - round(_LONGEST_S * SAMPLE_RATE))
        sound = np.roll(content, -begin) * (1 - number * _FINEST)
        path = write(folder / f"{name}.wav", length_s, sound.astype(np.int16))
        half = filled_s.index(min(filled_s))
        halves[half].append(path)
        filled_s[half] += length_s
    return Archive(folder, tuple(map(tuple, halves)), sum(filled_s))
