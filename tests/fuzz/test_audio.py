"""Any bytes are sound or an error of ours; nothing else is raised, and no sample is out of range."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from huiyin.services.common.audio import MIN_DURATION_S, decode
from huiyin.services.common.errors import ApiError
from tests.support.fuzzing import for_minutes
from tests.support.media import FREES_TWICE
from tests.support.recordings import damaged, samples

MOST_S = 60.0
REFUSALS = (400, 413, 422)


@pytest.mark.fuzz
@pytest.mark.slow
@pytest.mark.skipif(FREES_TWICE, reason="this PyAV ends the process at a channel layout of the file's own")
def test_a_damaged_recording_is_sound_or_an_error_of_ours(tmp_path: Path) -> None:
    assert len(samples()) > 20
    last = tmp_path / "last"  # stays where FFmpeg ends the process

    def check(data: bytes) -> None:
        last.write_bytes(data)
        try:
            audio = decode(data, max_duration_s=MOST_S)
        except ApiError as error:
            assert error.status in REFUSALS and error.message
        else:
            assert MIN_DURATION_S <= audio.duration_s <= MOST_S
            assert np.isfinite(audio.samples).all() and np.abs(audio.samples).max() <= 1.0

    print(for_minutes(check, damaged()), "recordings")
