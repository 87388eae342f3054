"""Folders, patterns and names of results: which recordings `huiyin transcribe` takes, and what it skips."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from huiyin.assistant.faces.cli import main
from huiyin.assistant.faces.cli.shared import UsageError
from huiyin.assistant.faces.cli.transcribe_files import Named, find, form_of, with_targets
from huiyin.assistant.faces.cli.transcribe_summary import Summary
from tests.support.limits import PATIENCE_S, until
from tests.support.media import film


@pytest.fixture
def calls(tmp_path: Path) -> Path:
    """A folder of recordings, and other files."""
    folder = tmp_path / "calls"
    for name in ("b.mp3", "a.WAV", "monday/a.wav", "monday/a.mp3", "notes.txt", ".hidden.wav"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"sound")
    return folder


def results(recordings: list[Named], out: Path, form: str = "text") -> list[str]:
    named = with_targets(recordings, form, f"{out}/", several=True)
    return [named.target.relative_to(out).as_posix() for named in named if named.target]


def test_of_a_folder_all_recordings_are_taken_and_their_results_lie_as_they_do(calls: Path, tmp_path: Path) -> None:
    found = find([str(calls)], recursive=True)
    assert [named.path.relative_to(calls).as_posix() for named in found] == [
        "a.WAV", "b.mp3", "monday/a.mp3", "monday/a.wav",
    ]  # fmt: skip
    assert results(found, tmp_path / "texts") == ["a.txt", "b.txt", "monday/a.mp3.txt", "monday/a.wav.txt"]
    assert (tmp_path / "texts" / "monday").is_dir()
    assert find([str(calls)], recursive=False) == [Named(str(calls), calls)], "named as a file: refused when opened"
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no recording in"):
        find([str(tmp_path / "empty")], recursive=True)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_in_a_folder_is_not_waited_for_and_a_broken_link_is_told(calls: Path) -> None:
    before = find([str(calls)], recursive=True)
    os.mkfifo(calls / "pipe.wav")
    link = calls / "z.wav"
    link.symlink_to("nowhere.wav")
    assert {named.path for named in find([str(calls)], recursive=True)} == {*(named.path for named in before), link}


@pytest.mark.slow  # programs are started
@pytest.mark.skipif(os.name != "posix", reason="no such signals here")
@pytest.mark.parametrize("end", ["SIGTERM", "SIGHUP"])
def test_of_standard_input_nothing_is_left_where_the_program_is_ended(tmp_path: Path, end: str) -> None:
    command = [sys.executable, "-m", "huiyin.assistant.faces.cli.main", "transcribe", "-"]
    environ = {**os.environ, "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL) as program:
        assert program.stdin
        program.stdin.write(bytes(1_000_000))
        until(lambda: [path for path in tmp_path.glob("huiyin-*/*") if path.stat().st_size])
        program.send_signal(number := getattr(signal, end))
        program.stdin.close()  # it may be about to read on, and learn of the signal only then
        assert program.wait(PATIENCE_S) == 128 + number
    assert not list(tmp_path.glob("huiyin-*"))


def test_a_pattern_stands_for_its_files_where_no_shell_has_expanded_it(calls: Path) -> None:
    found = find([f"{calls}/**/*.wav"], recursive=False)
    assert [named.path.name for named in found] == ["a.wav"]
    with pytest.raises(UsageError, match="no file matches"):
        find([f"{calls}/*.flac"], recursive=False)
    odd = calls / "[draft].wav"
    odd.touch()
    assert find([str(odd)], recursive=False) == [Named(str(odd), odd)], "a file's own name comes first"


def test_two_results_never_have_one_name(tmp_path: Path) -> None:
    same = [Named(name, Path(name)) for name in ("x/talk.mp3", "y/talk.mp3", "Talk.wav", "-")]
    assert results(same, tmp_path, "html") == [
        "talk.mp3.report.html", "talk.mp3-2.report.html", "Talk.wav.report.html", "stdin.report.html",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("out", "form"),
    [
        ("film.SRT", "srt"), ("x/call.html", "html"), ("call.report.html", "html"), ("a.chapters.vtt", "chapters"),
        ("a.vtt", "vtt"), ("notes.md", "text"), ("texts/", "text"), ("a.srt/", "text"), ("-", "text"), (None, "text"),
    ],
)  # fmt: skip
def test_the_ending_of_a_result_says_its_format(out: str | None, form: str) -> None:
    assert form_of(out) == form


def test_no_result_is_written_over_its_recording(calls: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recording = calls / "b.mp3"
    assert main.main(["transcribe", str(recording), "--out", str(calls / "." / "b.mp3")]) == 2
    assert "is the recording itself" in capsys.readouterr().err
    assert recording.read_bytes() == b"sound"


def test_a_result_is_done_while_it_is_newer_than_its_recording(calls: Path, tmp_path: Path) -> None:
    recording, result = calls / "b.mp3", tmp_path / "b.txt"
    named = Named("b.mp3", recording, target=result)
    assert not named.is_done and not Named("b.mp3", recording).is_done
    result.write_text("said")
    assert named.is_done
    changed = result.stat().st_mtime_ns + 10**9
    os.utime(recording, ns=(changed, changed))
    assert not named.is_done, "the recording is another one now"


def test_a_run_over_a_folder_goes_on_where_the_last_one_was(
    calls: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], transcribed: list[str]
) -> None:
    command = ["transcribe", "-r", str(calls), "--out", str(tmp_path / "texts")]
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "b.txt").write_text("done by an earlier run")
    assert main.main(command) == 0
    assert transcribed == ["a.WAV", "a.mp3", "a.wav"]
    assert "done before: 1 (--force" in capsys.readouterr().err
    assert main.main(command) == 0
    assert len(transcribed) == 3, "the second run has nothing to do"
    assert "done before: 4" in capsys.readouterr().err
    assert main.main([*command, "--force"]) == 0
    assert len(transcribed) == 7


def test_a_call_on_two_channels_is_pointed_out_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], transcribed: list[str]
) -> None:
    turns = np.repeat(np.arange(10) % 2, 16_000)
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, len(turns))
    for name, channels in (("a", [noise * turns, noise * (1 - turns)]), ("b", [noise])):
        (tmp_path / f"{name}.wav").write_bytes(film("wav", "pcm_s16le", np.stack(channels).astype(np.float32)))
    command = ["transcribe", "-r", str(tmp_path), str(tmp_path / "a.wav")]
    assert main.main(command) == 0
    assert capsys.readouterr().err.count("--speakers channels") == 1
    assert main.main([*command, "--speakers", "channels"]) == 0
    assert "--speakers channels" not in capsys.readouterr().err
    assert main.main(["transcribe", "a.wav", "--speaker-names", "A,B"]) == 2


@pytest.fixture
def transcribed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """No service is started. The names of the recordings that would have been sent to one."""
    names: list[str] = []

    def instead(self: Any, file: Any, size: int, fields: dict[str, str], **options: Any) -> Iterator[dict[str, Any]]:
        names.append(fields["title"])
        yield {"type": "done", "result": {"text": "hello", "duration_s": 1.0}}

    monkeypatch.setattr("huiyin.assistant.clients.launcher.Launcher.start", lambda self, names: None)
    monkeypatch.setattr("huiyin.assistant.clients.services.Services.transcribe_file", instead)
    yield names


def test_the_summary_tells_only_of_what_there_was() -> None:
    summary = Summary(1, shown=False)
    summary.done_before()
    assert summary.lines(0.1) == ["done before: 1 (--force does them again)"]


def test_the_summary_counts_names_the_failures_and_says_what_is_left() -> None:
    summary = Summary(6, shown=False)
    summary.transcribed(5400.0)
    summary.transcribed(5400.0)
    summary.done_before()
    summary.failed("x.wav", "it is empty")
    assert summary.lines(600.0) == [
        "transcribed: 2 (3.0 h of sound in 10 min: 18.0 times as fast as it lasts)",
        "done before: 1 (--force does them again)",
        "failed: 1",
        "  x.wav: it is empty",
        "left: 2 (the same command goes on there)",
    ]
