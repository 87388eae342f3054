"""The speech-to-text service with the engine of `asr_fakes`: everything is real but what is heard.

``python tests/fake_asr.py asr --port 7000``, as ``python -m services``.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from flask import Flask

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import services.__main__ as program
from configs.settings import ServiceSettings
from services.common.serve import serve


def load(settings: object, find_model: object) -> object:
    """See `services.asr.engine.ENGINES`."""
    from asr_fakes import FakeEngine

    return FakeEngine(workers=2)


def serve_fake(make_app: Callable[[], Flask], settings: ServiceSettings, port: int) -> None:
    """As `serve`."""

    def make() -> Flask:
        # Here and not above: this runs after the server's fork, which native libraries do not survive.
        import asr_fakes

        from services.asr import engine, serving

        engine.ENGINES["whisper"] = f"{Path(__file__).stem}:load"
        serving.load_detectors = lambda *_: asr_fakes.LoudnessDetector  # type: ignore[assignment]
        return make_app()

    serve(make, settings, port)


if __name__ == "__main__":
    program.serve = serve_fake
    sys.exit(program.main())
