"""Calls with a person on each of two channels. A voice here is noise; its text comes from its samples."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from huiyin.configs.settings import AsrSettings, load
from huiyin.services.asr import serving
from huiyin.services.asr.app import make_app
from huiyin.services.asr.journal import Journal
from huiyin.services.asr.planner import make_plan
from huiyin.services.asr.queue import Caller, ModelQueue
from huiyin.services.asr.recogniser import Hints, RecordingTranscript
from huiyin.services.asr.signal.crosstalk import gated
from huiyin.services.asr.speakers.labelling import in_turns
from huiyin.services.asr.text.subtitles import as_vtt
from huiyin.services.asr.transcribe import Part, Recogniser, transcribe
from huiyin.services.common.audio import SAMPLE_RATE, AudioReader, Samples
from huiyin.services.common.errors import ApiError
from huiyin.services.common.two_channels import survey
from tests.support.asr_fakes import FakeEngine, LoudnessDetector
from tests.support.media import encode, film
from tests.support.transcripts import segment, spoken

pytestmark = pytest.mark.slow  # recordings of half a minute

CHANNELS = Hints(speakers="channels")
LEFT, RIGHT = [(1.0, 5.0), (9.0, 12.0), (20.0, 24.0)], [(6.0, 8.2), (13.0, 19.0)]


def voice(spans: list[tuple[float, float]], length_s: float, seed: int) -> Samples:
    """Noise in these spans, in syllables."""
    rng = np.random.default_rng(seed)
    sound = rng.uniform(-0.0005, 0.0005, round(length_s * SAMPLE_RATE))
    for start_s, end_s in spans:
        start, end = round(start_s * SAMPLE_RATE), round(end_s * SAMPLE_RATE)
        syllables = 0.6 + 0.4 * np.sin(np.arange(end - start) * 2 * np.pi * 4 / SAMPLE_RATE)
        sound[start:end] += rng.uniform(-0.4, 0.4, end - start) * syllables
    return sound.astype(np.float32)


def call(
    left: list[tuple[float, float]], right: list[tuple[float, float]], leak: float = 0.1, length_s: float = 26.0
) -> Samples:
    """(2, n): a voice on each channel, and on each `leak` of the other's, 20 ms later."""
    voices = np.stack([voice(left, length_s, 1), voice(right, length_s, 2)])
    return np.asarray(voices + leak * np.roll(voices[::-1], 320, axis=1), np.float32)


def recogniser(engine: FakeEngine) -> Recogniser:
    plan = make_plan(engine, AsrSettings(), lambda device: 0)
    return Recogniser(engine, ModelQueue(1.0, 4), LoudnessDetector, plan)


def transcribed(sound: Samples, hints: Hints = CHANNELS) -> RecordingTranscript:
    *_, last = transcribe(recogniser(FakeEngine()), AudioReader(film("wav", "pcm_s16le", sound), 3600), hints, Caller())
    assert isinstance(last, RecordingTranscript)
    return last


def who_when(transcript: RecordingTranscript) -> list[tuple[str | None, float, float]]:
    return [(s.speaker, round(s.start_s), round(s.end_s)) for s in transcript.segments]


@pytest.mark.parametrize("leak", [0.0, 0.1, 0.4])
def test_what_is_said_is_heard_once_from_who_says_it_in_the_order_of_time(leak: float) -> None:
    assert who_when(transcribed(call(LEFT, RIGHT, leak))) == [
        ("S1", 1, 5), ("S2", 6, 8), ("S1", 9, 12), ("S2", 13, 19), ("S1", 20, 24),
    ]  # fmt: skip


def test_where_both_speak_at_once_both_are_heard() -> None:
    sound = call([(1.0, 5.0), (8.0, 15.0)], [(6.0, 7.0), (10.0, 12.0), (16.0, 20.0)], leak=0.1, length_s=22.0)
    assert who_when(transcribed(sound)) == [
        ("S1", 1, 5), ("S2", 6, 7), ("S1", 8, 15), ("S2", 10, 12), ("S2", 16, 20),
    ]  # fmt: skip


def test_a_quieter_person_is_heard_too() -> None:
    sound = call(LEFT, RIGHT) * np.array([[1.0], [0.2]], np.float32)
    assert {speaker for speaker, *_ in who_when(transcribed(sound))} == {"S1", "S2"}


