"""What a Wyoming client is told that there is: the answer to `describe`, which asks no model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wyoming.info import (
    AsrModel,
    AsrProgram,
    Attribution,
    HandleModel,
    HandleProgram,
    Info,
    TtsProgram,
    TtsVoice,
)

from huiyin.configs.version import version

LANGUAGES = ["zh", "en"]
_HUIYIN = Attribution("Huiyin", "https://github.com/huiyin")


def information(kinds: Sequence[str], voices: Sequence[Mapping[str, Any]], model: str) -> Info:
    """`kinds`: of asr, tts, handle. `voices`: as ``GET /voices`` of the speech service lists them; `model`: the name of
    the recogniser's."""
    common = {"attribution": _HUIYIN, "installed": True, "version": version()}

    def named(name: str, description: str) -> dict[str, Any]:
        return {"name": name, "description": description, **common}

    asr = AsrProgram(
        **named("huiyin", "Huiyin's recogniser"),
        models=[AsrModel(**named(model, "what it uses"), languages=LANGUAGES)],
        supports_transcript_streaming=True,
    )
    tts = TtsProgram(
        **named("huiyin", "Huiyin's voices"),
        voices=[
            TtsVoice(**named(voice["name"], voice.get("description") or voice["name"]), languages=_languages(voice))
            for voice in voices
        ],
        supports_synthesize_streaming=True,
    )
    handle = HandleProgram(
        **named("huiyin", "Huiyin, with its tools"),
        models=[HandleModel(**named("huiyin", "the assistant"), languages=LANGUAGES)],
        supports_home_control=True,
    )
    return Info(
        asr=[asr] if "asr" in kinds else [],
        tts=[tts] if "tts" in kinds else [],
        handle=[handle] if "handle" in kinds else [],
    )


def _languages(voice: Mapping[str, Any]) -> list[str]:
    """A voice that speaks Chinese reads English words, too."""
    language = str(voice.get("language") or "en")
    return [language, *(["en"] if language.startswith("zh") else [])]
