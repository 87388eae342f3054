"""``huiyin devices``: the microphones and loudspeakers of this machine."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys

from huiyin.assistant.faces.cli.shared import FAILED
from huiyin.assistant.ports.devices import Device, Kind, list_devices
from huiyin.configs.settings import Settings

CHOOSE_ANOTHER = "choose another with --input and --output, `huiyin devices` lists them"
"""What to do about a DriverError, where a command has these options."""

_MANY_CHANNELS = 32  # ALSA's way to say: as many as you like

_ABOUT = """\
Microphones and loudspeakers, each once; `*` marks the default. Their numbers and names, or parts of the names, are
what --input and --output take, and the settings audio.input_device and audio.output_device.

  huiyin devices
  huiyin talk --input 3 --output "USB Audio"
  huiyin devices --json"""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add ``devices``."""
    parser = subparsers.add_parser("devices", description=_ABOUT)
    parser.add_argument("--json", action="store_true", help="for programs")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """List the devices. Returns 0, or 1 when there are none (or no PortAudio: PortError)."""
    devices = list_devices()
    if args.json:
        print(json.dumps([dataclasses.asdict(device) for device in devices], ensure_ascii=False, indent=2))
    elif devices:
        _show("Microphones", "input", devices)
        print()
        _show("Loudspeakers", "output", devices)
    if not devices:
        print(
            "huiyin: no sound device was found. Plug one in, or use `huiyin talk --text` or `huiyin demo`; in a "
            "container, the host's sound must be handed in",
            file=sys.stderr,
        )
        return FAILED
    return 0


def _show(title: str, kind: Kind, devices: list[Device]) -> None:
    print(title)
    usable = [device for device in devices if (device.inputs if kind == "input" else device.outputs)]
    if not usable:
        print("  none")
        return
    width = max(len(device.name) for device in usable)
    for device in usable:
        channels = device.inputs if kind == "input" else device.outputs
        star = "*" if (device.default_input if kind == "input" else device.default_output) else " "
        count = "any" if channels >= _MANY_CHANNELS else str(channels)
        facts = f"{count:>3} ch  {device.rate_hz:>6} Hz  {device.interface}"
        print(f"{star} {device.number:>2}  {device.name:{width}}  {facts}{f'  ({device.note})' if device.note else ''}")
