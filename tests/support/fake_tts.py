"""The text-to-speech service with tones in place of the voices: everything else is real.

``python -m tests.support.fake_tts tts --port 7000``, as ``python -m huiyin.services``.
"""

from __future__ import annotations

import sys
from typing import Any

import huiyin.services.__main__ as program
from huiyin.services.tts import speaker
from huiyin.services.tts.engines.hibari import HibariEngine
from huiyin.services.tts.engines.kokoro import VOICES
from huiyin.services.tts.voice_engine import Engine
from tests.services.test_tts_speaker import Tone

_VOICES = {"hibari": HibariEngine.voices, "kokoro": VOICES}


def load(name: str, settings: Any) -> Engine:
    """See `huiyin.services.tts.voice_engine.load_engine`."""
    return Tone(name, _VOICES[name])


if __name__ == "__main__":
    speaker.load_engine = load
    sys.exit(program.main())
