"""Sound devices: each once, named as people name them; and what the doctor says of ports and libraries."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from huiyin.assistant.faces.cli.checks import computer, network
from huiyin.assistant.ports import devices
from huiyin.assistant.ports.devices import distinct, find_device
from huiyin.assistant.ports.port import PortError
from huiyin.configs.packages.extras import MODULES
from huiyin.configs.settings import load
from huiyin.configs.tables import read_table
from tests.support import ROOT
from tests.support.limits import PATIENCE_S
from tests.support.service_process import free_port
from tests.support.stranger import stranger
from tests.support.stub_upstream import Stub


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


NAMED = port_audio(
    ("Core Audio", "Lina’s iPhone", 1, 0),
    ("Core Audio", "Desk — Mic (front)", 1, 0),
    ("Core Audio", "²", 1, 0),
    ("Core Audio", "麦克风（USB）", 1, 0),
    ("Core Audio", "Take 2000", 1, 0),
    ("Core Audio", "Straße 1", 1, 0),
    ("Core Audio", "Card (hw:1,0)", 1, 0),
    ("Core Audio", "Card (hw:10,3)", 1, 0),
)


def there_are(monkeypatch: pytest.MonkeyPatch, lists: tuple[list[dict[str, Any]], list[dict[str, Any]]]) -> None:
    """The devices of `lists`, in place of this machine's."""
    system = SimpleNamespace(
        query_devices=lambda: lists[0],
        query_hostapis=lambda: lists[1],
        default=SimpleNamespace(device=(-1, -1)),
        PortAudioError=OSError,
    )
    monkeypatch.setattr(devices, "portaudio", lambda: system)


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("Lina's iPhone", 0), ("LINA`S IPHONE", 0), ("linas iphone", 0), ("Lina\u2019s\u00a0iPhone ", 0),
        ("desk - mic (front)", 1), ("Desk–Mic", 1), ("desk mic front", 1),
        ("²", 2), ("3", 3), ("３", 3), ("03", 3), ("麦克风(usb)", 3), ("麦克风 USB", 3), ("2000", 4), ("STRASSE", 5),
        ("hw:1,0", 6), ("hw:10", 7), ("hw 10 3", 7),
    ],
)  # fmt: skip
def test_a_name_is_found_as_another_keyboard_writes_it(
    typed: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    there_are(monkeypatch, NAMED)
    assert find_device(typed, "input").number == number


@pytest.mark.parametrize("typed", ["'", "9" * 5000, "99", "½", "mic³"])
def test_a_name_that_no_device_has_is_answered_with_those_there_are(
    typed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    there_are(monkeypatch, NAMED)
    with pytest.raises(PortError, match=r"no sound input|could be any of"):
        find_device(typed, "input")


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
    monkeypatch.setitem(MODULES, "xllamacpp", "not_installed")
    found = [check for check in computer.libraries(load(overrides=[f"llm.upstreams={upstream}"], environ={}))]
    assert [check.level for check in found] == [level, "ok"]
    assert ("turns.endpoint_words=never" in found[0].hint()) is (level == "warn")


def test_the_doctor_tells_a_free_port_from_one_that_is_taken() -> None:
    free = free_port()
    with stranger() as taken:
        settings = load(overrides=[f"asr.port={free}", f"llm.port={taken}", f"tts.port={free}"], environ={})
        found = list(network.services(settings))
    assert [check.level for check in found] == ["ok", "fail", "ok"]
    assert f"port {taken}, for llm, is taken by" in found[1].text() and f"process {os.getpid()}" in found[1].text()
    assert "--set llm.port=" in found[1].hint()


def test_the_doctor_looks_for_a_language_model_of_ones_own() -> None:
    settings = load(overrides=[f"llm.upstreams=http://127.0.0.1:{free_port()}/v1"], environ={})
    (found,) = network.language_models(settings)
    assert found.level == "fail" and found.text().endswith("connection refused")


@pytest.mark.parametrize("given", ["", "/v1", "/v1/chat/completions", "/openai/v1", "/v1?api-version=1"])
def test_the_doctor_asks_it_where_the_service_does(given: str) -> None:
    with Stub("model-a") as stub:
        stub.at = "/openai/v1" if "openai" in given else "/v1"
        origin = stub.url.removesuffix("/v1")
        (found,) = network.language_models(load(overrides=[f"llm.upstreams={origin}{given}"], environ={}))
    assert found.level == "ok" and found.text() == f"language model at {origin}{given}: model-a"
    assert stub.seen[-1].path.partition("?")[2] == given.partition("?")[2]


def test_the_doctor_says_what_is_wrong_with_an_address_that_the_service_refuses() -> None:
    (found,) = network.language_models(load(overrides=["llm.upstreams=http://h/v1?key=1"], environ={}))
    assert found.level == "fail" and "HUIYIN_LLM_API_KEY" in found.text()


def test_the_doctor_does_not_take_a_page_for_a_language_model() -> None:
    with Stub("model-a") as stub:
        stub.at, stub.elsewhere = "/nowhere", lambda answer: answer.whole({"hello": "world"})
        (found,) = network.language_models(load(overrides=[f"llm.upstreams={stub.url}"], environ={}))
    assert found.level == "fail" and found.text().endswith("it does not list its models")
