"""Sound devices: each once, named as people name them; and what the doctor says of ports and libraries."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from huiyin.assistant.faces.cli.checks import computer, network
from huiyin.assistant.ports import devices
from huiyin.assistant.ports.devices import distinct, find_device
from huiyin.assistant.ports.port import PortError
from huiyin.configs.settings import load
from huiyin.configs.tables import read_table
from tests.support import ROOT
from tests.support.limits import PATIENCE_S
from tests.support.service_process import free_port
from tests.support.stranger import stranger


def port_audio(*rows: tuple[str, str, int, int]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """PortAudio's lists from (interface, name, inputs, outputs)."""
    interfaces = list(dict.fromkeys(row[0] for row in rows))
    found = [
        {
            "name": name,
            "hostapi": interfaces.index(interface),
            "max_input_channels": inputs,
            "max_output_channels": outputs,
            "default_samplerate": 48000.0,
        }
        for interface, name, inputs, outputs in rows
    ]
    return found, [{"name": name} for name in interfaces]


WINDOWS = port_audio(
    ("MME", "Microsoft Sound Mapper - Input", 2, 0),
    ("MME", "Microphone (Realtek High Defini", 2, 0),
    ("MME", "Headset (USB Audio)", 1, 0),
    ("MME", "Speakers (Realtek High Definiti", 0, 2),
    ("Windows DirectSound", "Primary Sound Capture Driver", 2, 0),
    ("Windows DirectSound", "Microphone (Realtek High Definition Audio)", 2, 0),
    ("Windows WASAPI", "Headset (USB Audio)", 1, 0),
    ("Windows WASAPI", "Speakers (Realtek High Definition Audio)", 0, 2),
    ("Windows WDM-KS", "Mic input with SST (Realtek HD Audio)", 2, 0),
)
LINUX = port_audio(
    ("ALSA", "HDA Intel PCH: ALC257 Analog (hw:0,0)", 2, 2),
    ("ALSA", "sysdefault", 128, 128),
    ("ALSA", "front", 0, 2),
    ("ALSA", "samplerate", 128, 128),
    ("ALSA", "pulse", 32, 32),
    ("ALSA", "default", 32, 32),
    ("ALSA", "Nothing", 0, 0),
)


def test_windows_devices_stand_once_with_their_whole_name() -> None:
    found = distinct(*WINDOWS, (1, 3))
    assert [(device.number, device.name) for device in found] == [
        (1, "Microphone (Realtek High Definition Audio)"),
        (2, "Headset (USB Audio)"),
        (3, "Speakers (Realtek High Definition Audio)"),
        (0, "Microsoft Sound Mapper - Input"),
    ]
    assert [bool(device.note) for device in found] == [False, False, False, True]
    assert [device.number for device in found if device.default_input] == [1]
    assert [device.number for device in found if device.default_output] == [3]


def test_alsa_plugins_come_after_hardware_and_say_what_they_are() -> None:
    found = distinct(*LINUX, (5, 5))
    assert found[0].name == "HDA Intel PCH: ALC257 Analog (hw:0,0)"
    assert [device.note == "" for device in found] == [True, False, False, False, False, False]
    assert "Nothing" not in [device.name for device in found]
    assert next(device for device in found if device.default_input).name == "default"


def test_a_device_is_found_by_number_name_or_a_part_that_only_one_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "list_devices", lambda: distinct(*LINUX, (5, 5)))
    assert find_device("4", "input").name == "pulse"
    assert find_device("alc257", "output").number == 0
    assert find_device("default", "input").number == 5  # the exact name, although 'sysdefault' has it in it
    with pytest.raises(PortError, match=r"could be any of: .*sysdefault.*default"):
        find_device("defau", "input")
    with pytest.raises(PortError, match=r"no sound input 'usb'; there are: 0 HDA"):
        find_device("usb", "input")
    with pytest.raises(PortError, match="no sound input 'front'"):
        find_device("front", "input")  # an output only


def test_without_portaudio_the_fix_is_told(tmp_path: Path) -> None:
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-m", "huiyin.assistant.faces.cli.main", "devices"],
        capture_output=True, text=True, cwd=tmp_path, env={**os.environ, "PYTHONPATH": path}, timeout=PATIENCE_S,
    )  # fmt: skip
    assert done.returncode == 1 and done.stdout == ""
    assert re.fullmatch(r"huiyin: PortAudio.* is missing: .*install.*\n", done.stderr)


def test_the_doctor_knows_every_library_of_the_project() -> None:
    project = read_table(ROOT / "pyproject.toml")["project"]
    extras = project["optional-dependencies"]
    named = [re.match(r"[\w.-]+", line)[0] for line in project["dependencies"] + extras["embedded"]]  # type: ignore[index]
    elsewhere = {"tomli", "sounddevice"}  # by platform; sound has a question of its own
    engines = ("whisper", "sensevoice")
    asked = {
        library
        for engine in engines
        for library in computer.needed(load(overrides=["tts.engine=edge", f"asr.engine={engine}"], environ={}))
    }
    assert set(named) - elsewhere == asked - elsewhere


@pytest.mark.parametrize(("upstream", "level"), [("embedded", "fail"), ("http://127.0.0.1:11434/v1", "warn")])
def test_a_conversation_without_the_library_that_judges_words_is_possible_but_worse(
    monkeypatch: pytest.MonkeyPatch, upstream: str, level: str
) -> None:
    monkeypatch.setitem(computer._MODULES, "xllamacpp", "not_installed")
    found = [check for check in computer.libraries(load(overrides=[f"llm.upstreams={upstream}"], environ={}))]
    assert [check.level for check in found] == [level, "ok"]
    assert ("turns.endpoint_words=never" in found[0].advice) is (level == "warn")


def test_the_doctor_tells_a_free_port_from_one_that_is_taken() -> None:
    free = free_port()
    with stranger() as taken:
        settings = load(overrides=[f"asr.port={free}", f"llm.port={taken}", f"tts.port={free}"], environ={})
        found = list(network.services(settings))
    assert [check.level for check in found] == ["ok", "fail", "ok"]
    assert f"port {taken}, for llm, is taken by" in found[1].what and f"process {os.getpid()}" in found[1].what
    assert "--set llm.port=" in found[1].advice


def test_the_doctor_looks_for_a_language_model_of_ones_own() -> None:
    settings = load(overrides=[f"llm.upstreams=http://127.0.0.1:{free_port()}/v1"], environ={})
    (found,) = network.language_models(settings)
    assert found.level == "fail" and "refused" in found.what.lower()
