"""The speech-to-text service with the engine of `asr_fakes`: everything is real but what is heard.

``python tests/fake_asr.py asr --port 7000``, as ``python -m services``.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import asr_fakes

from services.__main__ import main
from services.asr import engine, serving


def load(settings: object, find_model: object) -> asr_fakes.FakeEngine:
    """See `services.asr.engine.ENGINES`."""
    return asr_fakes.FakeEngine(workers=2)


if __name__ == "__main__":
    engine.ENGINES["whisper"] = "fake_asr:load"
    serving.load_detectors = lambda *_: asr_fakes.LoudnessDetector  # type: ignore[assignment]
    sys.exit(main())
