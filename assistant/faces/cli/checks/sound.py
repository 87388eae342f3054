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
from huiyin.configs.settings import Settings

_LISTEN_S = 0.5
_PATIENCE_S = 3.0  # for that half second
_POLL_S = 0.05
_FULL_SCALE = 32768.0
_OTHER_WAYS = "plug one in; huiyin talk --text and huiyin demo do without"


def library(settings: Settings) -> Iterator[Check]:
    """PortAudio."""
    try:
        yield Check("ok", portaudio().get_portaudio_version()[1].partition(", revision")[0])
    except PortError as error:
        what, _, fix = str(error).rpartition(": ")
        yield Check("fail", what, fix)


def echo(settings: Settings) -> Iterator[Check]:
    """The library of the echo canceller."""
    if settings.audio.echo == "off":
        yield Check("ok", "echo cancellation is switched off")
        return
    canceller, warning = make_echo_path(settings.audio.echo)
    if warning:
        yield Check("warn", warning, "until then: a headset, or --set turns.barge_in=off")
    else:
        yield Check("ok", f"echo cancellation: {canceller.name}")


def devices(settings: Settings) -> Iterator[Check]:
    """A microphone and a loudspeaker, and those that the settings name."""
    try:
        all_devices = list_devices()
    except PortError:
        return  # reported by `library`
    for kind, word, name in (
        ("input", "microphone", settings.audio.input_device),
        ("output", "loudspeaker", settings.audio.output_device),
    ):
        usable = [device for device in all_devices if (device.inputs if kind == "input" else device.outputs)]
        if not usable:
            yield Check("warn", f"no {word}", _OTHER_WAYS)
        elif name:
            try:
                yield Check("ok", f"{word}: {find_device(name, kind).name}")  # type: ignore[arg-type]
            except PortError as error:
                yield Check("fail", f"audio.{kind}_device: {error}", "huiyin devices")
        else:
            names = ", ".join(f"{device.name}{' (default)' if _is_default(device, kind) else ''}" for device in usable)  # type: ignore[arg-type]
            yield Check("ok", f"{word}: {names}")


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
        reason = error.facts["reason"]
        yield Check(
            "fail", f"{device.name} cannot be recorded from: {reason}", "does another program have it for itself?"
        )
        return
    if sound is None:
        yield Check("fail", f"{device.name} delivers no sound at all", "unplug it, plug it in again")
    elif not sound.any():
        yield Check(
            "fail",
            f"{device.name} gives exact zeros: it is muted, or this program may not use it",
            "its switch, the system's mixer, and on macOS and Windows the privacy settings for the microphone",
        )
    else:
        level = 20 * math.log10(float(np.sqrt(np.mean((sound / _FULL_SCALE) ** 2))))
        yield Check("ok", f"{device.name} hears: {level:.0f} dBFS")


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
