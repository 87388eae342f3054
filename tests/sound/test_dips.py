"""The end of speech by its level."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from huiyin.assistant.ears.echo import CHUNK
from huiyin.assistant.ears.energy import EnergyDrops
from huiyin.assistant.ports import SAMPLE_RATE


def heard(*stretches: tuple[float, float]) -> list[tuple[str, float]]:
    """What is told, and when (seconds), of stretches of noise: (seconds, level in dBFS)."""
    rng = np.random.default_rng(1)
    sound: npt.NDArray[np.float64] = np.concatenate(
        [rng.standard_normal(round(lasts_s * SAMPLE_RATE)) * 32767 * 10 ** (db / 20) for lasts_s, db in stretches]
    )
    dips, told = EnergyDrops(), []
    for at in range(0, len(sound) - CHUNK + 1, CHUNK):
        change = dips.push(sound[at : at + CHUNK].astype(np.int16))
        if change:
            told.append((change[0], (at + CHUNK) / SAMPLE_RATE))
    return told


def test_the_end_of_speech_is_known_within_70_ms() -> None:
    ((change, at_s),) = heard((1.0, -20), (0.5, -66))
    assert change == "dropped"
    assert 1.03 <= at_s <= 1.07


def test_a_closure_of_a_consonant_is_told_and_taken_back() -> None:
    assert [change for change, _ in heard((1.0, -20), (0.08, -66), (0.5, -20))] == ["dropped", "recovered"]


def test_a_shorter_one_is_not_told_of() -> None:
    assert heard((1.0, -20), (0.02, -66), (0.5, -20)) == []


def test_a_soft_syllable_is_no_end() -> None:
    assert heard((1.0, -20), (0.3, -38), (0.3, -22)) == []


def test_a_long_silence_is_told_of_once() -> None:
    assert len(heard((1.0, -20), (3.0, -66))) == 1


def test_silence_from_the_start_is_no_end() -> None:
    assert heard((3.0, -66)) == []
