"""What is kept of those who talk: shown, deleted, and in a private conversation not kept at all."""

from __future__ import annotations

import errno
import io
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import requests
from aiohttp import web
from flask import Flask, request

from huiyin.assistant.clients.services import NAMES, Services
from huiyin.assistant.conversation.persona_files import load_persona
from huiyin.assistant.conversation.prepared_speech import PreparedSpeech
from huiyin.assistant.conversation.session_store import SessionStore
from huiyin.assistant.faces.cli import main
from huiyin.configs.settings import Settings
from huiyin.services.common.no_store import NO_STORE
from tests.services.test_logs import logging_to
from tests.support.aiohttp_server import serving
from tests.support.limits import PATIENCE_S
from tests.support.live_server import running
from tests.support.stub_services import Stub
from tests.web.door import open_door, settings_for


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All folders of the user, empty."""
    for name in ("HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "TMPDIR"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setattr("tempfile.tempdir", None)
    for name in ("HUIYIN_STORE_DIR", "HUIYIN_JOBS_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path / "HOME")
    return tmp_path


def files(home: Path) -> list[str]:
    return sorted(path.name for path in home.rglob("*") if path.is_file())


@pytest.fixture
def kept(home: Path) -> list[Path]:
    """A file of each kind, and beside them some that are not ours."""
    cache, sessions = home / "XDG_CACHE_HOME" / "huiyin", home / "XDG_DATA_HOME" / "huiyin" / "sessions"
    ours = {
        sessions / "7kq2f.jsonl": '{"huiyin_session": 2, "started": "2026-11-28T20:14:50+00:00"}\n',
        sessions / "ab2cd.jsonl": "",
        sessions.parent / "memory.db": "facts",
        sessions.parent / "reminders.db-journal": "half a reminder",
        sessions.parent / "voice.json": "a voice",
        cache / "speech" / f"{'0a' * 16}.npz": "sound",
        cache / "speech" / f".{'0b' * 16}.npz.12-34.part": "half a sound",
        cache / "prepared" / f"{'0c' * 12}.pcm": "sound",
        cache / "apologies" / f"{'0d' * 12}.pcm": "sound",
        sessions.parent / "jobs" / ("0e" * 16) / "pieces.jsonl": "words",
        sessions.parent / "jobs" / ("0e" * 16) / ".recording.12-34.part": "half a sound",
    }
    others = {
        sessions / "notes.jsonl": '{"shopping": "milk"}\n',
        sessions / "letter.txt": "Dear Ann",
        cache / "speech" / "mine.npz": "sound",
        cache / "models" / "weights.onnx": "weights",
        sessions.parent / "jobs" / "mine" / "recording": "sound",
        sessions.parent / "jobs" / f"{'0e' * 16}.lock": "",
    }
    for path, text in (ours | others).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    os.mkfifo(sessions / "qqqqq.jsonl")
    return list(ours)


def test_all_that_is_kept_is_shown_and_erased_and_nothing_else(
    home: Path, kept: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["privacy", "show"]) == 0
    shown = capsys.readouterr().out
    assert (
        "conversations: 2" in shown
        and "memory: 1" in shown
        and "enroll`: 1" in shown
        and "spoken sentences: 2" in shown
        and "personas: 2" in shown
        and "transcribed: 2" in shown
    )
    before = files(home)
    assert main.main(["privacy", "erase", "--yes"]) == 0
    told = capsys.readouterr().out
    assert all(path.name in told and not path.exists() for path in kept)
    assert set(files(home)) == set(before) - {path.name for path in kept}
    assert main.main(["privacy", "erase", "--yes"]) == 0 and capsys.readouterr().out == "nothing is kept\n"


def test_a_file_that_cannot_be_deleted_is_named_and_keeps_no_other(
    kept: list[Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    unlink = Path.unlink

    def refused(path: Path, missing_ok: bool = False) -> None:
        if path == kept[0]:
            raise PermissionError(errno.EPERM, "Operation not permitted", str(path))
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", refused)
    assert main.main(["privacy", "erase", "--yes"]) == 1
    told = capsys.readouterr()
    assert str(kept[0]) in told.err and kept[0].name not in told.out
    assert [path for path in kept if path.exists()] == kept[:1]


def test_nothing_is_erased_unasked(
    kept: list[Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert main.main(["privacy", "erase"]) == 2 and "--yes" in capsys.readouterr().err
    terminal = io.StringIO("no\n")
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", terminal)
    assert main.main(["privacy", "erase"]) == 1 and "nothing was deleted" in capsys.readouterr().err
    assert all(path.exists() for path in kept)


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub(llm_s=0.0, asr_s=0.0, tts_s=0.0) as stub:
        yield stub


@pytest.fixture
def talk(
    stub: Stub, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Type a line into `huiyin talk`; gives what it wrote."""
    monkeypatch.setattr("huiyin.assistant.clients.launcher.Launcher.start", lambda self, names: None)
    monkeypatch.setattr("huiyin.assistant.faces.cli.talk.list_devices", lambda: [])
    for name in NAMES:
        monkeypatch.setenv(f"HUIYIN_{name.upper()}_PORT", str(getattr(stub.settings(), name).port))

    def run(*options: str) -> str:
        monkeypatch.setattr("sys.stdin", io.StringIO("I am Ann.\n"))
        assert main.main(["talk", "--text", *options]) == 0
        return capsys.readouterr().out

    return run


