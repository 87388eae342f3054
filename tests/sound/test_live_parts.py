"""Live transcription: the parts, without socket or model."""

from __future__ import annotations

import asyncio
import io
import itertools
import os
from typing import Any

import numpy as np
import pytest

from huiyin.assistant.faces.cli.transcribe_live import Lines, columns
from huiyin.services.asr.dictation import Dictation, TimedRecognition, agreed
from huiyin.services.asr.http.stream import stream_options
from huiyin.services.asr.recogniser import Hints
from huiyin.services.asr.signal.utterances import Utterance, Utterances
from huiyin.services.common.audio import SAMPLE_RATE
from huiyin.services.common.errors import ApiError
from tests.support.asr_fakes import LoudnessDetector
from tests.support.tones import DIGIT_S, GAP_S, ToneEngine, pcm, say

STEP_S = DIGIT_S + GAP_S
SECOND = np.zeros(SAMPLE_RATE, np.float32)


def utterances(sound: np.ndarray, step: int = 640, max_s: float = 15.0) -> list[Utterance]:
    cutter = Utterances(LoudnessDetector(), max_s)
    found = [u for i in range(0, len(sound), step) for u in cutter.push(sound[i : i + step])]
    rest = cutter.flush()
    return [*found, rest] if rest else found


# --- utterances --------------------------------------------------------------------------------------------------


def test_an_utterance_begins_before_the_voice_and_ends_in_the_pause() -> None:
    sound = np.concatenate([SECOND, say("123"), SECOND, say("45"), SECOND])
    first, second = utterances(sound)
    assert first.start_s == pytest.approx(0.7, abs=0.02)
    assert first.end_s == pytest.approx(1 + 3 * STEP_S - GAP_S + 0.2, abs=0.02)
    assert second.start_s == pytest.approx(2 + 3 * STEP_S - 0.3, abs=0.02)
    for found in (first, second):
        start = round(found.start_s * SAMPLE_RATE)
        assert np.array_equal(found.samples, sound[start : start + len(found.samples)])