def test_one_channel_or_twice_the_same_is_refused() -> None:
    alone = voice(LEFT, 26.0, 1)
    for sound, code in ((alone, "not_two_channels"), (np.stack([alone, 0.5 * alone]), "channels_alike")):
        with pytest.raises(ApiError) as raised:
            transcribed(sound)
        assert (raised.value.status, raised.value.code) == (422, code)
    silent = np.stack([alone, np.zeros_like(alone)])
    assert {speaker for speaker, *_ in who_when(transcribed(silent))} == {"S1"}, "the other says nothing"


def test_the_gate_does_not_depend_on_how_the_sound_comes() -> None:
    sound = np.ascontiguousarray(call(LEFT, RIGHT).T)
    whole = np.concatenate(list(gated([sound], (0.1, 0.1))))
    pieces = np.concatenate(list(gated(np.array_split(sound, 37), (0.1, 0.1))))
    assert whole.shape == sound.shape and np.array_equal(whole, pieces)


def test_only_a_call_looks_like_one() -> None:
    def looks_like_call(sound: Samples) -> bool:
        return survey([np.ascontiguousarray(sound.T)]).like_a_call

    alone, music = voice(LEFT, 26.0, 1), voice([(0.0, 26.0)], 26.0, 3)
    assert looks_like_call(call(LEFT, RIGHT))
    for other in ([alone, alone], [alone, 0 * alone], [music, 0.7 * music + 0.3 * alone]):
        assert not looks_like_call(np.stack(other).astype(np.float32))


def test_what_was_recognised_of_each_channel_is_not_recognised_again(tmp_path: Path) -> None:
    sound = film("wav", "pcm_s16le", call(LEFT, RIGHT))
    undisturbed = transcribed(call(LEFT, RIGHT)).segments
    batches = []
    for parts in (3, None):  # the first run is cut off
        engine = FakeEngine()
        with Journal(tmp_path / "pieces.jsonl", {}, engine.model) as journal:
            steps = transcribe(recogniser(engine), AudioReader(sound, 3600), CHANNELS, Caller(), journal)
            done = [step for step, _ in zip(steps, range(parts or 99), strict=False)]
        batches.append(len(engine.batches))
    assert isinstance(done[-1], RecordingTranscript) and done[-1].segments == undisturbed
    assert sum(batches) == len(undisturbed)
    positions = [step.position_s for step in done if isinstance(step, Part)]
    assert positions == sorted(positions)


def test_a_segment_is_divided_where_the_other_answers() -> None:
    words = spoken("Can I help you? Good. Go on.", gaps={4: 1.5})
    whole = replace(segment(1.0, words[-1].end_s, "Can I help you? Good. Go on.", words=words), speaker="S1")
    answer = replace(segment(2.4, 3.4, "Yes, please."), speaker="S2")
    assert [(s.speaker, s.text) for s in in_turns([whole, answer])] == [
        ("S1", "Can I help you?"), ("S2", "Yes, please."), ("S1", "Good. Go on."),
    ]  # fmt: skip
    later = replace(answer, start_s=9.0, end_s=10.0)
    assert in_turns([whole, later]) == [whole, later]


def test_the_service_calls_speakers_by_their_names(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(serving, "load_engine", lambda *_: FakeEngine())
    monkeypatch.setattr(serving, "load_detectors", lambda *_: LoudnessDetector)
    client = make_app(load(overrides=[f"jobs.dir={tmp_path}"])).test_client()
    sound = film("wav", "pcm_s16le", call(LEFT, RIGHT))
    address = "/asr?speakers=channels&speaker_names=Agent,%20"
    speakers = [s["speaker"] for s in client.post(address, data=sound).get_json()["segments"]]
    assert speakers == ["Agent", "S2", "Agent", "S2", "Agent"]
    assert client.post(address, data=encode(voice(LEFT, 26.0, 1))).status_code == 422


def test_a_name_is_no_markup() -> None:
    assert "<v A&amp;B &lt;x&gt;>Hi." in as_vtt([replace(segment(0, 1, "Hi."), speaker="A&B <x>")])
