"""Speech to measure with: synthesised once and kept beside the models, or a folder of recordings."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.echo.scenes import Speech
from benchmarks.sentences import TEXTS
from benchmarks.synthesis import synthesised
from huiyin.assistant.ports.level import at_speech_level
from huiyin.assistant.ports.port import Samples
from huiyin.assistant.ports.wav import WavError, read_wav
from huiyin.configs.settings import Settings


def voices(settings: Settings, arguments: Sequence[str]) -> Speech:
    """The sentences of both sides. `arguments`: of the TTS service, where it must be started."""
    assistant, user = TEXTS["echo"]["assistant"], TEXTS["echo"]["user"]
    folder = settings.store.path.parent / "bench-speech"
    sounds = [at_speech_level(sound) for sound in synthesised(settings, [*assistant, *user], folder, arguments)]
    return Speech(sounds[: len(assistant)], sounds[len(assistant) :])


def recorded(folder: Path) -> list[Samples]:
    """All WAV files of a folder, by name. Raises SystemExit when there are none."""
    files = sorted(folder.glob("*.wav"))
    if not files:
        raise SystemExit(f"there are no .wav files in {folder}")
    try:
        return [sound for sound in (at_speech_level(read_wav(path)) for path in files) if len(sound)]
    except WavError as error:
        raise SystemExit(str(error)) from error
