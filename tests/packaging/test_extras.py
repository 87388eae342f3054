"""Without extras: what needs one says so in a line, with the command that installs it, before anything else happens."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from huiyin.assistant.clients.launcher import Launcher
from huiyin.assistant.clients.services import NAMES, Name
from huiyin.assistant.faces.cli import main
from huiyin.assistant.faces.cli.shared import INTERRUPTED
from huiyin.configs.packages import extras
from huiyin.configs.settings import load
from huiyin.configs.tables import read_table
from huiyin.services.common.app import create_app
from huiyin.services.common.errors import ApiError
from huiyin.services.common.loading import EngineHost
from tests.support import ROOT
from tests.support.service_process import free_port

PROJECT = read_table(ROOT / "pyproject.toml")["project"]
EMBEDDED = [re.match(r"[\w.-]+", line)[0] for line in PROJECT["optional-dependencies"]["embedded"]]  # type: ignore[index]


@pytest.fixture
def without_extras(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after `pip install huiyin`; nothing runs, and nothing is started or fetched."""
    for name in [*EMBEDDED, *extras.FUNASR]:
        monkeypatch.setitem(sys.modules, extras.module_of(name), None)
    for name in NAMES:
        monkeypatch.setenv(f"HUIYIN_{name.upper()}_PORT", str(free_port()))
    monkeypatch.setattr(
        "huiyin.assistant.clients.launcher.Launcher.run", lambda self, name: pytest.fail(f"started {name}")
    )
    monkeypatch.setattr("huiyin.assistant.faces.cli.serve._become", lambda command: pytest.fail(f"ran {command}"))
    monkeypatch.setattr(
        "huiyin.configs.store.model_store.ModelStore.ensure", lambda self, name: pytest.fail(f"fetched {name}")
    )


@pytest.mark.usefixtures("without_extras")
@pytest.mark.parametrize(
    ("typed", "library"),
    [
        ("transcribe README.md", "faster-whisper"),
        ("transcribe README.md --set asr.engine=sensevoice", "kaldi-native-fbank"),
        ("say hello --out hello.wav", "hibari-tts"),
        ("say --voices", "hibari-tts"),
        ("ask hello", "xllamacpp"),
        ("talk --text", "xllamacpp"),
        ("demo --out {folder}", "xllamacpp"),
        ("web --no-open --port 0", "xllamacpp"),
        ("serve all", "xllamacpp"),
        ("serve asr", "faster-whisper"),
        ("serve llm", "xllamacpp"),
        ("serve tts", "hibari-tts"),
        ("models choose", "xllamacpp"),
        ("bench echo", "hibari-tts"),
        ("bench memory", "kaldi-native-fbank"),
        ("simulate {folder}/hello.yaml --depth room --services real", "xllamacpp"),
    ],
)
def test_a_command_says_which_extra_it_needs(
    typed: str, library: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hello.yaml").write_text("turns: [{user: Hello!}]\n")
    monkeypatch.chdir(ROOT)
    assert main.main(typed.format(folder=tmp_path).split()) == 1
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("huiyin: ")]
    assert library in line and line.endswith('pip install "huiyin[embedded]"')


@pytest.mark.usefixtures("without_extras")
def test_a_language_model_elsewhere_needs_none() -> None:
    settings = load(overrides=["llm.upstreams=http://127.0.0.1:11434/v1"], environ={})
    extras.check_installed(["llm"], settings)


@pytest.mark.usefixtures("without_extras")
def test_typing_to_a_language_model_elsewhere_needs_none(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    started: list[str] = []

    def start(self: Launcher, names: Iterable[Name]) -> None:
        started.extend(names)
        raise KeyboardInterrupt

    monkeypatch.setattr(Launcher, "start", start)
    monkeypatch.setattr("huiyin.assistant.faces.cli.talk.list_devices", lambda: [])
    monkeypatch.setenv("HUIYIN_TALK_SESSIONS_DIR", str(tmp_path))
    assert main.main(["talk", "--text", "--set", "llm.upstreams=http://127.0.0.1:11434/v1"]) == INTERRUPTED
    assert started == ["llm"] and "not installed" not in capsys.readouterr().err


@pytest.mark.parametrize("extra", sorted(PROJECT["optional-dependencies"].keys() - {"dev"}))
def test_every_package_of_an_extra_is_installed_by_its_command(extra: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stated = [
        f"{line.rstrip()}{' and' if ';' in line else ';'} extra == '{name}'"
        for name, lines in PROJECT["optional-dependencies"].items()
        for line in lines
    ]
    monkeypatch.setattr(extras, "_requirements", lambda: stated)  # an environment may hold those of yesterday
    for line in PROJECT["optional-dependencies"][extra]:
        name, marker = re.match(r"[\w.-]+", line)[0], line.partition(";")[2]  # type: ignore[index]
        if "3.11" not in marker or sys.version_info >= (3, 11):
            assert extras.commands_for([name])[0] == f'pip install "huiyin[{extra}]"'


def test_funasr_is_installed_as_the_set_up_does_it() -> None:
    (line,) = re.findall(r"--no-deps (funasr==\S+)", (ROOT / "setup.sh").read_text())
    assert extras.commands_for(["funasr"]) == ['pip install "huiyin[funasr]"', f"pip install --no-deps {line}"]


def absent() -> object:
    raise ModuleNotFoundError("No module named 'kaldi_native_fbank'", name="kaldi_native_fbank")


def test_a_service_whose_engine_lacks_a_library_answers_with_the_command() -> None:
    host = EngineHost(absent, name="speech recognition", wait_s=10)
    with pytest.raises(ApiError) as refused:
        host.get()
    assert 'kaldi-native-fbank; run: pip install "huiyin[embedded]"' in str(refused.value)


def test_a_request_that_needs_a_library_is_answered_with_the_command() -> None:
    settings, host = load(environ={}), EngineHost(object, name="x", wait_s=10)
    app = create_app("asr", settings.service, host, max_upload_mb=1, describe=dict)
    app.get("/hotwords")(absent)
    answer = app.test_client().get("/hotwords")
    assert answer.status_code == 501
    assert 'pip install "huiyin[embedded]"' in answer.json["error"]["message"]  # type: ignore[index]


def test_a_library_that_is_broken_is_not_called_missing() -> None:
    error = extras.missing(ImportError("libgomp.so.1: cannot open shared object file", name="ctranslate2"))
    assert "cannot be loaded: libgomp.so.1" in str(error)
