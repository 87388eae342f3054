"""The commands with real services behind them: running already, or started and ended by the command itself."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
import psutil
import pytest
import requests

from huiyin.assistant.clients.readiness import look
from huiyin.assistant.clients.services import NAMES, Services
from huiyin.assistant.faces.cli import main
from huiyin.configs.settings import load
from tests.support import ROOT, speech_clips
from tests.support.limits import PATIENCE_S
from tests.support.media import encode
from tests.support.service_process import free_port, start_service

pytestmark = pytest.mark.slow

SAID = "What is the time in Paris at the moment, please?"
UPLOAD_LIMIT_MB = 2
KEY = "s3cret-of-the-services"
LIGHT = ["--set", "tts.engine=hibari", "--set", "llm.upstreams=http://127.0.0.1:9/v1"]  # loads in a second


@pytest.fixture(scope="module")
def urls() -> Iterator[dict[str, str]]:
    """Two services that run already."""
    with start_service("asr", max_upload_mb=UPLOAD_LIMIT_MB) as asr, start_service("tts") as tts:
        yield {"asr": asr, "tts": tts}


@pytest.fixture
def running(urls: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands find them; nothing listens where the third would be."""
    monkeypatch.setenv("HUIYIN_LLM_PORT", str(free_port()))
    for name, url in urls.items():
        monkeypatch.setenv(f"HUIYIN_{name.upper()}_PORT", url.rpartition(":")[2])


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A question about the time in Paris."""
    path = tmp_path_factory.mktemp("clips") / "paris.wav"
    path.write_bytes(encode(speech_clips.english(SAID)))
    return path


def words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())


def close_to(text: str, said: str = SAID) -> bool:
    """At least three words of four are there."""
    wanted = words(said)
    return sum(word in words(text) for word in wanted) >= 0.75 * len(wanted)


# -- transcribe ------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("running")
def test_a_recording_in_every_form(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = {}
    for form in ("text", "json", "srt", "vtt", "csv", "html"):
        assert main.main(["transcribe", str(clip), "--format", form, "--out", "-"]) == 0
        found[form] = capsys.readouterr().out
        assert main.main(["transcribe", str(clip), "--format", form, "--out", f"{tmp_path}/new/"]) == 0
        capsys.readouterr()
    assert close_to(found["text"]) and found["text"].count("\n") == 1
    result = json.loads(found["json"])
    assert result["file"] == str(clip) and close_to(result["text"]) and result["language"] == "en"
    assert 1 < result["duration_s"] < 8
    assert re.match(r"1\n00:00:0\d,\d{3} --> 00:00:0\d,\d{3}\n\S", found["srt"]) and close_to(found["srt"])
    assert re.match(r"WEBVTT\n\n00:00:0\d\.\d{3} --> 00:00:0\d\.\d{3}\n\S", found["vtt"]) and close_to(found["vtt"])
    (row,) = csv.DictReader(io.StringIO(found["csv"].removeprefix("\ufeff")))
    assert close_to(row["text"]) and row["emotion"] == ""
    assert '<h1 dir="auto">paris.wav</h1>' in found["html"] and close_to(found["html"])
    assert "not available with this recogniser" in found["html"] and "<audio" in found["html"]
    written = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "new").iterdir()}
    assert set(written) == {"paris.txt", "paris.json", "paris.srt", "paris.vtt", "paris.csv", "paris.report.html"}
    assert written["paris.srt"] == found["srt"] and written["paris.txt"] == found["text"]
    assert written["paris.csv"] == found["csv"] and written["paris.report.html"] == found["html"]


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize("terminal", [True, False])
def test_a_report_goes_to_a_file_of_one_name_wherever_it_is_asked_for(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, terminal: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    assert main.main(["transcribe", str(clip), "--format", "html", "--no-embed-audio"]) == 0
    assert capsys.readouterr().out == ""
    assert "<audio" not in (tmp_path / "paris.report.html").read_text(encoding="utf-8")


@pytest.mark.usefixtures("running")
def test_bad_files_are_named_and_the_others_go_on(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    letter, huge = tmp_path / "letter.wav", tmp_path / "huge.wav"
    letter.write_text("Dear Sir or Madam")
    huge.write_bytes(encode(np.zeros((UPLOAD_LIMIT_MB + 2) * 2**19, np.float32)))
    arguments = [str(letter), str(clip), "nowhere.wav", str(huge), str(clip)]
    assert main.main(["transcribe", *arguments]) == 1
    said = capsys.readouterr()
    parts = said.out.split(f"==> {clip} <==\n")
    assert parts[0] == "" and len(parts) == 3 and all(close_to(part) for part in parts[1:])
    *lines, transcribed, failed, first, second, third = said.err.splitlines()
    assert len(lines) == 3 and all(line.startswith("huiyin: ") for line in lines)
    assert transcribed.startswith("transcribed: 2 (") and failed == "failed: 3"
    assert [f"huiyin: {why.strip()}" for why in (first, second, third)] == lines
    assert lines[0] == "huiyin: nowhere.wav: No such file or directory"
    assert lines[1].startswith(f"huiyin: {letter}: asr: ") and "sound file" in lines[1]
    # Refused while it is still being sent: the reason arrives all the same.
    assert lines[2].startswith(f"huiyin: {huge}: asr: ") and "limit" in lines[2]


@pytest.mark.usefixtures("running")
def test_results_of_recordings_with_one_name_do_not_overwrite_each_other(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other" / clip.name
    other.parent.mkdir()
    other.write_bytes(clip.read_bytes())
    out = tmp_path / "results"
    assert main.main(["transcribe", str(clip), str(other), "--format", "json", "--out", str(out)]) == 0
    files = {path.name: json.loads(path.read_text(encoding="utf-8"))["file"] for path in out.iterdir()}
    assert files == {"paris.wav.json": str(clip), "paris.wav-2.json": str(other)}


@pytest.mark.usefixtures("running")
def test_standard_input_and_a_given_language(
    clip: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(clip.read_bytes())))
    assert main.main(["transcribe", "-", "--format", "json", "--language", "en"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["file"] == "-" and close_to(result["text"])
    assert main.main(["transcribe", str(clip), "--language", "klingon"]) == 1
    assert "'klingon' is not known" in capsys.readouterr().err


@pytest.mark.usefixtures("running")
@pytest.mark.skipif(sys.platform != "linux", reason="other systems take UTF-8 names only")
def test_a_file_name_that_is_not_utf_8_is_shown_with_a_sign_for_what_is_wrong(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = tmp_path / os.fsdecode(b"caf\xe9.wav")
    odd.write_bytes(clip.read_bytes())
    for form in ("text", "json", "html"):
        assert main.main(["transcribe", str(odd), "--format", form, "--out", "-"]) == 0
        assert close_to(capsys.readouterr().out)
    assert main.main(["transcribe", str(odd), str(clip), "--format", "json", "--out", str(tmp_path)]) == 0
    written = (tmp_path / os.fsdecode(b"caf\xe9.json")).read_text(encoding="utf-8")
    assert json.loads(written)["file"].endswith("caf\ufffd.wav")


@pytest.mark.usefixtures("running")
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_read_to_its_end(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipes = [tmp_path / name for name in ("one", "two")]
    for pipe in pipes:
        os.mkfifo(pipe)
        threading.Thread(target=pipe.write_bytes, args=(clip.read_bytes(),), daemon=True).start()
    assert main.main(["transcribe", *map(str, pipes)]) == 0
    assert len(re.findall("Paris", capsys.readouterr().out)) == 2


@pytest.mark.usefixtures("running")
def test_a_tilde_may_begin_the_name_of_a_file(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "~draft.wav").write_bytes(clip.read_bytes())
    assert main.main(["transcribe", "~draft.wav"]) == 0
    assert close_to(capsys.readouterr().out)


# -- say -------------------------------------------------------------------------------------------------------------


def seconds(path: Path) -> float:
    """Length of a sound file, decoded."""
    if path.suffix == ".pcm":
        return path.stat().st_size / 2 / 24_000
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        return sum(frame.samples for frame in container.decode(stream)) / stream.rate


@pytest.mark.usefixtures("running")
def test_speech_is_written_in_every_format_and_is_what_was_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lengths = {}
    for suffix in ("wav", "mp3", "flac", "opus", "ogg", "pcm"):
        path = tmp_path / f"said.{suffix}"
        assert main.main(["say", SAID, "--out", str(path)]) == 0
        lengths[suffix] = seconds(path)
    assert max(lengths.values()) - min(lengths.values()) < 0.15, lengths
    assert 1 < lengths["wav"] < 8
    assert len(list(tmp_path.iterdir())) == 6
    capsys.readouterr()
    assert main.main(["transcribe", str(tmp_path / "said.mp3")]) == 0
    assert close_to(capsys.readouterr().out)
    assert main.main(["say", SAID, "--speed", "2", "--out", str(tmp_path / "fast.wav")]) == 0
    assert seconds(tmp_path / "fast.wav") < 0.7 * lengths["wav"]


@pytest.mark.usefixtures("running")
def test_voices_are_listed_and_a_wrong_one_leaves_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.main(["say", "--voices"]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert "zf_xiaoxiao" in names
    assert main.main(["say", "hello", "--voice", "nobody", "--out", str(tmp_path / "x.wav")]) == 1
    assert re.fullmatch(r"huiyin: tts: there is no voice 'nobody'[^\n]*\n", capsys.readouterr().err)
    assert list(tmp_path.iterdir()) == []


# -- ask, and starting what does not run -----------------------------------------------------------------------------


@pytest.mark.usefixtures("running")
def test_an_answer_comes_piece_by_piece_and_the_service_started_for_it_is_gone_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written: list[str] = []
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("从一数到十，用阿拉伯数字。".encode())))
    monkeypatch.setattr("sys.stdout", Recorder(written))
    assert main.main(["ask", "-", "--system", "Answer with the numbers only.", "--set", "llm.max_new_tokens=60"]) == 0
    assert len([piece for piece in written if piece]) > 5
    answer = "".join(written)
    assert "5" in answer and answer.endswith("\n")
    assert look(Services(load()), "llm").kind == "absent"


class Recorder(io.StringIO):
    """Standard output that remembers each write."""

    def __init__(self, written: list[str]) -> None:
        super().__init__()
        self._written = written

    def write(self, text: str) -> int:
        self._written.append(text)
        return len(text)


@contextmanager
def huiyin(*arguments: str, folder: Path, ports: dict[str, int]) -> Iterator[subprocess.Popen[str]]:
    """The program in a process of its own, in a folder that is not the project's; ended when it takes too long."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT), **{f"HUIYIN_{n.upper()}_PORT": str(p) for n, p in ports.items()}}
    command = [sys.executable, "-m", "huiyin.assistant.faces.cli.main", *arguments]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8", cwd=folder, env=environ
    )
    watchdog = threading.Timer(PATIENCE_S, process.kill)
    watchdog.start()
    try:
        with process:
            try:
                yield process
            finally:
                process.terminate()  # does nothing to one that has ended
    finally:
        watchdog.cancel()


