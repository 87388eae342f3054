"""The sound devices of this machine, each once, and finding one by what a person calls it.

PortAudio lists a device once for every driver interface (Windows: up to four times), and on Linux adds ALSA's
plugins, which are further names for the same hardware. Here a device stands once, plugins carry a note.
"""

from __future__ import annotations

import operator
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from huiyin.assistant.ports.port import PortError
from huiyin.configs.messages import Message, said

Kind = Literal["input", "output"]
KIND_NAMES: Mapping[Kind, str] = {"input": "ports.input", "output": "ports.output"}

# MME cuts names off here, so that the same device has two names.
_MME_NAME_CHARS = 31

# It takes a device for itself alone and lists every socket of a sound chip; the same devices are there without it.
_HIDDEN_INTERFACES = ("Windows WDM-KS",)

_PLUGINS = {
    "default": "ports.note_default",
    "sysdefault": "ports.note_sysdefault",
    "pulse": "ports.note_pulse",
    "pipewire": "ports.note_pipewire",
    "jack": "ports.note_jack",
    "dmix": "ports.note_dmix",
    "oss": "ports.note_oss",
}
_CONVERTERS = ("samplerate", "speexrate", "lavrate", "upmix", "vdownmix", "speex", "a52", "usbstream")
_SOCKETS = ("front", "rear", "center_lfe", "side", "surround", "iec958", "spdif", "hdmi", "modem", "phoneline")
_WINDOWS_DEFAULTS = ("microsoft sound mapper", "primary sound")


@dataclass(frozen=True)
class Device:
    """A sound device. `number` is PortAudio's; `inputs` and `outputs` count channels; `rate_hz` is its own rate.

    `note` says what the name stands for when it is not hardware of its own.
    """

    number: int
    name: str
    inputs: int
    outputs: int
    rate_hz: int
    interface: str
    default_input: bool = False
    default_output: bool = False
    note: str = ""


def portaudio() -> Any:
    """The sounddevice module. Raises PortError where the PortAudio library is missing, with the fix."""
    try:
        import sounddevice
    except OSError as error:  # the Python package is there, the library is not
        fix = "apt-get install libportaudio2" if sys.platform.startswith("linux") else "pip install -U sounddevice"
        raise PortError("ports.no_portaudio", fix=fix) from error
    return sounddevice


def list_devices() -> list[Device]:
    """All devices, each once, hardware before other names for it. Raises PortError when PortAudio is missing."""
    sounddevice = portaudio()
    try:
        devices, interfaces = sounddevice.query_devices(), sounddevice.query_hostapis()
    except sounddevice.PortAudioError as error:
        raise PortError("ports.not_listed", why=error) from error
    return distinct(devices, interfaces, tuple(sounddevice.default.device))


def distinct(
    devices: Sequence[Mapping[str, Any]], interfaces: Sequence[Mapping[str, Any]], default: Sequence[int]
) -> list[Device]:
    """PortAudio's own list without duplicates. `default` is its (input, output) pair, -1 for no device."""
    everything = _everything(devices, interfaces, default)
    shown = [device for device in everything if device.interface not in _HIDDEN_INTERFACES] or everything
    favourite = next((d.interface for d in shown if d.default_input or d.default_output), "")
    result: list[Device] = []
    # Stable: the interface of the default device first, so that microphone and loudspeaker share one clock.
    for device in sorted(shown, key=lambda d: d.interface != favourite):
        twin = next((i for i, other in enumerate(result) if _same(device, other)), None)
        if twin is None:
            result.append(device)
        else:
            other = result[twin]
            result[twin] = replace(
                other,
                name=max(other.name, device.name, key=len),  # one of them may have been cut off
                default_input=other.default_input or device.default_input,
                default_output=other.default_output or device.default_output,
            )
    return sorted(result, key=lambda device: (bool(device.note), device.number))


