"""The demo's figures: from what was recorded in the room, not from what the loop believes."""

from __future__ import annotations

import io
import json
import wave
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.timeline import Picture
from huiyin.assistant.conversation.trace import Trace, first_audible, last_audible
from huiyin.assistant.dialogue.items import Turn
from huiyin.assistant.faces.cli.captions import Captions
from huiyin.assistant.faces.cli.demo_report import DemoReport, write_report
from huiyin.assistant.ports import BLOCK
from huiyin.assistant.scenario.hearing import ScriptedUtterance
from huiyin.assistant.scenario.log import BLOCK_S, Log
from huiyin.assistant.scenario.moments import Moment
from huiyin.assistant.scenario.script import Step, When
from huiyin.assistant.turns.events import Transcript
from huiyin.assistant.turns.opener import OPENER

RATE = 16_000
HELLO = Transcript("你好", "zh")


def sounding(seconds: float, *spans: tuple[float, float]) -> np.ndarray:
    """Sound that is loud in `spans` only."""
    sound = np.zeros(round(seconds * RATE), np.int16)
    for start, end in spans:
        sound[round(start * RATE) : round(end * RATE)] = 5000
    return sound


@pytest.fixture
def report() -> DemoReport:
    """Two turns: the first answered after 1.5 s, the second an interruption that took 200 ms to silence it."""
    trace = Trace()
    for at, event in (
        (2.1, on.RecognitionAsked(1, start_s=1.0, end_s=2.0)),
        (2.4, on.Recognised(1, transcript=HELLO)),
        (2.4, on.ModelAsked(1, messages=[], style="neutral")),
        (2.9, on.ClauseWritten(1, clause=0, text="你好！")),
        (2.9, on.SpeechAsked(1, clause=0, text="你好！")),
        (3.3, on.SpeechBegun(1, clause=0)),
        (3.45, on.ReplyStarted(1)),
        (5.2, on.TurnCommitted(1, transcript=HELLO, turn=Turn("你好", "你好！", True), messages=[])),
        (6.1, on.RecognitionAsked(2, start_s=5.0, end_s=6.0)),
        (6.2, on.SpeechBegun(2, clause=0)),
        (6.6, on.ReplyStarted(2)),
        (8.0, on.TurnCommitted(2, transcript=HELLO, turn=Turn("停", "好的。", False), messages=[])),
    ):
        trace(at, event)
    speaker = sounding(9, (3.5, 5.2), (6.7, 7.9))
    mic = sounding(9, (1, 2), (5, 6))
    log = Log(recording=np.stack([mic, speaker]), end_s=9.0)
    for number, block in enumerate(speaker.reshape(-1, BLOCK)):
        log.add_block(number * BLOCK_S, block)
    hello, stop = Step(1, 0, "user", "你好"), Step(2, 0, "user", "停", after=When("reply starts", 1.5))
    log.utterances = [ScriptedUtterance(hello, ((1.0, 2.0),), ()), ScriptedUtterance(stop, ((5.0, 6.0),), ())]
    log.moments = [Moment(3.5, "reply starts", "", 1), Moment(6.7, "reply starts", "", 2)]
    return DemoReport(trace, log, 1234.0)


def test_latency_is_measured_between_sounds_and_its_parts_add_up(report: DemoReport) -> None:
    first, second = report.turns
    assert first.latency_s == pytest.approx(1.5)
    assert second.latency_s == pytest.approx(0.7)
    for turn in report.turns:
        assert sum(turn.parts.values()) == pytest.approx(turn.latency_s)
    expected = {"hear": 0.1, "asr": 0.3, "llm": 0.5, "tts": 0.4, "hold": 0.15, "play": 0.05}
    assert first.parts == pytest.approx(expected)
    assert second.stop_s == pytest.approx(0.2, abs=1e-3)
    assert report.p50_s == pytest.approx(1.1)


def test_an_opener_is_the_first_sound_and_no_reply(report: DemoReport) -> None:
    assert [turn.first_sound_s for turn in report.turns] == [turn.latency_s for turn in report.turns]
    report.trace(6.2, on.ClauseWritten(2, clause=OPENER, text="嗯，"))
    report.log.moments.append(Moment(6.3, "opener starts", "", 2))
    opened = DemoReport(report.trace, report.log, report.peak_mb)
    assert opened.turns[1].first_sound_s == pytest.approx(0.3)
    assert opened.turns[1].latency_s == pytest.approx(0.7)
    assert "first sound p50 900 ms" in opened.table() and "1 turns began with an opener" in opened.table()
    assert opened.transcript()["turns"][1]["opener"] == "嗯，"


def test_silence_between_clauses_is_printed(report: DemoReport) -> None:
    assert "silence between two clauses" not in report.table()
    report.log.moments.append(Moment(5.6, "clause 2 starts", "", 1))
    assert "silence between two clauses p50 400 ms, p95 400 ms, over 1" in report.table()


def test_table_says_it_all(report: DemoReport) -> None:
    table = report.table()
    for text in ("1500 ms", "p50 1100 ms", "silent 200 ms", "1234 MB", "你好"):
        assert text in table


def test_an_assistant_that_was_silent_already_is_not_cut_short(report: DemoReport) -> None:
    hello, stop = report.log.utterances
    report.log.utterances = [hello, replace(stop, spans=((5.5, 6.0),))]
    table = report.table()
    assert "silent already" in table and "ms after" not in table


def test_line_without_an_answer_is_not_counted(report: DemoReport) -> None:
    silent = DemoReport(Trace(), report.log, 0.0)
    assert silent.turns == []
    assert not silent.complete(2)
    assert report.complete(2)
    silent.table()


def test_files_are_whole(report: DemoReport, tmp_path: Path) -> None:
    paths = write_report(report, tmp_path / "new" / "demo")
    assert sorted(p.name for p in (tmp_path / "new" / "demo").iterdir()) == sorted(p.name for p in paths)
    sound, data, picture = (path.read_bytes() for path in paths)
    with wave.open(io.BytesIO(sound)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (2, RATE, 9 * RATE)
        frames = np.frombuffer(file.readframes(-1), np.int16).reshape(-1, 2)
    assert np.array_equal(frames.T, report.log.recording)
    assert [turn["latency_ms"] for turn in json.loads(data)["turns"]] == [1500, 700]
    image = Image.open(io.BytesIO(picture))
    assert len(image.getcolors(maxcolors=100_000) or []) > 5, "something is drawn"


def test_a_clause_of_two_paragraphs_is_one_line() -> None:
    picture, out = Picture(5.0), io.StringIO()
    picture.bar("assistant", 1.0, 4.0, "a story:\n\nOnce")  # raised ValueError, at the end of a whole demo
    captions = Captions(out)
    captions(1.0, on.SpeechAsked(1, clause=0, text="a story:\n\nOnce"))
    captions(2.0, on.ReplyStarted(1))
    assert len(out.getvalue().splitlines()) == 1


def test_sound_is_found_where_it_is() -> None:
    sound = sounding(3, (0.5, 1.0), (1.1, 1.5), (2.0, 2.5))
    assert first_audible(sound, 0.0) == 0.5
    assert first_audible(sound, 1.6) == 2.0
    assert first_audible(sound, 2.6) is None
    assert last_audible(sound, 1.8) == pytest.approx(1.5, abs=1e-3)
