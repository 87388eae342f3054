"""The tests' own recogniser: a tiny SenseVoice that was trained on tones (`tests.support.tone_network`)."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from tests.support import DATA, tone_network

WEIGHTS = DATA / "tones.npz"


@functools.cache
def tone_folder() -> Path:
    """A SenseVoice model folder; FunASR loads it, too."""
    return tone_network.folder(WEIGHTS, Path(tempfile.mkdtemp(prefix="huiyin-tones-")) / "sensevoice-tones")
