"""The command line as a newcomer meets it: help, typing mistakes, wrong arguments, nothing running."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from huiyin.assistant.clients.services import NAMES
from huiyin.assistant.faces.cli import bench, main, say, transcribe
from huiyin.assistant.faces.cli.shared import CommandError, output_file
from huiyin.assistant.scenario.script import DEPTHS
from huiyin.configs import messages
from huiyin.configs.settings import sections
from tests.support import ROOT
from tests.support.limits import PATIENCE_S
from tests.support.service_process import free_port
from tests.support.stranger import stranger

HUIYIN = [sys.executable, "-m", "huiyin.assistant.faces.cli.main"]


@pytest.fixture(autouse=True)
def own_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Free ports, here and in child processes; no settings from the environment."""
    for name in [name for name in os.environ if name.startswith("HUIYIN_") and "_STORE_" not in name]:
        monkeypatch.delenv(name)
    for name in NAMES:
        monkeypatch.setenv(f"HUIYIN_{name.upper()}_PORT", str(free_port()))


@pytest.fixture
def no_launch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starting a service is a failure."""
    monkeypatch.setattr(
        "huiyin.assistant.clients.launcher.Launcher.start", lambda self, names: pytest.fail(f"started {names}")
    )


def complaint(capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on standard error; nothing is on standard output."""
    printed = capsys.readouterr()
    assert printed.out == ""
    assert re.fullmatch(r"huiyin: [^\n]+\n", printed.err), printed.err
    return printed.err


# -- help ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_explains_itself_with_an_example(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main([name, "--help"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith(f"usage: huiyin {name}")
    assert f"\n  huiyin {name}" in printed.out
    assert "--set SECTION.KEY=VALUE" in printed.out and "--profile" in printed.out
    assert printed.err == ""


def test_help_lists_the_commands_and_no_command_is_a_mistake(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["--help"]) == 0
    listed = capsys.readouterr().out
    assert all(f"\n  {name} " in listed for name in main.COMMANDS)
    assert main.main([]) == 2
    assert capsys.readouterr().out == listed


def test_the_choices_of_the_help_are_those_of_the_code() -> None:
    def choices(command: str, argument: str) -> list[str]:
        return list(main.COMMANDS[command]["arguments"][argument]["choices"])

    assert choices("simulate", "--depth") == list(DEPTHS)
    assert choices("transcribe", "--format") == list(transcribe.SUFFIXES)
    assert choices("serve", "service") == [*NAMES, "web", "wyoming", "all"]
    assert choices("bench", "what") == ["agent", *bench.MODULES]
    assert ", ".join(say.FORMATS) in main.COMMANDS["say"]["arguments"]["--out"]["help"]
    assert ", ".join(sections()) in main.COMMANDS["settings"]["arguments"]["section"]["help"]


def test_the_first_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from huiyin.assistant.faces.cli.main import main; main(['--help']);"
        "print([m for m in ('numpy', 'requests', 'tqdm', 'sounddevice', 'flask') if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=PATIENCE_S)
    assert done.stderr == "[]\n"


