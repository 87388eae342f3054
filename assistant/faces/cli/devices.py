"""``huiyin devices``: the microphones and loudspeakers of this machine."""

from __future__ import annotations

import argparse
import dataclasses
import json

from huiyin.assistant.faces.cli.shared import CommandError
from huiyin.assistant.faces.cli.terminal import columns, padded
from huiyin.assistant.ports.devices import Device, list_devices
from huiyin.configs.messages import said
from huiyin.configs.settings import Settings

_MANY_CHANNELS = 32  # ALSA's way to say: as many as you like


def run(args: argparse.Namespace, settings: Settings) -> int:
    """List the devices. Returns the exit status. Raises CommandError when there are none."""
    devices = list_devices()
    if args.json:
        print(json.dumps([dataclasses.asdict(device) for device in devices], ensure_ascii=False, indent=2))
    elif devices:
        inputs = [(device, device.inputs, device.default_input) for device in devices if device.inputs]
        _show(said("shown.microphones"), inputs)
        print()
        outputs = [(device, device.outputs, device.default_output) for device in devices if device.outputs]
        _show(said("shown.loudspeakers"), outputs)
    if not devices:
        raise CommandError("cli.no_sound_device")
    return 0


def _show(title: str, rows: list[tuple[Device, int, bool]]) -> None:
    """A line for each (device, channels, whether it is the default)."""
    print(title)
    if not rows:
        print(f"  {said('shown.none')}")
    width = max((columns(device.name) for device, _, _ in rows), default=0)
    for device, channels, is_default in rows:
        star = "*" if is_default else " "
        count = said("shown.any_channels") if channels >= _MANY_CHANNELS else str(channels)
        facts = f"{said('shown.channels', count=count)}  {device.rate_hz:>6} Hz  {device.interface}"
        note = f"  ({device.note})" if device.note else ""
        print(f"{star} {device.number:>2}  {padded(device.name, width)}  {facts}{note}")
