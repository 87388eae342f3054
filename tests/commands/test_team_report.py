"""`huiyin transcribe --report`: one page over many recordings, also those that were done before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from huiyin.assistant.faces.cli import main
from huiyin.assistant.faces.cli.team_report.figures import figures_of
from huiyin.assistant.faces.cli.team_report.page import page, read_figures
from huiyin.configs import messages


def said(speaker: str | None, start_s: float, end_s: float, emotion: str | None = None) -> dict[str, Any]:
    feeling = emotion and {"label": emotion, "confidence": 0.8, "scores": {}}
    return {"speaker": speaker, "start_s": start_s, "end_s": end_s, "text": "Yes.", "emotion": feeling, "words": []}


def result(*segments: dict[str, Any], length_s: float = 20.0, **more: Any) -> dict[str, Any]:
    return {"text": "Yes.", "duration_s": length_s, "model": "fake", "events": [], "segments": list(segments), **more}


CALL = result(
    said("Agent", 0.0, 4.0, "neutral"),
    said("Agent", 4.2, 8.0, "neutral"),
    said("Customer", 7.0, 7.4, "neutral"),  # mm-hm
    said("Customer", 7.5, 12.0, "angry"),
    said("Agent", 15.0, 16.0, "neutral"),
    events=[{"label": "laughter", "start_s": 15.0, "end_s": 16.0, "confidence": 0.5}],
    phrases=[{"group": "apology", "text": "</script>sorry", "start_s": 15.0, "end_s": 15.4, "speaker": "Agent"}],
)  # fmt: skip


def test_the_figures_of_a_call() -> None:
    figures = figures_of("a.wav", "1", CALL, by_channel=True)
    assert figures.talk_s == pytest.approx({"Agent": 9.0, "Customer": 5.0}), "pauses within a turn belong to it"
    assert figures.silence == pytest.approx(1 - 13.0 / 20.0), "what both say at once is no more than one says"
    assert figures.interruptions == {"Agent": 0, "Customer": 1}
    assert figures.emotions == pytest.approx({"neutral": 9.2 / 13.7, "angry": 4.5 / 13.7})
    assert figures.events == {"laughter": 1}
    assert figures_of("a.wav", "1", CALL, by_channel=False).interruptions is None


def test_a_listeners_word_is_no_interruption() -> None:
    call = result(said("A", 0.0, 9.0), said("B", 3.0, 3.5), said("B", 8.9, 12.0))
    assert figures_of("a.wav", "1", call, by_channel=True).interruptions == {"A": 0, "B": 0}


def test_what_a_recogniser_does_not_hear_is_not_neutral() -> None:
    deaf = figures_of("b.wav", "2", result(said(None, 0.0, 5.0)), by_channel=False)
    assert deaf.emotions is None and deaf.events is None and deaf.phrases is None
    text = page("team", [deaf], [], [])
    assert "not heard by this recogniser" in text and "neutral" not in text
    both = page("team", [deaf, figures_of("a.wav", "1", CALL, by_channel=True)], [], [])
    assert '<td data-sort="-1.0" title="not heard by this recogniser">–</td>' in both


def test_the_page_is_one_file_whose_figures_can_be_read_again() -> None:
    rows = [figures_of("<a>.wav", "1", CALL, by_channel=True), figures_of("b.wav", "2", result(), by_channel=False)]
    text = page("team", rows, ["old.wav"], [("bad.wav", "it is empty")])
    assert read_figures(text) == rows
    assert "<a>" not in text and text.count("</script>") == 2
    for sign in ("&lt;a&gt;.wav", "Talk: Customer", "36 %", "old.wav", "bad.wav: it is empty", "prefers-color-scheme"):
        assert sign in text
    assert "http" not in text.replace("http-equiv", "")
    assert read_figures("<html>") == read_figures(text.replace('"file"', '"nothing"')) == []


def test_the_page_speaks_the_programs_language() -> None:
    messages.speak("zh")
    try:
        assert "此识别模型听不出" in page("team", [figures_of("b.wav", "2", result(), by_channel=False)], [], [])
    finally:
        messages.speak("en")


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, dict[str, Any]]]:
    """No service is started. Recording -> the result that it would have given."""
    given: dict[str, dict[str, Any]] = {}

    def instead(self: Any, file: Any, size: int, fields: dict[str, str], **options: Any) -> Iterator[dict[str, Any]]:
        yield {"type": "done", "result": given[fields["title"]]}

    monkeypatch.setattr("huiyin.assistant.clients.launcher.Launcher.start", lambda self, names: None)
    monkeypatch.setattr("huiyin.assistant.clients.services.Services.transcribe_file", instead)
    yield given


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_second_run_counts_what_was_done_before(
    form: str, tmp_path: Path, results: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, report = tmp_path / "calls", tmp_path / "team.html"
    calls.mkdir()
    for name in ("a.wav", "b.wav"):
        (calls / name).write_bytes(b"sound")
    results.update({"a.wav": CALL, "b.wav": CALL, "c.wav": result()})
    command = ["transcribe", "-r", str(calls), "--out", f"{tmp_path}/out/", "--format", form]
    command += ["--speakers", "channels"]
    assert main.main([*command, "--report", str(report)]) == 0
    first = read_figures(report.read_text())
    assert [row.interruptions for row in first] == [{"Agent": 0, "Customer": 1}] * 2

    (calls / "c.wav").write_bytes(b"sound")
    monkeypatch.chdir(calls)  # a recording is the same one under another name
    command[2] = "."
    assert main.main([*command, "--report", str(report)]) == 0
    second = read_figures(report.read_text())
    assert [row.file for row in second][-1] == "c.wav" and len(second) == 3
    assert [row.talk_s for row in second[:2]] == [row.talk_s for row in first]
    report.unlink()
    assert main.main([*command, "--report", str(report)]) == 0
    assert len(read_figures(report.read_text())) == (3 if form == "json" else 0)
    assert ("Without figures" in report.read_text()) == (form == "text")


def test_results_in_json_say_how_speakers_were_told_apart(tmp_path: Path, results: dict[str, dict[str, Any]]) -> None:
    (tmp_path / "a.wav").write_bytes(b"sound")
    results["a.wav"] = CALL
    command = ["transcribe", f"{tmp_path}/a.wav", "--format", "json", "--out", f"{tmp_path}/a.json"]
    for speakers in ([], ["--speakers", "channels"]):
        assert main.main([*command, *speakers]) == 0
        assert json.loads((tmp_path / "a.json").read_text()).get("speakers") == (speakers or [None])[-1]