def test_a_private_talk_touches_no_disk(talk: Callable[..., str], home: Path) -> None:
    told = talk("--private")
    assert "nothing of this conversation is kept" in told and "It is noon." in told and "--resume" not in told
    assert files(home) == []


def test_a_private_talk_may_go_on_with_one_that_was_kept_and_adds_nothing(talk: Callable[..., str], home: Path) -> None:
    talk()
    (session,) = (home / "XDG_DATA_HOME").rglob("*.jsonl")
    before = session.read_bytes()
    talk("--private", "--resume", "last")
    assert session.read_bytes() == before and len(SessionStore(session.parent).get("last").turns) == 2


@pytest.mark.parametrize("fails", ["", "llm", "tts"])
def test_a_talk_logs_no_words(talk: Callable[..., str], stub: Stub, fails: str) -> None:
    stub.reply, stub.fail = "The rhubarb is ripe.", {fails}
    with logging_to() as log:
        shown = talk("--set", "service.log_level=debug")
    assert "rhubarb" in shown or fails
    assert not any(word in log.getvalue() for word in ("Ann", "rhubarb"))


def private(settings: Settings) -> Settings:
    return replace(settings, talk=replace(settings.talk, private=True))


def test_private_sentences_of_a_persona_are_made_and_not_kept(stub: Stub, home: Path) -> None:
    for settings, count in ((private(stub.settings()), 0), (stub.settings(), len(load_persona("echo").all_prepared()))):
        prepared = PreparedSpeech(Services(settings), load_persona("echo"))
        assert prepared.ready.wait(PATIENCE_S) and all(map(len, prepared.values()))
        assert len(files(home)) == count


def test_services_are_asked_to_keep_nothing_of_a_private_conversation(tmp_path: Path) -> None:
    asked: list[str] = []

    async def note(request: web.Request) -> web.StreamResponse:
        asked.append(request.headers.get("Cache-Control", ""))
        return web.json_response({"text": "hello", "probability": 1.0})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", note)
    with serving(app) as port:
        settings = private(settings_for(port))
        services = Services(settings)
        services.transcribe(np.zeros(100, np.int16), timeout_s=PATIENCE_S).one()
        services.judge_words("hello", timeout_s=PATIENCE_S).one()
        (tmp_path / "index.html").write_text("the page")
        with open_door(tmp_path, settings=settings) as url:
            requests.post(f"{url}/audio", json={"text": "hello"}, timeout=PATIENCE_S)
            assert requests.get(f"{url}/api/setup", timeout=PATIENCE_S).json()["private"], "the page keeps nothing, too"
    assert asked[:3] == [NO_STORE["Cache-Control"]] * 3


def test_a_turn_of_which_nothing_may_be_kept_waits_in_memory() -> None:
    app = Flask("under-test")

    @app.post("/")
    def where() -> dict[str, bool]:
        return {"on_disk": request.environ["wsgi.input"]._rolled}

    body = bytes(10 * 60 * 16_000 * 2)  # ten minutes
    with running(app) as url:
        assert requests.post(url, data=body, timeout=PATIENCE_S).json() == {"on_disk": True}
        assert requests.post(url, data=body, headers=NO_STORE, timeout=PATIENCE_S).json() == {"on_disk": False}
