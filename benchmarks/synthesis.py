"""Sentences spoken by the TTS service, kept in a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.output import tell
from huiyin.assistant.clients.launcher import Launcher
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Samples
from huiyin.assistant.ports.wav import read_wav, wav_bytes
from huiyin.configs.files import write_whole
from huiyin.configs.settings import Settings
from tests.support.service_process import free_port

_TIMEOUT_S = 120.0


def synthesised(
    settings: Settings, lines: Sequence[tuple[str, str]], folder: Path, arguments: Sequence[str] = ()
) -> list[Samples]:
    """The sound of each (voice, text). An empty voice is the service's own choice.

    A service is started, with these command-line `arguments`, where a line is not in `folder` yet.
    """
    files = [folder / f"{hashlib.sha256(f'{voice}|{text}'.encode()).hexdigest()[:16]}.wav" for voice, text in lines]
    missing = [(line, file) for line, file in zip(lines, files, strict=True) if not file.is_file()]
    if missing:
        tell(f"synthesising {len(missing)} sentences (once) …")
        folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        settings = replace(settings, tts=replace(settings.tts, port=port))
        with Launcher(settings, [*arguments, "--set", f"tts.port={port}"], tell) as launcher:
            launcher.start(["tts"])
            services = launcher.services
            for (voice, text), file in missing:
                sound = services.sound(text, voice, timeout_s=_TIMEOUT_S)
                write_whole(file, wav_bytes(sound, SAMPLE_RATE))
    return [read_wav(file) for file in files]
