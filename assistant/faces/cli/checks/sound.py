"""Sound: PortAudio, the echo canceller's library, the devices, and whether the microphone hears anything."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import closing

import numpy as np

from huiyin.assistant.ears.echo import make_echo_path
from huiyin.assistant.faces.cli.checks.check import Check
from huiyin.assistant.ports.devices import Device, Kind, find_device, list_devices, portaudio
from huiyin.assistant.ports.port import DriverError, Pcm16, PortError
from huiyin.assistant.ports.streams import open_stream
from huiyin.configs.messages import Message
from huiyin.configs.settings import Settings

_LISTEN_S = 0.5
_PATIENCE_S = 3.0  # for that half second
_POLL_S = 0.05
_FULL_SCALE = 32768.0
_KINDS: tuple[tuple[Kind, str, str], ...] = (
    ("input", "doctor.no_microphone", "doctor.microphones"),
    ("output", "doctor.no_loudspeaker", "doctor.loudspeakers"),
)


def library(settings: Settings) -> Iterator[Check]:
    """PortAudio."""
    try:
        version = portaudio().get_portaudio_version()[1].partition(", revision")[0]
    except PortError as error:
        yield Check("fail", "doctor.no_portaudio", fix=error.facts["fix"])
    else:
        yield Check("ok", "doctor.portaudio", version=version)


def echo(settings: Settings) -> Iterator[Check]:
    """The library of the echo canceller."""
    if settings.audio.echo == "off":
        yield Check("ok", "doctor.echo_off")
        return
    canceller, warning = make_echo_path(settings.audio.echo)
    if warning:
        yield Check("warn", "doctor.echo_warning", warning=warning)
    else:
        yield Check("ok", "doctor.echo_by", name=canceller.name)


def devices(settings: Settings) -> Iterator[Check]:
    """A microphone and a loudspeaker, and those that the settings name."""
    try:
        all_devices = list_devices()
    except PortError:
        return  # reported by `library`
    names = {"input": settings.audio.input_device, "output": settings.audio.output_device}
    for kind, missing, there in _KINDS:
        usable = [device for device in all_devices if (device.inputs if kind == "input" else device.outputs)]
        if not usable:
            yield Check("warn", missing)
        elif names[kind]:
            try:
                yield Check("ok", there, names=[find_device(names[kind], kind).name])
            except PortError as error:
                yield Check("fail", "doctor.device_unknown", setting=f"audio.{kind}_device", error=error)
        else:
            yield Check("ok", there, names=[_named(d, kind) for d in usable])


def _named(device: Device, kind: Kind) -> str | Message:
    return Message("shown.default_device", name=device.name) if _is_default(device, kind) else device.name


def _is_default(device: Device, kind: Kind) -> bool:
    return device.default_input if kind == "input" else device.default_output


def microphone(settings: Settings) -> Iterator[Check]:
    """Half a second of the microphone: a muted or forbidden one gives exact zeros."""
    try:
        inputs = [device for device in list_devices() if device.inputs]
        if not inputs:
            return  # reported by `devices`
        name = settings.audio.input_device
        device = find_device(name, "input") if name else next((d for d in inputs if d.default_input), inputs[0])
    except PortError:
        return
    try:
        sound = _listen(device)
    except DriverError as error:
        yield Check("fail", "doctor.not_recorded", device=device.name, why=error.facts["reason"])
        return
    if sound is None:
        yield Check("fail", "doctor.delivers_nothing", device=device.name)
    elif not sound.any():
        yield Check("fail", "doctor.zeros", device=device.name)
    else:
        level_dbfs = 20 * math.log10(float(np.sqrt(np.mean((sound / _FULL_SCALE) ** 2))))
        yield Check("ok", "doctor.hears", device=device.name, level_dbfs=level_dbfs)


def _listen(device: Device) -> Pcm16 | None:
    """Half a second, int16 (n,); None when nothing comes. Raises DriverError."""
    blocks: list[Pcm16] = []
    wanted = round(_LISTEN_S * device.rate_hz)
    stream = open_stream(
        "input", device.number, lambda rate: lambda mic: blocks.append(mic.copy()),
        latency="high", rates=[device.rate_hz], block_s=0,
    )  # fmt: skip
    with closing(stream):
        limit = time.monotonic() + _PATIENCE_S
        while sum(map(len, blocks)) < wanted and time.monotonic() < limit:
            time.sleep(_POLL_S)
    return np.concatenate(blocks) if blocks else None
