"""The tests' own recogniser: a tiny SenseVoice that was trained on tones (`services.asr.bench.tones`)."""

from __future__ import annotations

import functools
import tempfile
from pathlib import Path

from services.asr.bench import tones

WEIGHTS = Path(__file__).parent / "data" / "tones.npz"


@functools.cache
def tone_folder() -> Path:
    """A SenseVoice model folder; FunASR loads it, too."""
    return tones.folder(WEIGHTS, Path(tempfile.mkdtemp(prefix="huiyin-tones-")) / "sensevoice-tones")
