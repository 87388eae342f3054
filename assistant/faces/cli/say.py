"""``huiyin say``: text to speech, on the loudspeaker or into a file."""

from __future__ import annotations

import argparse
import sys
import wave
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from huiyin.assistant.clients.launcher import Launcher
from huiyin.assistant.clients.services import Services
from huiyin.assistant.faces.cli.shared import CommandError, UsageError, check_writable, output_file, text_from
from huiyin.assistant.faces.cli.terminal import padded
from huiyin.assistant.ports.devices import Device, find_device, list_devices
from huiyin.assistant.ports.port import DriverError, PortError
from huiyin.assistant.ports.streams import open_stream
from huiyin.configs.messages import said
from huiyin.configs.settings import Settings

FORMATS = {".wav": "wav", ".mp3": "mp3", ".aac": "aac", ".flac": "flac", ".opus": "opus", ".ogg": "opus", ".pcm": "pcm"}
_RATE_HZ = 24_000  # of a .wav or .pcm file: the voices' own
_SAMPLE_BYTES = 2
_GENDER = 6  # columns of a voice's
_TIMEOUT_S = 120.0  # between two pieces of sound; the service may be busy with another caller's long text


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Say it. Returns the exit status."""
    if args.voices:
        with Launcher(settings, args.service_arguments) as launcher:
            launcher.start(["tts"])
            _show_voices(launcher.services)
        return 0
    body: dict[str, Any] = {"input": text_from(args.text), "model": "tts-1"}
    options = {"voice": args.voice, "speed": args.speed, "emotion": args.emotion}
    body.update({name: value for name, value in options.items() if value not in (None, "")})
    # Errors come before a model is loaded.
    form = _format(args.out) if args.out else ""
    device = None if args.out else _loudspeaker(args.output or settings.audio.output_device)
    with Launcher(settings, args.service_arguments) as launcher:
        launcher.start(["tts"])
        if device is None:
            _write(launcher.services, body, form, args.out)
        else:
            _play(launcher.services, body, device, settings.audio.latency_s)
    return 0


def _format(path: Path) -> str:
    if path.suffix.lower() not in FORMATS:
        raise UsageError("cli.unknown_suffix", path=path, suffixes=list(FORMATS))
    check_writable(path)
    return FORMATS[path.suffix.lower()]


def _loudspeaker(name: str) -> Device:
    """The device to play on. Raises CommandError without one."""
    try:
        if name:
            return find_device(name, "output")
        outputs = [device for device in list_devices() if device.outputs]
    except PortError as error:
        raise CommandError("cli.loudspeaker_unusable", error=error) from error
    if not outputs:
        raise CommandError("cli.no_loudspeaker")
    return next((device for device in outputs if device.default_output), outputs[0])


def _write(services: Services, body: dict[str, Any], form: str, path: Path) -> None:
    """Write a whole file. Samples where the file needs its length in front (wav), else the service's own encoding."""
    if form in ("wav", "pcm"):
        body = {**body, "response_format": "pcm", "sample_rate": _RATE_HZ}
    else:
        body = {**body, "response_format": form}
    pieces = services.speech(body, timeout_s=_TIMEOUT_S)
    with output_file(path) as file:
        if form == "wav":
            with wave.open(file, "wb") as header:
                header.setparams((1, _SAMPLE_BYTES, _RATE_HZ, 0, "NONE", ""))
                for piece in pieces:
                    header.writeframesraw(piece)
        else:
            file.writelines(pieces)
    key = "shown.wrote_samples" if form == "pcm" else "shown.wrote"
    print(said(key, path=path, rate=_RATE_HZ), file=sys.stderr)


def _play(services: Services, body: dict[str, Any], device: Device, latency_s: float) -> None:
    """Play it as it comes, at the device's own rate: not every driver converts."""
    body = {**body, "response_format": "pcm", "sample_rate": device.rate_hz}
    pieces = iter(services.speech(body, timeout_s=_TIMEOUT_S))
    first = next(pieces, b"")  # the device is opened when there is something to play
    try:
        stream = open_stream("output", device.number, None, latency=latency_s, rates=[device.rate_hz], block_s=0)
        with closing(stream):
            rest = b""
            for piece in chain([first], pieces):
                data = rest + piece
                whole = len(data) - len(data) % _SAMPLE_BYTES
                stream.write(np.frombuffer(data[:whole], np.int16))
                rest = data[whole:]
            stream.drain()
    except DriverError as error:
        reason = error.facts["reason"]
        raise CommandError("cli.not_played_on", device=device.name, reason=reason) from error


def _show_voices(services: Services) -> None:
    """One line a voice, as in GET /voices."""
    voices = services.get("tts", "/voices", _TIMEOUT_S)["voices"]
    width = max((len(voice["name"]) for voice in voices), default=0)
    genders = {"female": said("shown.female"), "male": said("shown.male")}
    for voice in voices:
        gender = padded(genders.get(voice["gender"], voice["gender"]), _GENDER)
        print(f"{voice['name']:{width}}  {voice['language']:5}  {gender}  {voice['engine']}")