def _everything(
    devices: Sequence[Mapping[str, Any]], interfaces: Sequence[Mapping[str, Any]], default: Sequence[int]
) -> list[Device]:
    found = []
    for number, facts in enumerate(devices):
        interface = str(interfaces[facts["hostapi"]]["name"])
        device = Device(
            number=number,
            name=" ".join(str(facts["name"]).split()),  # Windows drivers put line breaks into names
            inputs=int(facts["max_input_channels"]),
            outputs=int(facts["max_output_channels"]),
            rate_hz=round(facts["default_samplerate"]),
            interface=interface,
            default_input=number == default[0],
            default_output=number == default[1],
        )
        if device.inputs or device.outputs:
            found.append(replace(device, note=_note(device)))
    return found


def _note(device: Device) -> str:
    """What a name stands for that is not hardware of its own, or ''."""
    name = device.name.lower()
    if name.startswith(_WINDOWS_DEFAULTS):
        return said("ports.note_default")
    if device.interface != "ALSA" or "(hw:" in name:
        return ""
    if name in _PLUGINS:
        return said(_PLUGINS[name])
    if name.startswith(_CONVERTERS):
        return said("ports.note_converter")
    if name.startswith(_SOCKETS):
        return said("ports.note_socket")
    return said("ports.note_alsa")


def _same(one: Device, other: Device) -> bool:
    """The same device, seen through two driver interfaces."""
    if one.interface == other.interface or (one.inputs > 0, one.outputs > 0) != (other.inputs > 0, other.outputs > 0):
        return False
    if one.note and other.note:
        return one.note == other.note
    short, long = sorted((one.name.lower(), other.name.lower()), key=len)
    return short == long or (len(short) >= _MME_NAME_CHARS and long.startswith(short))


def find_device(text: str, kind: Kind) -> Device:
    """The device meant by `text`: a number, a name, or a part of one that only one has.

    Raises PortError that lists what there is, or what matches when that is several.
    """
    usable = [device for device in list_devices() if _channels(device, kind)]
    if not usable:
        raise PortError("ports.none_here", kind=Message(KIND_NAMES[kind]))
    matches = _by_number(text.strip(), usable, kind) or _by_name(text, usable)
    if len(matches) == 1:
        return matches[0]
    if matches:
        raise PortError("ports.several_devices", name=text, devices=_names(matches))
    raise PortError("ports.no_such_device", kind=Message(KIND_NAMES[kind]), name=text, devices=_names(usable))


def _by_number(text: str, usable: Sequence[Device], kind: Kind) -> list[Device]:
    """The device of PortAudio's number `text`, in digits of any keyboard; also one that is not shown."""
    if not text.isdecimal():
        return []
    number = unicodedata.normalize("NFKC", text).lstrip("0") or "0"
    if shown := [device for device in usable if str(device.number) == number]:
        return shown
    sounddevice = portaudio()
    everything = _everything(sounddevice.query_devices(), sounddevice.query_hostapis(), (-1, -1))
    return [device for device in everything if str(device.number) == number and _channels(device, kind)]


def _by_name(text: str, usable: Sequence[Device]) -> list[Device]:
    """Those meant by a name or a part of one: as it is written, or else with other quotes, dashes, spaces or widths."""
    forms = (str.casefold, _letters)
    for matches in (operator.eq, operator.contains):
        for form in forms:
            wanted = form(text.strip())
            if wanted and (found := [device for device in usable if matches(form(device.name), wanted)]):
                return found
    return []


def _letters(name: str) -> str:
    """The letters and digits of a name: what two keyboards have in common."""
    return "".join(c for c in unicodedata.normalize("NFKC", name).casefold() if c.isalnum())


def _channels(device: Device, kind: Kind) -> int:
    return device.inputs if kind == "input" else device.outputs


def _names(devices: Iterable[Device]) -> str:
    return ", ".join(f"{device.number} {device.name}" for device in devices)
