"""Files among the sessions that are none hide no other; what a session holds is text for the terminal."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from huiyin.assistant.faces.cli import main

HEAD = {"huiyin_session": 2, "started": "2026-11-28T20:14:50+01:00", "persona": "huiyin"}
NOT_SESSIONS = {
    "empty": "",
    "deep": '{"huiyin_session": ' + "[" * 100_000,
    "no-date": json.dumps({**HEAD, "started": "yesterday"}),
    "no-time": '{"huiyin_session": 2, "started": 1e999, "persona": "huiyin"}',
    "no-form": '{"huiyin_session": 1e999, "started": "2026-11-28T20:14:50", "persona": "huiyin"}',
    "list": "[2]",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HUIYIN_TALK_SESSIONS_DIR", str(tmp_path))
    return tmp_path


def write(folder: Path, name: str, user: str, reply: str, at: str = "2026-11-28T20:15:00+01:00") -> None:
    items = [{"type": "user", "id": "a", "text": user}, {"type": "assistant", "id": "b", "text": reply}]
    lines = [{**HEAD, "started": at}, {"at": at, "items": items}]
    (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_files_that_are_no_sessions_are_named_and_hide_no_other(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(folder, "good", "I am Ann.", "Hi Ann.")
    write(folder, "zoneless", "I am Ben.", "Hi Ben.", at="2026-11-28T20:15:00")
    for name, text in NOT_SESSIONS.items():
        (folder / f"{name}.jsonl").write_text(f"{text}\n")
    (folder / "folder.jsonl").mkdir()
    named = [*NOT_SESSIONS, "folder"]
    if sys.platform != "win32":
        os.mkfifo(folder / "pipe.jsonl")
        named.append("pipe")
    assert main.main(["sessions", "list"]) == 0
    said = capsys.readouterr()
    assert {line.split()[0] for line in said.out.splitlines()} == {"good", "zoneless"}
    lines = said.err.splitlines()
    assert len(lines) == len(named) and all(any(f"{name}.jsonl" in line for line in lines) for name in named)


def test_what_is_no_session_is_not_deleted_with_all_of_them(folder: Path) -> None:
    write(folder, "good", "I am Ann.", "Hi Ann.")
    (folder / "7kq2f.jsonl").write_text("")  # what a full disk has left of one
    (folder / "notes.jsonl").write_text('{"shopping": "milk"}\n')
    (folder / "folder.jsonl").mkdir()
    others = {"notes.jsonl", "folder.jsonl"}
    if sys.platform != "win32":
        os.mkfifo(folder / "qqqqq.jsonl")
        others.add("qqqqq.jsonl")
    assert main.main(["sessions", "delete", "--all"]) == 0
    assert {path.name for path in folder.iterdir()} == others


def test_control_characters_are_shown_and_not_sent(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, "evil", "\x1b]0;owned\x07 \x9b2J\x7f red\r\nblue", "\x1b[31mHi.")
    for command in (["list"], ["show", "evil"]):
        assert main.main(["sessions", *command]) == 0
        shown = capsys.readouterr().out
        assert "␛" in shown and not {c for c in shown if not c.isprintable()} - set("\r\n")


def test_a_title_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(folder, "lines", "one\r\ntwo\x0bthree", "Yes.")
    assert main.main(["sessions", "list"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.endswith("one two three")
