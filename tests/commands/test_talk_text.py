"""`huiyin talk --text` from end to end, with services of stated answers: greeting, memory, sessions, the prompt."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from huiyin.assistant.clients.services import NAMES
from huiyin.assistant.conversation.session_store import SessionStore
from huiyin.assistant.faces.cli import main
from tests.support.stub_services import Stub


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub(llm_s=0.0) as stub:
        yield stub


@pytest.fixture
def talk(
    stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[str, str]]:
    """Type lines into `huiyin talk`; gives what it wrote to stdout and stderr. There is no loudspeaker."""
    monkeypatch.setattr("huiyin.assistant.clients.launcher.Launcher.start", lambda self, names: None)
    monkeypatch.setattr("huiyin.assistant.faces.cli.talk.list_devices", lambda: [])
    monkeypatch.setenv("HUIYIN_TALK_SESSIONS_DIR", str(tmp_path))
    for name in NAMES:
        monkeypatch.setenv(f"HUIYIN_{name.upper()}_PORT", str(getattr(stub.settings(), name).port))

    def run(*lines: str, options: tuple[str, ...] = (), command: tuple[str, ...] = ("talk",)) -> tuple[str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        assert main.main([*command, "--text", *options]) == 0
        said = capsys.readouterr()
        return said.out, said.err

    return run


def test_it_greets_answers_and_goes_on_where_it_stopped(
    stub: Stub, talk: Callable[..., tuple[str, str]], tmp_path: Path
) -> None:
    out, _ = talk("I am Ann.", options=("--persona", "echo"))
    assert re.search(r"huiyin: Hi, I'm Echo\.\n(.*\n)*huiyin: It is noon\.", out)
    session = SessionStore(tmp_path).get("last")
    assert f"huiyin talk --resume {session.id}" in out
    assert [(turn.user, turn.heard) for turn in session.turns] == [("", "Hi, I'm Echo."), ("I am Ann.", stub.reply)]

    out, err = talk("Who am I?", command=("sessions", "resume", session.id[:4]), options=("--show-prompt",))
    assert "Hi, I'm Echo." not in out, "it has greeted before"
    asked = stub.asked[-1]["messages"]
    assert asked[0]["content"].startswith("Your name is Echo."), "the session's own persona"
    assert [message["content"] for message in asked[1:]] == [
        "(The conversation begins)", "Hi, I'm Echo.", "I am Ann.", stub.reply, "Who am I?",
    ]  # fmt: skip
    assert "6 messages" in err and "|      user  Who am I?" in err
    assert len(SessionStore(tmp_path).get(session.id).turns) == 3


def test_it_can_be_told_to_write_nothing_and_to_wait_for_the_user(
    stub: Stub, talk: Callable[..., tuple[str, str]], tmp_path: Path
) -> None:
    out, _ = talk("Hello there.", options=("--set", "talk.sessions=false", "--set", "talk.greet=false"))
    assert f"   you: Hello there.\nhuiyin: {stub.reply}\n" in out and "--resume" not in out
    assert [message["role"] for message in stub.asked[-1]["messages"]] == ["system", "user"]
    assert list(tmp_path.iterdir()) == []


def test_facts_that_the_user_told_are_kept_when_the_talk_is_over(
    stub: Stub, talk: Callable[..., tuple[str, str]]
) -> None:
    stub.reply = "I am allergic to peanuts."
    fact = "You should know that I am allergic to peanuts."
    out, err = talk(fact, options=("--set", "talk.greet=false"))
    assert "remembered" not in out + err, "only where it is switched on"
    out, err = talk(fact, options=("--set", "talk.greet=false", "--set", "talk.find_facts=true"))
    assert "remembered: I am allergic to peanuts. (huiyin memory forget 1 forgets it)" in out + err
    asked = stub.asked[-1]["messages"]
    assert len(asked) == 1 and asked[0]["content"].endswith(f"\n\n{fact}"), "the user's words alone"
    out, err = talk(fact, options=("--set", "talk.find_facts=true", "--private"))
    assert "facts about you" not in out + err
