"""What people type to find their way: help, version, and the Tab key."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from huiyin.assistant.faces.cli import main, options
from tests.support import ROOT
from tests.support.limits import PATIENCE_S


@pytest.mark.parametrize("typed", ["version", "-v", "-V", "--version", "say -v", "sessions list -v"])
def test_the_version_is_told_wherever_it_is_asked_for(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(typed.split()) == 0
    assert re.fullmatch(r"huiyin \d+\.\d+\.\d+\n", capsys.readouterr().out)


@pytest.mark.parametrize("typed", ["", "talk", "sessions show"])
def test_help_as_a_command_says_what_help_as_an_option_says(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["help", *typed.split()]) == 0
    by_command = capsys.readouterr().out
    assert main.main([*typed.split(), "--help"]) == 0
    assert by_command == capsys.readouterr().out != ""


def test_help_for_what_there_is_not_names_what_was_meant(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["help", "transcirbe"]) == 2
    assert "did you mean 'transcribe'?" in capsys.readouterr().err


@pytest.mark.parametrize("typed", ["sessions list", "memory list --persona echo", "privacy show", "models list"])
def test_a_command_without_an_action_shows_what_there_is(typed: str) -> None:
    name, action, *more = typed.split()
    assert options.parse(name, more) == options.parse(name, [action, *more])


@pytest.mark.parametrize("typed", ["version", "help"])
def test_both_are_told_whatever_the_settings_are(
    typed: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUIYIN_PROFILE", "nope.toml")
    assert main.main([typed]) == 0
    assert capsys.readouterr().err == ""


def completed(line: str, folder: Path) -> set[str]:
    """What the Tab key offers at the end of `line`, as argcomplete's shell code asks for it."""
    answer = folder / "answer"
    asked = {"_ARGCOMPLETE": "1", "COMP_LINE": line, "COMP_POINT": str(len(line.encode())), "_ARGCOMPLETE_IFS": "\n"}
    environ = {**os.environ, **asked, "_ARGCOMPLETE_STDOUT_FILENAME": str(answer)}
    command = [sys.executable, "-m", "huiyin.assistant.faces.cli.main"]
    subprocess.run(command, env=environ, cwd=ROOT, check=True, timeout=PATIENCE_S)
    return {offer.strip() for offer in answer.read_text().split("\n")}


@pytest.mark.slow  # programs are started
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("huiyin tal", {"talk"}),
        ("huiyin talk --pers", {"--persona"}),
        ("huiyin talk --persona tu", {"tutor"}),
        ("huiyin models fe", {"fetch"}),
        ("huiyin models fetch whisper", {"whisper-base"}),
        ("huiyin settings --profile embed", {"embedded"}),
        ("huiyin talk --set tts.engine=", {f"tts.engine={name}" for name in ("auto", "hibari", "kokoro", "edge")}),
        ("huiyin transcribe --format s", {"srt"}),
        ("huiyin completion ", {"bash", "zsh", "fish"}),
    ],
)
def test_the_tab_key_offers_what_fits(line: str, offered: set[str], tmp_path: Path) -> None:
    assert offered <= completed(line, tmp_path)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_is_given_code_that_it_takes(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["completion", shell]) == 0
    code = capsys.readouterr().out
    assert "_ARGCOMPLETE" in code and "huiyin" in code
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=code, text=True, check=True, timeout=PATIENCE_S)


@pytest.mark.slow  # programs are started
@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash")
def test_bash_completes_a_command(tmp_path: Path) -> None:
    """As a user's bash does: with the printed code, and the program on its path."""
    program = tmp_path / "huiyin"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m huiyin.assistant.faces.cli.main "$@"\n')
    program.chmod(0o755)
    script = """
        eval "$(huiyin completion bash)"
        COMP_WORDS=(huiyin tran) COMP_CWORD=1 COMP_LINE="huiyin tran" COMP_POINT=11 COMP_TYPE=9
        _python_argcomplete huiyin tran huiyin
        echo "${COMPREPLY[@]}"
    """
    environ = {**os.environ, "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", script], env=environ, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.stdout.split() == ["transcribe"]
