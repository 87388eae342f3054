"""`huiyin transcribe --summary`: minutes by the language model, beside transcripts that never wait for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from huiyin.assistant.dialogue.history import Message
from huiyin.assistant.dialogue.minutes import NOTES_TOKENS, minutes, parts, spoken_lines
from huiyin.assistant.dialogue.tokens import estimated_tokens, message_tokens
from huiyin.assistant.faces.cli import main

CONTEXT = 2048


@pytest.mark.parametrize(
    "text",
    ["We agreed on Monday. " * 2000, "我们说好周一交货。" * 2000, "no marks at all " * 3000, "😀" * 9000, "short."],
)
def test_a_long_transcript_is_read_in_parts_that_fit(text: str) -> None:
    asked: list[tuple[str, int]] = []

    def ask(messages: Sequence[Message], most: int) -> str:
        (message,) = messages
        asked.append((str(message["content"]), most))
        return f"note {len(asked)} " + "word " * (most // 2)

    written = minutes(text, CONTEXT, ask)
    assert written.startswith(f"note {len(asked)} ")
    assert all(message_tokens(request) + most <= CONTEXT for request, most in asked)
    assert text[:100] in asked[0][0]
    assert len(asked) == 1 or "note " in asked[-1][0]
    assert ("纪要" in asked[-1][0]) == text.startswith("我们")


def test_nothing_is_lost_between_two_parts() -> None:
    text = "First. Second one!\n\n第三句。" * 300 + "x" * 5000
    divided = list(parts(text, 200))
    assert "".join(divided) == text
    assert max(map(estimated_tokens, divided)) <= 200 + NOTES_TOKENS // 10


def test_the_model_reads_who_says_what() -> None:
    said = [("A", "Hi."), ("A", "Are you there?"), ("B", ""), ("B", "Yes."), (None, "Music.")]
    segments = [{"speaker": speaker, "text": text} for speaker, text in said]
    assert spoken_lines(segments) == "A: Hi. Are you there?\nB: Yes.\nMusic."


class Model:
    """Services that hear one sentence and answer with what a test wants."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers = True


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[Model]:
    there = Model()

    def start(self: Any, names: Sequence[str]) -> None:
        if "llm" in names and not there.answers:
            from huiyin.assistant.clients.launcher import LaunchError

            raise LaunchError("clients.unusable", service="llm", why="no model")

    def transcribed(*_: Any, **options: Any) -> Iterator[dict[str, Any]]:
        yield {"type": "document", "text": "We meet on Monday.\n"}
        segment = {"start_s": 0.0, "end_s": 1.0, "text": "We meet on Monday.", "speaker": None}
        yield {"type": "done", "result": {"text": "We meet on Monday.", "duration_s": 1.0, "segments": [segment]}}

    def ask(self: Any, messages: Sequence[Message], **options: Any) -> Iterator[str]:
        there.asked.append(str(messages[0]["content"]))
        yield from ("Summary: ", "Monday.")

    monkeypatch.setattr("huiyin.assistant.clients.launcher.Launcher.start", start)
    monkeypatch.setattr("huiyin.assistant.clients.services.Services.transcribe_file", transcribed)
    monkeypatch.setattr("huiyin.assistant.clients.services.Services.ask", ask)
    monkeypatch.setattr("huiyin.assistant.clients.services.Services.get", lambda *_: {"data": [{"id": "qwen"}]})
    yield there


def test_minutes_lie_beside_the_transcript_and_say_who_wrote_them(tmp_path: Path, model: Model) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.wav").write_bytes(b"sound")
    command = ["transcribe", "-r", str(tmp_path), "--out", f"{tmp_path}/texts/"]
    assert main.main(command) == 0 and model.asked == []
    assert main.main([*command, "--summary"]) == 0, "of transcripts that were there before"
    written = (tmp_path / "texts" / "a.minutes.md").read_text()
    assert written.startswith("# Minutes: a.wav\n\n> Written by the language model qwen ")
    assert written.endswith("\n\nSummary: Monday.\n")
    assert "We meet on Monday." in model.asked[0] and len(model.asked) == 2
    assert main.main([*command, "--summary"]) == 0 and len(model.asked) == 2, "once is enough"


def test_without_a_model_the_transcript_is_written_and_it_says_so(
    tmp_path: Path, model: Model, capsys: pytest.CaptureFixture[str]
) -> None:
    model.answers = False
    (tmp_path / "a.wav").write_bytes(b"sound")
    assert main.main(["transcribe", f"{tmp_path}/a.wav", "--out", f"{tmp_path}/a.txt", "--summary"]) == 1
    assert (tmp_path / "a.txt").read_text() == "We meet on Monday.\n"
    assert "no minutes: " in capsys.readouterr().err and not (tmp_path / "a.minutes.md").exists()


def test_on_the_screen_they_follow_the_text(tmp_path: Path, model: Model, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.wav").write_bytes(b"sound")
    assert main.main(["transcribe", f"{tmp_path}/a.wav", "--summary"]) == 0
    assert capsys.readouterr().out.startswith("We meet on Monday.\n\n# Minutes: a.wav")
    assert main.main(["transcribe", f"{tmp_path}/a.wav", "--summary", "--format", "json"]) == 2
