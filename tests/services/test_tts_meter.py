"""The meter of loudness beside the standard's own filters (`tests/support/loudness.py`)."""

from __future__ import annotations

import numpy as np
import pytest

from huiyin.services.tts.meter import Meter
from huiyin.services.tts.sound import RATE
from tests.support.loudness import lufs

_T = np.arange(4 * RATE) / RATE
SOUNDS = {
    "tone": 0.1 * np.sin(2 * np.pi * 997 * _T),
    "low tone": 0.3 * np.sin(2 * np.pi * 60 * _T),
    "speech-like": np.random.default_rng(1).standard_normal(4 * RATE) * 0.05 * (np.sin(2 * np.pi * 1.5 * _T) > 0),
}


@pytest.mark.parametrize("name", SOUNDS)
@pytest.mark.parametrize("piece", [240, 2400, 7000, 4 * RATE])
def test_the_meter_reads_what_the_standard_says_however_the_sound_comes(name: str, piece: int) -> None:
    sound, meter, read = SOUNDS[name].astype(np.float32), Meter(), None
    for start in range(0, len(sound), piece):
        read = meter.push(sound[start : start + piece])
    assert read == pytest.approx(lufs(sound, RATE), abs=0.3)


def test_a_full_scale_tone_has_the_level_that_the_standard_names() -> None:
    assert Meter().push(np.sin(2 * np.pi * 997 * _T).astype(np.float32)) == pytest.approx(-3.01, abs=0.1)


def test_silence_and_less_than_a_reading_have_no_loudness() -> None:
    assert Meter().push(np.zeros(RATE, np.float32)) is None
    assert Meter().push(SOUNDS["tone"][: RATE // 4].astype(np.float32)) is None
    assert Meter().push(np.zeros(0, np.float32)) is None
