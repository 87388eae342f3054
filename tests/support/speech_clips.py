"""Recorded speech for tests: the shared clips where they are, else synthesised English."""

from __future__ import annotations

import csv
import functools
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from tests.support import ROOT

RATE = 16_000
FOLDER = ROOT.parent / "shared" / "speech"


@functools.cache
def english(text: str = "What is the time, please?") -> np.ndarray:
    """Synthesised speech: float32, 16 kHz, peak 0.35, no silence around it."""
    return trimmed(soxr.resample(_voice()(text, seed=0), 24_000, RATE))


@functools.cache
def _voice() -> Any:
    """Loaded once: its lexicons take half a second, a sentence a hundredth."""
    from hibari import Hibari

    return Hibari()


def trimmed(sound: np.ndarray, peak: float = 0.35) -> np.ndarray:
    """`sound` at `peak`, without the silence around it."""
    sound = (sound / np.abs(sound).max() * peak).astype(np.float32)
    loud = np.flatnonzero(np.abs(sound) > peak / 50)
    return sound[loud[0] : loud[-1] + 1]


def recorded() -> list[tuple[Path, str, str]]:
    """(file, language, text) of the shared clips; empty where they are not."""
    manifest = FOLDER / "manifest.tsv"
    if not manifest.is_file():
        return []
    with manifest.open(encoding="utf-8") as file:
        return [(FOLDER / row["file"], row["language"], row["text"]) for row in csv.DictReader(file, delimiter="\t")]
