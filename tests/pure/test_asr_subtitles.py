"""A transcript as subtitles, tables, and OpenAI's JSON."""

from __future__ import annotations

import csv
import dataclasses
import io
import re
from itertools import pairwise

import pytest

from huiyin.services.asr.recogniser import Word
from huiyin.services.asr.text.formats import as_csv, as_verbose
from huiyin.services.asr.text.subtitles import as_srt, as_vtt, cues
from tests.support.transcripts import SAYINGS, conversation, feeling, segment, spoken, transcript

# --- subtitles ---------------------------------------------------------------------------------------------------


def test_cues_have_the_times_of_their_words() -> None:
    text = "This is the first half of a long sentence that goes on, and this is the second half of it, which ends here."
    words = spoken(text)
    subtitles = list(cues([segment(1.0, 20.0, text, words=words)]))
    assert " ".join(cue.text for cue in subtitles) == text and len(subtitles) == 2
    assert subtitles[0].text.endswith("goes on,")
    count = len(subtitles[0].text.split())
    assert (subtitles[0].start_s, subtitles[0].end_s) == (words[0].start_s, words[count - 1].end_s)
    assert (subtitles[1].start_s, subtitles[1].end_s) == (words[count].start_s, words[-1].end_s)


def test_a_pause_ends_a_cue() -> None:
    text = "Good morning. How are you?"
    subtitles = list(cues([segment(1.0, 9.0, text, words=spoken(text, gaps={2: 3.0}))]))
    assert [cue.text for cue in subtitles] == ["Good morning.", "How are you?"]
    assert subtitles[1].start_s - subtitles[0].end_s == pytest.approx(3.0)
    assert len(list(cues([segment(1.0, 9.0, text, words=spoken(text, gaps={2: 0.3}))]))) == 1


def test_chinese_characters_are_words() -> None:
    text = "今天我们来谈一谈怎样学习一门新的语言，因为很多人都觉得这件事情非常困难，其实只要每天坚持就可以了。"
    glued = re.findall(r".[，。]?", text)
    words = [Word(char, 2.0 + 0.2 * i, 2.2 + 0.2 * i) for i, char in enumerate(glued)]
    subtitles = list(cues([segment(0.0, 30.0, text, "zh", words=words)]))
    assert "".join(cue.text for cue in subtitles) == text and len(subtitles) >= 2
    assert subtitles[0].text[-1] in "，。" and subtitles[0].start_s == 2.0 and subtitles[-1].end_s == words[-1].end_s
    assert subtitles[1].start_s == pytest.approx(subtitles[0].end_s)


def test_words_that_differ_from_the_text_still_time_it() -> None:
    """Hotwords put right and numbers written as such: the text has other letters than the words."""
    words = spoken(
        "we met in twenty twenty four and then again in the year after that one near the old Fun A S R building"
    )
    text = "We met in 2024, and then again in the year after that one, near the old FunASR building."
    subtitles = list(cues([segment(1.0, 20.0, text, words=words)]))
    times = [time for cue in subtitles for time in (cue.start_s, cue.end_s)]
    assert " ".join(cue.text for cue in subtitles) == text and len(subtitles) == 2
    assert times == sorted(times) and times[0] == words[0].start_s and times[-1] == words[-1].end_s


def test_cues_without_word_times_share_the_segment_by_length() -> None:
    text = "One two three four five six seven eight nine ten, " * 4
    subtitles = list(cues([segment(10.0, 50.0, text)]))
    assert subtitles[0].start_s == 10.0 and subtitles[-1].end_s == pytest.approx(50.0)
    assert all(cue.end_s == pytest.approx(after.start_s) for cue, after in pairwise(subtitles))


def test_no_cue_is_wider_than_two_lines() -> None:
    for text in ("x" * 500, "字" * 300, "한국어" * 60, "สวัสดี" * 40, "a " * 200, "word\n\nword " * 30):
        subtitles = list(cues([segment(0.0, 60.0, text)]))
        assert all(sum(2 if c >= "\u2e80" else 1 for c in cue.text) <= 84 for cue in subtitles)
        assert "".join(cue.text for cue in subtitles).replace(" ", "") == "".join(text.split())
        assert "\n\n" not in as_srt([segment(0.0, 60.0, text)]).split("\n\n")[0]