def test_a_breath_does_not_end_a_sentence_and_a_click_begins_none() -> None:
    breath = SECOND[: SAMPLE_RATE // 2]
    assert len(utterances(np.concatenate([say("12"), breath, say("34"), SECOND]))) == 1
    click = say("1")[: SAMPLE_RATE // 16]
    assert utterances(np.concatenate([SECOND, click, SECOND, click, SECOND])) == []


@pytest.mark.parametrize("step", [1, 333, 16_000, 10**6])
def test_how_the_sound_is_divided_makes_no_difference(step: int) -> None:
    sound = np.concatenate([say("12"), SECOND, say("3")])
    expected = [(u.start_s, len(u.samples)) for u in utterances(sound)]
    assert [(u.start_s, len(u.samples)) for u in utterances(sound, step)] == expected and len(expected) == 2


def test_speech_without_a_pause_is_cut_at_its_quietest_moment_and_nothing_is_lost() -> None:
    sound = np.concatenate([np.tile(say("12345"), 25), SECOND])
    dip = round(10.2 * SAMPLE_RATE)
    sound[dip : dip + SAMPLE_RATE // 4] *= 0.3
    found = utterances(sound)
    assert all(len(u.samples) <= 15.1 * SAMPLE_RATE for u in found)
    assert found[0].end_s == pytest.approx(10.32, abs=0.15)
    for before, after in itertools.pairwise(found):
        assert after.start_s == pytest.approx(before.end_s, abs=1e-4)
    assert found[-1].end_s == pytest.approx(30.2 - GAP_S, abs=0.1)


def test_silence_is_dropped() -> None:
    cutter = Utterances(LoudnessDetector(), 15.0)
    for _ in range(20):
        cutter.push(SECOND)
    assert len(cutter._sound) <= SAMPLE_RATE


# --- dictation ---------------------------------------------------------------------------------------------------


class Desk:
    """A dictation with an engine whose calls are counted; `busy`: others have the model; `cost_s` is claimed."""

    def __init__(self, *, rate: int = SAMPLE_RATE, partial_s: float = 0.4) -> None:
        self.engine, self.busy, self.cost_s, self.calls = ToneEngine(), False, 0.0, 0
        self.dictation = Dictation(
            self._recognise, LoudnessDetector(), model="tones", rate=rate, partial_s=partial_s, max_s=15.0
        )
        self.rate, self.events = rate, list[dict[str, Any]]()

    def _recognise(self, samples: np.ndarray, now_or_never: bool) -> TimedRecognition | None:
        if now_or_never and self.busy:
            return None
        self.calls += 1
        (recognition,) = self.engine.recognise([samples], Hints())
        return recognition, self.cost_s

    def hear(self, data: bytes, step: int | None = None, *, last: bool = True) -> list[dict[str, Any]]:
        step = step or round(0.04 * self.rate) * 2
        for i in range(0, len(data), step):
            self.events += self.dictation.push(data[i : i + step])
        if last:
            self.events += self.dictation.push(b"", last=True)
        return self.events

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]


SPOKEN = np.concatenate([SECOND, say("1234567"), SECOND, say("76"), SECOND])


def test_partials_grow_until_the_final_and_times_are_those_of_the_stream() -> None:
    desk = Desk()
    desk.hear(pcm(SPOKEN))
    first, second = (event["segment"] for event in desk.of("final"))
    assert (first["text"], second["text"]) == ("1 2 3 4 5 6 7", "7 6")
    assert first["start_s"] == pytest.approx(0.7, abs=0.03) and first["emotion"]["label"] == "happy"
    assert second["start_s"] == pytest.approx(2 + 7 * STEP_S - 0.3, abs=0.03)
    kinds = [event["type"] for event in desk.events]
    partials = desk.events[: kinds.index("final")]
    assert 4 <= len(partials) <= 6
    assert partials[0]["end_s"] == pytest.approx(1.4, abs=0.05), "0.4 s after the onset"
    for before, after in itertools.pairwise(partials):
        assert after["text"].startswith(before["text"][:-1])
        assert after["text"].startswith(after["stable"]) and before["text"].startswith(after["stable"])
        assert 0.1 < after["end_s"] - before["end_s"] < 0.5
    assert partials[-2]["stable"] and partials[0]["stable"] == ""
    result = desk.dictation.result()
    assert result.text == "1 2 3 4 5 6 7 7 6" and result.duration_s == pytest.approx(len(SPOKEN) / SAMPLE_RATE)
    assert result.emotion is not None and result.emotion.label == "happy"


def test_what_was_decoded_in_the_pause_is_not_decoded_again() -> None:
    desk = Desk()
    desk.hear(pcm(np.concatenate([say("123"), SECOND])))
    assert desk.calls == len(desk.of("partial")) and len(desk.of("final")) == 1


def test_partials_give_way_to_other_work_but_finals_come() -> None:
    desk = Desk()
    desk.busy = True
    desk.hear(pcm(SPOKEN))
    assert [event["type"] for event in desk.events] == ["final", "final"]
    slow = Desk()
    slow.cost_s = 0.6
    slow.hear(pcm(SPOKEN))
    ends = [event["end_s"] for event in slow.of("partial")]
    assert ends[1] - ends[0] >= 1.2, "a preview takes at most half of the model's time"
    assert len(slow.of("final")) == 2


def test_a_late_listener_catches_up_in_one_step() -> None:
    desk = Desk()
    desk.hear(pcm(SPOKEN), step=10**6)
    assert [event["type"] for event in desk.events] == ["final", "final"]


def test_no_partials_at_partial_ms_0() -> None:
    desk = Desk(partial_s=0.0)
    desk.hear(pcm(SPOKEN))
    assert desk.of("partial") == [] and len(desk.of("final")) == 2 and desk.calls == 2


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_other_rates_give_the_same_text_and_times(rate: int) -> None:
    quiet = np.zeros(rate, np.float32)
    desk = Desk(rate=rate)
    desk.hear(pcm(np.concatenate([quiet, say("31415", rate), quiet])))
    (final,) = desk.of("final")
    assert final["segment"]["text"] == "3 1 4 1 5"
    assert final["segment"]["start_s"] == pytest.approx(0.7, abs=0.05)
    assert desk.dictation.result().duration_s == pytest.approx(2 + 5 * STEP_S, abs=0.01)


def test_a_sample_cut_in_two_is_joined_and_half_a_sample_at_the_end_is_a_warning() -> None:
    desk = Desk()
    desk.hear(pcm(say("42")) + b"\x7f", step=331)
    assert [event["segment"]["text"] for event in desk.of("final")] == ["4 2"]
    assert desk.dictation.result().warnings == ("the last sample is incomplete and was left out",)


def test_noise_leaves_nothing_standing() -> None:
    desk = Desk()
    digits = np.concatenate([say("1") * 0.2, say("8") * 0.2, SECOND])  # loud enough for the ear, not for the engine
    desk.hear(pcm(digits))
    assert desk.events == []
    desk = Desk()
    desk.hear(pcm(say("123")), last=False)
    assert desk.of("partial")[-1]["text"]
    desk.engine.recognise = lambda pieces, hints: ToneEngine().recognise([SECOND], hints)  # type: ignore[method-assign]
    desk.hear(pcm(say("4")))
    assert desk.events[-1]["type"] == "partial" and desk.events[-1]["text"] == ""


@pytest.mark.parametrize("data", [b"", b"\0", bytes(64_000)])
def test_a_stream_without_speech_has_an_empty_result(data: bytes) -> None:
    desk = Desk()
    desk.hear(data)
    result = desk.dictation.result().as_dict()
    assert desk.events == [] and result["text"] == "" and result["segments"] == []
    assert result["duration_s"] == len(data) // 2 / SAMPLE_RATE and result["rtf"] == 0


@pytest.mark.parametrize(
    ("before", "text", "stable"),
    [
        ("", "hello", ""),
        ("hello wor", "hello world", "hello"),
        ("Hello, world.", "hello world and", "hello world"),
        ("hello world and", "Hello, world. And so", "Hello, world. And"),
        ("今天天气不", "今天天汽不错", "今天天"),
        ("我用Pyth", "我用Python写", "我用"),
        ("a b", "x b", ""),
        ("the same.", "the same.", "the same"),
    ],
)
def test_what_two_partials_agree_on(before: str, text: str, stable: str) -> None:
    assert agreed(before, text) == stable


# --- on the screen -----------------------------------------------------------------------------------------------


class Terminal(io.StringIO):
    """What stands on a terminal's last line, and above it."""

    def isatty(self) -> bool:
        return True

    @property
    def lines(self) -> list[str]:
        lines = []
        for written in self.getvalue().split("\n"):
            cells: list[str] = []
            for part in written.split("\r"):
                wide = [cell for char in part for cell in (char, "")[: columns(char)]]
                cells = wide + cells[len(wide) :]
            lines.append("".join(cells).rstrip())
        return lines


def partial(text: str) -> dict[str, Any]:
    return {"type": "partial", "text": text}


def final(text: str) -> dict[str, Any]:
    return {"type": "final", "segment": {"text": text}}


def test_a_terminal_shows_the_sentence_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.get_terminal_size", lambda *args, **options: os.terminal_size((30, 24)))
    terminal = Terminal()
    lines = Lines(terminal)
    seen = []
    for event in (partial("今天天气"), partial("今天"), partial(""), partial("hello"), final("Hello."), partial("a b")):
        lines(event)
        seen.append(terminal.lines[-1])
    assert seen == ["今天天气", "今天", "", "hello", "", "a b"] and terminal.lines[-2] == "Hello."
    lines(partial("一二三四五六七八九十" * 3))
    assert terminal.lines[-1].startswith("… ") and terminal.lines[-1].endswith("八九十")
    assert columns(terminal.lines[-1]) < 30
    lines.close()
    assert terminal.lines == ["Hello.", ""]


def test_a_file_gets_finals_only() -> None:
    out = io.StringIO()
    lines = Lines(out)
    for event in (partial("he"), final("Hello."), {"type": "done"}):
        lines(event)
    lines.close()
    assert out.getvalue() == "Hello.\n"


# --- the request -------------------------------------------------------------------------------------------------


def test_the_address_is_checked() -> None:
    options = stream_options({"rate": "48000", "partial_ms": "0", "language": "zh"}, ("en", "zh"))
    assert (options.rate, options.partial_ms, options.hints.languages) == (48_000, 0, ("zh",))
    assert stream_options({}, ("en",)).partial_ms == 400
    for fields in (
        {"rate": "7999"}, {"rate": "48001"}, {"rate": "-1"}, {"rate": "16k"}, {"rate": "9" * 5000}, {"rate": "٣٠٠٠٠"},
        {"partial_ms": "199"}, {"partial_ms": "2001"}, {"partial_ms": "nan"}, {"language": "klingon"}, {"itn": "maybe"},
    ):  # fmt: skip
        with pytest.raises(ApiError) as caught:
            stream_options(fields, ("en", "zh"))
        assert caught.value.status == 400 and len(caught.value.message) < 120


def test_sound_that_waits_is_bounded() -> None:
    from huiyin.services.asr.http.stream_session import Inbox

    async def exchange() -> None:
        inbox = Inbox(10)
        await inbox.put(b"x" * 10)
        put = asyncio.ensure_future(inbox.put(b"y"))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not put.done(), "it waits for room"
        assert await inbox.take() == (b"x" * 10, False)
        await put
        await inbox.end()
        assert await inbox.take() == (b"y", True)

    asyncio.run(exchange())