def state(name: str, ports: dict[str, int]) -> str:
    overrides = [f"{n}.port={p}" for n, p in ports.items()]
    return look(Services(load(overrides=overrides)), name).kind  # type: ignore[arg-type]


def test_nothing_running_is_no_obstacle_and_nothing_is_left_behind(clip: Path, tmp_path: Path) -> None:
    (tmp_path / "services").mkdir()  # must not be taken for ours
    (tmp_path / "services" / "__init__.py").write_text("raise SystemExit('the wrong folder')")
    ports = {name: free_port() for name in NAMES}
    with huiyin("transcribe", str(clip), folder=tmp_path, ports=ports) as process:
        out, err = process.communicate()
    assert process.returncode == 0, err
    assert close_to(out)
    assert state("asr", ports) == "absent"


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_serve_all_runs_three_services_until_it_is_told_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ports = {name: free_port() for name in NAMES}
    monkeypatch.setenv("HUIYIN_SERVICE_API_KEY", KEY)
    with huiyin("serve", "all", *LIGHT, folder=tmp_path, ports=ports) as process:
        lines = _until(process, "huiyin: all ready")
        assert {f"{name}: ready at http://127.0.0.1:{port}" for name, port in ports.items()} <= set(lines)
        assert [state(name, ports) for name in NAMES] == ["ready"] * 3
        assert [requests.get(f"http://127.0.0.1:{port}/system").status_code for port in ports.values()] == [401] * 3
        programs = psutil.Process(process.pid).children(recursive=True)
        assert len(programs) >= 3 and not any(KEY in " ".join(program.cmdline()) for program in programs)
        process.send_signal(signal.SIGTERM)
        process.communicate()
    assert process.returncode == 0
    assert [state(name, ports) for name in NAMES] == ["absent"] * 3


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_serve_all_ends_when_one_service_dies(tmp_path: Path) -> None:
    ports = {name: free_port() for name in NAMES}
    with huiyin("serve", "all", *LIGHT, folder=tmp_path, ports=ports) as process:
        _until(process, "huiyin: all ready")
        (victim,) = (child for child in psutil.Process(process.pid).children() if "asr" in child.cmdline())
        victim.kill()
        _, err = process.communicate()
    assert process.returncode == 1
    assert "huiyin: asr ended with status -9, so the others were stopped" in err
    assert [state(name, ports) for name in NAMES] == ["absent"] * 3


def _until(process: subprocess.Popen[str], words: str) -> list[str]:
    """The lines on standard error up to one with these words."""
    assert process.stderr is not None
    lines = []
    for line in process.stderr:
        lines.append(line.rstrip("\n"))
        if words in line:
            return lines
    raise AssertionError("\n".join(lines))


# -- doctor ----------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("running")
def test_the_doctor_sees_what_runs_and_reports_for_programs_too(capsys: pytest.CaptureFixture[str]) -> None:
    status = main.main(["doctor", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert status == (0 if report["ok"] else 1)
    assert report["ok"] == all(check["level"] != "fail" for check in report["checks"])
    levels = {check["what"]: check["level"] for check in report["checks"]}
    assert [level for what, level in levels.items() if what.endswith("service is ready")] == ["ok", "ok"]
    assert [level for what, level in levels.items() if "the llm service does not run" in what] == ["ok"]
    assert any(what.startswith("model files of embedded: all") for what in levels)
    assert all(check["advice"] for check in report["checks"] if check["level"] != "ok")
    main.main(["doctor"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(report["checks"]) and all(re.match(r"(ok|warn|fail) +\S", line) for line in lines)