# -- mistakes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["transcirbe", "a.wav"], "did you mean 'transcribe'?"),
        (["settings", "--set", "asr.thread=4"], "did you mean 'asr.threads'?"),
        (["--set", "asr.threads=many", "settings"], "must be a whole number"),
        (["settings", "--set", "asr.threads"], "write section.key=value"),
        (["settings", "--set"], "expected one argument"),
        (["settings", "--profile", "embeded"], "did you mean 'embedded'?"),
        (["settings", "--profile", "nope.toml"], "no such file: nope.toml"),
        (["settings", "asrr"], "sections are: store"),
        (["settings", "asr.thread"], "did you mean 'asr.threads'?"),
        (["settings", "--jsom"], "did you mean '--json'?"),
        (["devices", "3"], "'3' is one argument too many"),
        (["transcribe"], "name a recording"),
        (["transcribe", "a.wav", "--format", "doc"], "invalid choice: 'doc'"),
        (["transcribe", "a.wav", "b.wav", "--format", "srt"], "add --out FOLDER"),
        (["transcribe", "a.wav", "b.wav", "--format", "csv"], "add --out FOLDER"),
        (["transcribe", "a.wav", "b.wav", "--out", "x.srt"], "name a folder: --format srt --out x/"),
        (["transcribe", "a.wav", "--tags"], "--tags is for srt and vtt"),
        (["transcribe", "a.wav", "--no-embed-audio"], "for --format html"),
        (["transcribe", "a.wav", "--out", "no/such/folder.txt"], "there is no folder"),
        (["say"], "there is no text"),
        (["say", "  "], "there is no text"),
        (["say", "hi", "--out", "hi.m4a"], "the suffix must be one of .wav, .mp3"),
        (["say", "hi", "--out", "no/such/hi.wav"], "there is no folder"),
        (["say", "hi", "--speed", "fast"], "'fast' is not a number"),
        (["ask"], "required: TEXT"),
        (["serve"], "required: service"),
        (["serve", "everything"], "invalid choice: 'everything'"),
        (["serve", "all", "--port", "9000"], "cannot share one port"),
        (["serve", "all", "--host", "0.0.0.0"], "there is no key; set the environment variable HUIYIN_SERVICE_API_KEY"),
        (["serve", "tts", "--set", "service.host=::"], "--insecure lets everybody in"),
        (["serve", "web", "--insecure"], "has a key wherever others can connect"),
        (
            ["talk", "--set", "service.api_key=SECRET"],
            "can read it; set the environment variable HUIYIN_SERVICE",
        ),
        (["talk", "--text", "--persona", "nobody"], "no persona 'nobody'"),
        (["serve", "asr", "--tls", "self-signed"], "--tls is for the web program"),
        (["web", "--tls", "cert.pem"], "--tls wants two files"),
        (["web", "--tls", "cert.pem", "key.pem", "more.pem"], "--tls wants two files"),
        (["web", "--port", "http"], "'http' is not a whole number"),
        (["web", "--port", "70000"], "between 0 and 65535"),
        (["web", "--key", "secret"], "is not an option of `huiyin web`"),
        (["web", "--set", "talk.persona=nobody"], "no persona 'nobody'"),
        (["web", "--set", "web.key_file=/there/is/none"], "web.key_file: /there/is/none cannot be read"),
        (["models", "ftech"], "invalid choice: 'ftech'"),
        (["demo", "--seed", "x"], "'x' is not a whole number"),
    ],
)
@pytest.mark.usefixtures("no_launch")
def test_a_wrong_call_is_answered_in_one_line(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(arguments) == 2
    assert words in complaint(capsys)


def test_a_setting_may_stand_before_or_after_the_command_but_not_in_the_text(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for arguments in (["--set", "asr.threads=7", "settings", "asr"], ["settings", "asr", "--set=asr.threads=7"]):
        assert main.main(arguments) == 0
        assert "* threads = 7 (default 2)" in capsys.readouterr().out
    assert main.main(["settings", "asr.port"]) == 0
    shown = capsys.readouterr().out
    assert "port = " in shown
    assert "threads" not in shown
    asked = []
    monkeypatch.setattr("huiyin.assistant.faces.cli.ask.run", lambda args, settings: asked.append(args.text) or 0)
    assert main.main(["ask", "--", "--set", "is", "an", "option"]) == 0
    assert asked == [["--set", "is", "an", "option"]]


def test_services_are_started_with_the_same_settings_from_any_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.toml").write_text("[asr]\nthreads = 1\n")
    monkeypatch.chdir(tmp_path)
    seen = []
    monkeypatch.setattr(
        "huiyin.assistant.faces.cli.ask.run",
        lambda args, settings: seen.append((args.service_arguments, settings)) or 0,
    )
    assert main.main(["ask", "hi", "--profile", "mine.toml", "--set", "llm.threads=1", "--set", "tts.threads=1"]) == 0
    arguments, settings = seen[0]
    path = str(tmp_path.resolve() / "mine.toml")
    assert arguments == ["--profile", path, "--set", "llm.threads=1", "--set", "tts.threads=1"]
    assert (settings.asr.threads, settings.llm.threads) == (1, 1)


@pytest.mark.parametrize(
    ("where", "name", "status"),
    [
        ("huiyin.configs.settings", "SettingsError", 2),
        ("huiyin.assistant.dialogue.persona", "PersonaError", 2),
        ("huiyin.configs.store.errors", "StoreError", 1),
        ("huiyin.configs.store.errors", "DiskFullError", 1),
        ("huiyin.assistant.clients.launcher", "LaunchError", 1),
        ("huiyin.assistant.clients.http", "ServiceError", 1),
        ("huiyin.assistant.ports.port", "PortError", 1),
    ],
)
def test_errors_meant_for_people_are_printed_as_they_are(
    where: str, name: str, status: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "text", lambda key, facts: "it is broken")
    monkeypatch.setattr(messages, "hint", lambda key, facts: "mend it")
    error = getattr(importlib.import_module(where), name)("room.broken")
    monkeypatch.setattr("huiyin.assistant.faces.cli.ask.run", raising(error))
    assert main.main(["ask", "hi"]) == status
    assert complaint(capsys) == "huiyin: it is broken; mend it\n"


def test_an_unexpected_error_is_one_line_unless_debugging(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huiyin.assistant.faces.cli.ask.run", raising(ZeroDivisionError("division by zero")))
    assert main.main(["ask", "hi"]) == 1
    assert complaint(capsys) == "huiyin: ZeroDivisionError: division by zero (--debug shows where)\n"
    with pytest.raises(ZeroDivisionError):
        main.main(["ask", "hi", "--debug"])


def test_ctrl_c_ends_quietly(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huiyin.assistant.faces.cli.ask.run", raising(KeyboardInterrupt()))
    assert main.main(["ask", "hi"]) == 130
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(os.name == "nt", reason="pipes end differently there")
def test_a_reader_that_goes_away_ends_the_command_quietly() -> None:
    with subprocess.Popen(
        [*HUIYIN, "settings"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, bufsize=0
    ) as process:
        assert process.stdout and process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(PATIENCE_S) == 141


def raising(error: BaseException):  # type: ignore[no-untyped-def]
    def run(args: object, settings: object) -> int:
        raise error

    return run


# -- settings --------------------------------------------------------------------------------------------------------


def test_settings_as_json_give_value_default_and_reason_and_keep_the_secret(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUIYIN_SERVICE_API_KEY", "swordfish")
    assert main.main(["settings", "--json", "--set", "turns.endpoint_s=0.7"]) == 0
    text = capsys.readouterr().out
    rows = {f"{row['section']}.{row['key']}": row for row in json.loads(text)}
    endpoint = rows["turns.endpoint_s"]
    assert (endpoint["value"], endpoint["default"], endpoint["low"], endpoint["high"]) == (0.7, 0.5, 0.1, 5)
    assert all(row["why"] for row in rows.values())
    assert "swordfish" not in text and rows["service.api_key"]["value"]


# -- nothing running, nothing there ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_launch")
def test_files_that_cannot_be_read_are_each_named_before_a_model_is_loaded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty.wav").touch()
    assert main.main(["transcribe", "nowhere.wav", str(tmp_path / "empty.wav"), str(tmp_path)]) == 1
    printed = capsys.readouterr()
    lines = printed.err.splitlines()
    assert printed.out == ""
    assert lines[0] == "huiyin: nowhere.wav: No such file or directory"
    assert lines[1].endswith("it is empty") and lines[2].endswith("it is a folder; -r takes the recordings in it")


@pytest.mark.usefixtures("no_launch")
def test_without_a_microphone_the_page_is_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huiyin.assistant.faces.cli.talk.list_devices", lambda: [])
    monkeypatch.setattr("huiyin.assistant.faces.cli.demo.run", lambda args, settings: 0)
    assert main.main(["talk"]) == 1
    assert "huiyin web" in complaint(capsys)
    assert main.main(["talk", "--demo-if-silent"]) == 0
    assert "`make web`" in capsys.readouterr().out
    monkeypatch.setattr("huiyin.assistant.ports.devices.list_devices", lambda: [])
    assert main.main(["talk", "--text", "--output", "Blue", "--set", "talk.sessions=false"]) == 1
    assert "no sound output" in complaint(capsys), "a loudspeaker that was named is missed"


@pytest.mark.slow
def test_a_port_that_is_taken_is_named_with_the_way_out(capsys: pytest.CaptureFixture[str]) -> None:
    with stranger() as port:
        choose = ["--set", f"llm.port={port}"]
        assert main.main(["serve", "all", *choose]) == 1
        assert f"port {port} is taken by another program" in complaint(capsys)
        assert main.main(["ask", "hi", *choose]) == 1
        assert f"port {port}, where llm should be, is taken by another program" in complaint(capsys)
        command = [*HUIYIN, "serve", "llm", "--port", str(port)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=PATIENCE_S)
    assert done.returncode == 1
    assert re.fullmatch(rf"huiyin: cannot listen on 127\.0\.0\.1:{port}: .*choose another port.*\n", done.stderr)


@pytest.mark.slow
@pytest.mark.parametrize("service", ["asr", "llm", "tts"])
def test_a_service_on_any_free_port_says_on_which(service: str) -> None:
    light = ["--set", "llm.upstreams=http://127.0.0.1:9/v1", "--set", "asr.model=/there/is/none"]
    command = [*HUIYIN, "serve", service, "--port", "0", *light]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline()
            port = re.fullmatch(rf"{service}: listening at http://127\.0\.0\.1:(\d+), log level \w+\n", said)
            assert port, said
            assert requests.get(f"http://127.0.0.1:{port[1]}/health", timeout=PATIENCE_S).json()["service"] == service
        finally:
            process.terminate()


@pytest.mark.parametrize("command", [["ask", "hi"], ["serve", "all"]])
def test_a_service_that_nobody_could_find_is_not_waited_for(
    command: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huiyin.assistant.clients.launcher.Launcher.run", lambda self, name: pytest.fail(name))
    assert main.main([*command, "--set", "llm.port=0", "--set", f"asr.port={free_port()}"]) == 1
    assert "llm.port=0, any port that is free, is for `huiyin serve llm --port 0` alone" in complaint(capsys)


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "out.txt"
    target.write_bytes(b"before")
    with pytest.raises(RuntimeError), output_file(target) as file:
        file.write(b"half")
        raise RuntimeError
    assert target.read_bytes() == b"before"
    with output_file(target) as file:
        file.write(b"after")
    assert target.read_bytes() == b"after"
    assert [path.name for path in tmp_path.iterdir()] == ["out.txt"]
    with pytest.raises(CommandError, match="cannot write"), output_file(tmp_path / "no" / "x"):
        pass
