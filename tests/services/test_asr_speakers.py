"""A recording is divided among its speakers. Voices here are tones: a speaker has a pitch of their own."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import pytest

from huiyin.configs.settings import AsrSettings
from huiyin.services.asr.planner import make_plan
from huiyin.services.asr.queue import Caller, ModelQueue
from huiyin.services.asr.recogniser import Hints, RecordingTranscript, Segment, Word
from huiyin.services.asr.signal.pieces import Piece
from huiyin.services.asr.speakers.clustering import SAME_SPEAKER, clustered, speakers_of
from huiyin.services.asr.speakers.diarisation import Turn, Voices, runs
from huiyin.services.asr.speakers.labelling import with_speakers
from huiyin.services.asr.speakers.voice import voice_of
from huiyin.services.asr.text.formats import as_csv
from huiyin.services.asr.text.paragraphs import as_text
from huiyin.services.asr.text.subtitles import as_srt, as_vtt
from huiyin.services.asr.transcribe import Recogniser, transcribe
from huiyin.services.common.audio import SAMPLE_RATE, AudioReader, Samples
from huiyin.services.common.errors import ApiError
from tests.support.asr_fakes import FakeEngine, LoudnessDetector
from tests.support.media import encode
from tests.support.transcripts import segment, spoken

LOW, HIGH, SHRILL = 200, 900, 3000  # Hz


class ToneEngine:
    """A voice is its spectrum."""

    model, size = "tones", 50

    def embed(self, pieces: Sequence[Samples]) -> np.ndarray:
        rows = np.stack([np.abs(np.fft.rfft(piece, 2 * 8000))[:8000].reshape(50, -1).sum(axis=1) for piece in pieces])
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def tone(pitch: int, length_s: float, gap_s: float = 0.5) -> Samples:
    time_s = np.arange(round(length_s * SAMPLE_RATE)) / SAMPLE_RATE
    quiet = np.zeros(round(gap_s * SAMPLE_RATE))
    return np.concatenate([0.3 * np.sin(2 * np.pi * pitch * time_s), quiet]).astype(np.float32)


def turns_of(*parts: Samples, count: int = 0) -> list[Turn]:
    voices = Voices(ToneEngine(), LoudnessDetector)
    start = 0
    for part in parts:
        voices.add(Piece(start, part))
        start += len(part)
    return voices.turns(count)


def test_each_turn_is_its_speakers() -> None:
    turns = turns_of(tone(HIGH, 4.0), tone(LOW, 3.0), tone(HIGH, 2.0), tone(LOW, 5.0))
    assert [turn.speaker for turn in turns] == [0, 1, 0, 1], "numbered as they appear"
    assert [turn.start_s for turn in turns] == pytest.approx([0.0, 4.5, 8.0, 10.5], abs=0.03)


def test_a_change_without_a_pause_is_found() -> None:
    turns = turns_of(np.concatenate([tone(LOW, 4.0, 0.0), tone(HIGH, 5.0)]))
    assert [turn.speaker for turn in turns] == [0, 1]
    assert turns[1].start_s == turns[0].end_s == pytest.approx(4.0, abs=0.5)


def test_one_voice_is_one_speaker_even_where_two_were_asked_for() -> None:
    parts = [tone(LOW, 4.0)] * 4
    assert {turn.speaker for turn in turns_of(*parts)} == {0}
    assert {turn.speaker for turn in turns_of(*parts, count=2)} == {0}


def test_the_number_of_speakers_is_kept_to() -> None:
    parts = [tone(pitch, 4.0) for pitch in (LOW, HIGH, SHRILL, LOW)]
    assert [turn.speaker for turn in turns_of(*parts)] == [0, 1, 2, 0]
    assert {turn.speaker for turn in turns_of(*parts, count=2)} == {0, 1}


def test_a_word_by_itself_is_no_speaker_of_its_own() -> None:
    turns = turns_of(tone(LOW, 6.0), tone(SHRILL, 0.6), tone(HIGH, 6.0))
    assert {turn.speaker for turn in turns} == {0, 1}


def test_a_recording_without_speech_has_no_turns() -> None:
    assert turns_of(np.zeros(SAMPLE_RATE, np.float32)) == []


def test_a_long_recording_is_clustered_in_parts() -> None:
    rng = np.random.default_rng(0)
    people = np.eye(3, 40)
    who = np.arange(1500) // 7 % 3  # two parts
    rows = people[who] + rng.normal(0, 0.08, (1500, 40))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    assert len(np.unique(clustered(rows, SAME_SPEAKER))) == 3
    assert speakers_of(rows, np.ones(1500), 0, 3.0).tolist() == who.tolist()


def test_short_runs_join_the_one_before() -> None:
    assert runs([1, 1, 1, 2, 1, 1, 3, 3, 3], 2) == [(1, 0, 6), (3, 6, 9)]
    assert runs([2, 1, 1, 1], 2) == [(1, 0, 4)]
    assert runs([], 2) == []


# --- in a transcript ---------------------------------------------------------------------------------------------


def test_a_segment_is_divided_where_another_speaker_begins() -> None:
    text = "How are you? Fine, thank you."
    words = spoken(text)
    change_s = words[3].start_s
    turns = [Turn(0.0, change_s, 1), Turn(change_s, 60.0, 0)]
    first, second = with_speakers([segment(words[0].start_s, words[-1].end_s, text, words=words)], turns)
    assert (first.speaker, first.text, second.speaker, second.text) == ("S2", "How are you?", "S1", "Fine, thank you.")
    assert (first.words, second.words) == (tuple(words[:3]), tuple(words[3:]))
    assert first.end_s <= second.start_s == change_s and second.end_s == words[-1].end_s


def test_a_full_stop_stays_with_its_sentence() -> None:
    text = "有一个重要的分支。总共一万元。"
    words = [Word(char, i * 0.2, i * 0.2 + 0.2) for i, char in enumerate(text)]
    turns = [Turn(0.0, 8 * 0.2, 0), Turn(8 * 0.2, 60.0, 1)]
    parts = with_speakers([segment(0.0, len(text) * 0.2, text, "zh", words=words)], turns)
    assert [part.text for part in parts] == ["有一个重要的分支。", "总共一万元。"]


def test_a_segment_without_times_of_words_is_whose_most_of_it_is() -> None:
    turns = [Turn(0.0, 1.0, 0), Turn(1.0, 4.0, 1), Turn(6.0, 8.0, 0)]
    named = list(with_speakers([segment(0.0, 4.0, "Hello there."), segment(4.2, 5.0, "Mm.")], turns))
    assert [s.speaker for s in named] == ["S2", "S2"], "outside all turns the nearest counts"
    assert list(with_speakers([segment(0.0, 4.0, "Hi.")], [])) == [segment(0.0, 4.0, "Hi.")]


def test_documents_name_the_speakers() -> None:
    said = [segment(0, 2, "Hello."), segment(2, 3, "Are you there?"), segment(3, 4, "Yes.")]
    said = [dataclasses.replace(s, speaker=name) for s, name in zip(said, ("S1", "S1", "S2"), strict=True)]
    assert as_text(said) == "S1: Hello. Are you there?\n\nS2: Yes.\n"
    lines = [line for line in as_srt(said).splitlines() if line[:1].isalpha()]
    assert lines == ["S1: Hello.", "Are you there?", "S2: Yes."]
    assert "<v S1>Are you there?" in as_vtt(said) and "<v S2>Yes." in as_vtt(said)
    assert [row.rpartition(",")[2] for row in as_csv(said).splitlines()] == ["speaker", "S1", "S1", "S2"]
    assert said[0].as_dict()["speaker"] == "S1"


def test_a_transcript_names_its_speakers_where_it_is_asked_to() -> None:
    engine = FakeEngine()
    plan = make_plan(engine, AsrSettings(), lambda device: 0)
    recogniser = Recogniser(engine, ModelQueue(1.0, 4), LoudnessDetector, plan, speaker_engine=ToneEngine)
    sound = np.concatenate([tone(pitch, 5.0, 1.0) for pitch in (LOW, HIGH, LOW, HIGH)])

    def speakers(hints: Hints) -> list[str | None]:
        *_, last = transcribe(recogniser, AudioReader(encode(sound), 3600, None), hints, Caller())
        assert isinstance(last, RecordingTranscript)
        return [s.speaker for s in last.segments]

    assert speakers(Hints()) == [None] * 4
    assert speakers(Hints(speakers=0)) == ["S1", "S2", "S1", "S2"]


def test_words_and_segments_are_as_many_as_before() -> None:
    words = [Word(word, i, i + 0.9) for i, word in enumerate(["a", "b", "c", "d", "e", "f"])]
    whole = Segment(0.0, 6.0, "a b c d e f", "en", 1.0, words=tuple(words))
    turns = [Turn(0.0, 1.5, 0), Turn(1.5, 4.4, 1), Turn(4.4, 6.0, 0)]
    parts = list(with_speakers([whole], turns))
    assert " ".join(part.text for part in parts) == whole.text
    assert [word for part in parts for word in part.words] == words


# --- one voice ---------------------------------------------------------------------------------------------------


def test_a_voice_is_that_of_the_speech_alone() -> None:
    quiet = np.zeros(3 * SAMPLE_RATE, np.float32)
    alone = voice_of([tone(LOW, 3.0)], ToneEngine(), LoudnessDetector)
    among = voice_of([quiet, tone(LOW, 3.0), quiet], ToneEngine(), LoudnessDetector)
    assert among["speech_s"] == alone["speech_s"] == pytest.approx(3.0, abs=0.03)
    assert np.dot(among["embedding"], alone["embedding"]) > 0.99 and among["model"] == "tones"
    other = voice_of([tone(HIGH, 3.0)], ToneEngine(), LoudnessDetector)
    assert np.dot(other["embedding"], alone["embedding"]) < 0.2


def test_too_little_speech_is_no_voice() -> None:
    with pytest.raises(ApiError) as error:
        voice_of([tone(LOW, 0.4)], ToneEngine(), LoudnessDetector)
    assert (error.value.status, error.value.code) == (422, "no_speech")
