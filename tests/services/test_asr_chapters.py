"""Highlights as chapter marks, and who says what as OpenAI's API tells it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest
from openai.types.audio import TranscriptionDiarized

from huiyin.configs.settings import load
from huiyin.services.asr import serving
from huiyin.services.asr.app import make_app
from huiyin.services.asr.text.chapters import Chapter, as_ffmetadata, as_vtt, chapters
from huiyin.services.asr.text.formats import as_diarized
from huiyin.services.asr.text.phrases import groups_of, mentions
from tests.support.asr_fakes import FakeEngine, LoudnessDetector, speech
from tests.support.media import film
from tests.support.sse import events_in
from tests.support.transcripts import feeling, segment, transcript

TALK = transcript(
    segment(0.0, 4.0, "Hello."),
    segment(10.0, 14.0, "Ha.", events=["laughter"]),
    segment(16.0, 18.0, "Ha ha.", events=["laughter"]),
    segment(40.0, 44.0, "This is a long complaint about everything, and more of it.", emotion=feeling("angry")),
    segment(50.0, 52.0, "I'm sorry; <b>=", events=["music"]),
)


def test_a_chapter_begins_where_something_is_worth_a_look() -> None:
    said = mentions(TALK.segments, groups_of("apology"))
    assert chapters(TALK, said) == [
        Chapter(0.0, 10.0, "Beginning"),
        Chapter(10.0, 40.0, "laughter"),
        Chapter(40.0, pytest.approx(51.0, abs=1.0), "angry: This is a long complaint about everything, and…"),
        Chapter(pytest.approx(51.0, abs=1.0), 60.0, "apology: sorry"),
    ]


def test_a_recording_without_highlights_is_one_chapter() -> None:
    assert chapters(transcript(segment(0, 4, "你好。", "zh")), ()) == [Chapter(0.0, 60.0, "开头")]
    sudden = transcript(segment(0.2, 4, "Ha.", events=["laughter", "applause"]))
    assert [chapter.title for chapter in chapters(sudden, ())] == ["applause; laughter"]


def test_players_read_both_forms(tmp_path: Path) -> None:
    said = mentions(TALK.segments, groups_of("quote: sorry b"))
    vtt, metadata = as_vtt(TALK, said), as_ffmetadata(TALK, said)
    assert vtt.startswith("WEBVTT\n\n00:00:00.000 --> 00:00:10.000\nBeginning\n") and "sorry; &lt;b" in vtt
    assert r"sorry\; <b" in metadata
    (tmp_path / "talk.ffmetadata").write_text(metadata, encoding="utf-8")
    with av.open(str(tmp_path / "talk.ffmetadata"), format="ffmetadata") as file:
        titles = [chapter["metadata"]["title"] for chapter in file.chapters()]
    assert titles[:2] == ["Beginning", "laughter"] and titles[3] == "quote: sorry; <b"


def test_speakers_are_lettered_as_openai_letters_them() -> None:
    names = ("S1", "S26", "S27", "Agent", None)
    said = transcript(*(replace(segment(i, i + 1, "Yes."), speaker=name) for i, name in enumerate(names)))
    answer = TranscriptionDiarized.model_validate(as_diarized(said), strict=True)
    assert [one.speaker for one in answer.segments] == ["A", "Z", "AA", "Agent", "A"]
    assert answer.segments[1].start == 1.0 and answer.task == "transcribe" and answer.usage


@pytest.mark.parametrize("stream", ["false", "true"])
def test_a_client_of_openai_is_told_who_says_what(stream: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(serving, "load_engine", lambda *_: FakeEngine())
    monkeypatch.setattr(serving, "load_detectors", lambda *_: LoudnessDetector)
    client = make_app(load(overrides=[f"jobs.dir={tmp_path}"])).test_client()
    turns: Sequence[np.ndarray] = [np.pad(speech(3.0), (0, 80_000)), np.pad(speech(3.0), (80_000, 0))]
    form = {
        "file": (BytesIO(film("wav", "pcm_s16le", np.stack(turns))), "call.wav"), "response_format": "diarized_json",
        "speakers": "channels", "speaker_names": ",Customer", "stream": stream,
    }  # fmt: skip
    answer = client.post("/v1/audio/transcriptions", data=form)
    if stream == "false":
        assert [one["speaker"] for one in answer.get_json()["segments"]] == ["A", "Customer"]
        return
    text = answer.get_data(as_text=True)
    assert text.count('"transcript.text.segment"') == 2 and '"speaker": "Customer"' in text
    assert "transcript.text.done" in list(events_in(text))[-1]