def test_tags_are_in_subtitles_on_request_only() -> None:
    segments = [
        segment(0.0, 2.0, "No, really.", emotion=feeling("sad"), events=["laughter"]),
        segment(3.0, 4.0, "Well.", emotion=feeling("neutral")),
        segment(5.0, 6.0, "Hm.", emotion=feeling("unknown")),
        segment(7.0, 9.0, "好吧。", "zh", feeling("angry"), ["cough"]),
        segment(10.0, 12.0, "", events=["applause"]),
    ]
    plain = as_srt(segments)
    assert "[" not in plain and "(" not in plain and plain.count(" --> ") == 4
    tagged = [block.split("\n")[2] for block in as_srt(segments, tags=True).strip().split("\n\n")]
    assert tagged == ["[laughter] (sad) No, really.", "Well.", "Hm.", "[咳嗽] (愤怒) 好吧。", "[applause]"]
    assert "[laughter] (sad) No, really." in as_vtt(segments, tags=True)


def test_an_event_is_named_in_the_cue_in_which_it_begins() -> None:
    text = "Good morning. How are you?"
    laughing = segment(1.0, 9.0, text, words=spoken(text, gaps={2: 3.0}), events=["laughter"])
    later = dataclasses.replace(laughing, events=(dataclasses.replace(laughing.events[0], start_s=4.8),))
    assert [cue.text for cue in cues([later], tags=True)] == ["Good morning.", "[laughter] How are you?"]


def test_an_arrow_in_the_text_is_not_a_line_of_times() -> None:
    srt = as_srt([segment(0.0, 1.0, "a --> b")])
    assert srt.count("-->") == 1 and "a → b" in srt


# --- OpenAI's JSON -----------------------------------------------------------------------------------------------


def test_words_are_openais_shape() -> None:
    recording = transcript(segment(1.0, 3.0, "Good morning.", words=spoken("Good morning.")))
    body = as_verbose(recording, words=True)
    assert body["words"] == [
        {"word": "Good", "start": 1.0, "end": 1.3},
        {"word": "morning.", "start": 1.3, "end": 1.6},
    ]
    assert body["warnings"] == []
    assert "words" not in as_verbose(recording) and "words" not in body["segments"][0]


def test_words_that_are_not_known_are_a_warning() -> None:
    body = as_verbose(transcript(segment(1.0, 3.0, "Good morning.")), words=True)
    assert "words" not in body and "single words are not available" in body["warnings"][0]
    assert as_verbose(transcript(), words=True)["warnings"] == [], "no speech"


# --- csv ---------------------------------------------------------------------------------------------------------


def rows(text: str) -> list[dict[str, str]]:
    assert text.startswith("\ufeff"), "or Excel shows 乱码"
    return list(csv.DictReader(io.StringIO(text[1:])))


def test_a_table_has_a_row_a_segment_and_a_column_a_score() -> None:
    recording = conversation(40)
    table = rows(as_csv(recording.segments))
    assert len(table) == 40 and {row["language"] for row in table} == set(SAYINGS)
    labels = {label for s in recording.segments for label in s.emotion.scores}  # type: ignore[union-attr]
    head = ["start_s", "end_s", "text", "language", "confidence", "emotion", "emotion_confidence"]
    assert list(table[0]) == [*head, *(f"emotion_{label}" for label in table_labels(table)), "events"]
    assert set(table_labels(table)) == labels
    ninth = recording.segments[9]
    assert ninth.emotion and table[9]["emotion"] == ninth.emotion.label
    assert float(table[9][f"emotion_{ninth.emotion.label}"]) == pytest.approx(ninth.emotion.confidence, abs=1e-3)
    assert table[9]["events"] == "music; applause" and float(table[9]["start_s"]) == ninth.start_s
    assert table[9]["text"] == ninth.text


def table_labels(table: list[dict[str, str]]) -> list[str]:
    named = [column.removeprefix("emotion_") for column in table[0] if column.startswith("emotion_")]
    return [label for label in named if label != "confidence"]


def test_a_table_without_emotion_has_empty_cells_not_neutral() -> None:
    (row,) = rows(as_csv([segment(0.0, 1.0, 'He said "yes",\nthen left.')]))
    assert row["emotion"] == row["emotion_confidence"] == row["events"] == "" and not table_labels([row])
    assert row["text"] == 'He said "yes",\nthen left.'
    assert rows(as_csv([])) == []


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "＝1", '=HYPERLINK("http://x","y")'])
def test_no_cell_is_a_formula(text: str) -> None:
    (row,) = rows(as_csv([segment(0.0, 1.0, text)]))
    assert row["text"] == f"'{text}"
    (row,) = rows(as_csv([segment(0.0, 1.0, f"It is {text}")]))
    assert row["text"] == f"It is {text}"
