"""``huiyin enroll``: how the user sounds, so that other voices can be left without an answer."""

from __future__ import annotations

import argparse

from huiyin.assistant.clients.launcher import Launcher
from huiyin.assistant.ears.voiceprint import Voiceprint, voice_file
from huiyin.assistant.faces.cli.shared import CommandError
from huiyin.assistant.ports.capture import MicrophoneSource
from huiyin.assistant.ports.devices import list_devices
from huiyin.assistant.ports.port import DriverError
from huiyin.configs.messages import said
from huiyin.configs.settings import Settings

_RECORDED_S = 12.0  # ten of speech, and a breath
_WANTED_S = 5.0  # of speech, at least
_TIMEOUT_S = 600.0  # the first time the model is fetched
_SAMPLE_BYTES = 2


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Listen, and keep the voice. Returns 0."""
    path = voice_file()
    if args.forget:
        path.unlink(missing_ok=True)
        print(said("voice.forgotten"))
        return 0
    if args.file is None and not any(device.inputs for device in list_devices()):
        raise CommandError("voice.no_microphone")
    sound, kind = b"" if args.file is None else args.file.expanduser().read_bytes(), "application/octet-stream"
    with Launcher(settings, args.service_arguments) as launcher:
        launcher.start(["asr"])
        if args.file is None:
            sound, kind = _recorded(settings, args.device)
        voice = launcher.services.speaker(sound, kind, Voiceprint.of, timeout_s=_TIMEOUT_S).one()
    if voice.speech_s < _WANTED_S:
        raise CommandError("voice.little_speech", speech_s=voice.speech_s, wanted_s=_WANTED_S)
    voice.keep(path)
    print(said("voice.enrolled", path=path))
    return 0


def _recorded(settings: Settings, device: str | None) -> tuple[bytes, str]:
    """(what the microphone hears, its content type)."""
    try:
        source = MicrophoneSource(device or settings.audio.input_device, settings.audio.latency_s)
    except DriverError as error:
        raise CommandError("cli.choose_another_microphone", error=error) from error
    print(said("voice.speak", seconds=_RECORDED_S), flush=True)
    sound = bytearray()
    for block in source.blocks():
        sound += block
        if len(sound) >= _RECORDED_S * source.rate * _SAMPLE_BYTES:
            source.stop()
    return bytes(sound), f"audio/pcm;rate={source.rate}"
