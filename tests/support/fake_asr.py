"""The speech-to-text service with the engine of `asr_fakes`: everything else is real.

``python -m tests.support.fake_asr asr --port 7000``, as ``python -m huiyin.services``. With FAKE_ASR_NOTES=FILE each
piece takes a while, or FAKE_ASR_PIECE_S seconds, and is written there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask

import huiyin.services.__main__ as program
from huiyin.configs.settings import ServiceSettings
from huiyin.services.common.serve import serve

NOTES, PIECE_S = "FAKE_ASR_NOTES", "FAKE_ASR_PIECE_S"


def load(settings: object, find_model: object) -> object:
    """See `huiyin.services.asr.recogniser.ENGINES`."""
    from tests.support.asr_fakes import FakeEngine, NotingEngine

    notes = os.environ.get(NOTES)
    piece = {"piece_s": float(os.environ[PIECE_S])} if PIECE_S in os.environ else {}
    engine = NotingEngine(Path(notes), **piece) if notes else FakeEngine(workers=2)
    engine.translates = True
    return engine


def serve_fake(make_app: Callable[[], Flask], settings: ServiceSettings, port: int, **options: Any) -> None:
    """As `serve`."""

    def make() -> Flask:
        from huiyin.services.asr import recogniser, serving
        from tests.support import asr_fakes

        recogniser.ENGINES["whisper"] = "tests.support.fake_asr:load"
        serving.load_detectors = lambda *_: asr_fakes.LoudnessDetector  # type: ignore[assignment]
        return make_app()

    serve(make, settings, port, **options)


if __name__ == "__main__":
    program.serve = serve_fake
    sys.exit(program.main())
