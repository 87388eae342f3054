"""What one gets out of a transcription: subtitles, tables, OpenAI's JSON, the report."""

from __future__ import annotations

import base64
import csv
import dataclasses
import hashlib
import io
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from flask import Flask, Response, jsonify, request
from media import encode
from openai.types.audio import TranscriptionVerbose
from transcripts import SAYINGS, conversation, feeling, segment, transcript, waveform_of
from werkzeug.datastructures import FileStorage

from configs.settings import AsrSettings
from services.asr import answers
from services.asr.asking import Ask, openai_ask, own_ask
from services.asr.engine import Emotion, Hints, Segment, Transcript, Word
from services.asr.formats import DOCUMENTS, FORMATS, as_csv, as_srt, as_verbose, as_vtt
from services.asr.report.media import MOST_PEAKS, Waveform, listen
from services.asr.report.page import report
from services.asr.report.track import course, emotion_track, negative, shares
from services.asr.report.words import in_plain_words
from services.asr.subtitles import cues
from services.asr.transcribe import Part
from services.common import errors
from services.common.audio import SAMPLE_RATE, AudioReader, decode
from services.common.errors import ApiError

EVIL = '</script><script>alert("x")</script><img src=x onerror=alert(1)>&amp; ]]> <!--'


def spoken(text: str, start_s: float = 1.0, word_s: float = 0.3, gaps: dict[int, float] | None = None) -> list[Word]:
    """The text's words, one after the other; `gaps` are pauses before words, by number."""
    words, at_s = [], start_s
    for i, word in enumerate(text.split()):
        at_s += (gaps or {}).get(i, 0.0)
        words.append(Word(word, at_s, at_s + word_s))
        at_s += word_s
    return words


# --- subtitles ---------------------------------------------------------------------------------------------------


def test_cues_have_the_times_of_their_words() -> None:
    text = "This is the first half of a long sentence that goes on, and this is the second half of it, which ends here."
    words = spoken(text)
    heard = list(cues([segment(1.0, 20.0, text, words=words)]))
    assert " ".join(cue.text for cue in heard) == text and len(heard) == 2
    assert heard[0].text.endswith("goes on,")
    count = len(heard[0].text.split())
    assert (heard[0].start_s, heard[0].end_s) == (words[0].start_s, words[count - 1].end_s)
    assert (heard[1].start_s, heard[1].end_s) == (words[count].start_s, words[-1].end_s)


def test_a_pause_ends_a_cue() -> None:
    text = "Good morning. How are you?"
    heard = list(cues([segment(1.0, 9.0, text, words=spoken(text, gaps={2: 3.0}))]))
    assert [cue.text for cue in heard] == ["Good morning.", "How are you?"]
    assert heard[1].start_s - heard[0].end_s == pytest.approx(3.0)
    assert len(list(cues([segment(1.0, 9.0, text, words=spoken(text, gaps={2: 0.3}))]))) == 1


def test_chinese_characters_are_words() -> None:
    text = "今天我们来谈一谈怎样学习一门新的语言，因为很多人都觉得这件事情非常困难，其实只要每天坚持就可以了。"
    glued = re.findall(r".[，。]?", text)
    words = [Word(char, 2.0 + 0.2 * i, 2.2 + 0.2 * i) for i, char in enumerate(glued)]
    heard = list(cues([segment(0.0, 30.0, text, "zh", words=words)]))
    assert "".join(cue.text for cue in heard) == text and len(heard) >= 2
    assert heard[0].text[-1] in "，。" and heard[0].start_s == 2.0 and heard[-1].end_s == words[-1].end_s
    assert heard[1].start_s == pytest.approx(heard[0].end_s)


def test_words_that_differ_from_the_text_still_time_it() -> None:
    """Hotwords put right and numbers written as such: the text has other letters than the words."""
    words = spoken(
        "we met in twenty twenty four and then again in the year after that one near the old Fun A S R building"
    )
    text = "We met in 2024, and then again in the year after that one, near the old FunASR building."
    heard = list(cues([segment(1.0, 20.0, text, words=words)]))
    times = [time for cue in heard for time in (cue.start_s, cue.end_s)]
    assert " ".join(cue.text for cue in heard) == text and len(heard) == 2
    assert times == sorted(times) and times[0] == words[0].start_s and times[-1] == words[-1].end_s


def test_cues_without_word_times_share_the_segment_by_length() -> None:
    text = "One two three four five six seven eight nine ten, " * 4
    heard = list(cues([segment(10.0, 50.0, text)]))
    assert heard[0].start_s == 10.0 and heard[-1].end_s == pytest.approx(50.0)
    assert all(cue.end_s == pytest.approx(after.start_s) for cue, after in pairwise(heard))


def test_no_cue_is_wider_than_two_lines_whatever_is_said() -> None:
    for text in ("x" * 500, "字" * 300, "한국어" * 60, "สวัสดี" * 40, "a " * 200, "word\n\nword " * 30):
        heard = list(cues([segment(0.0, 60.0, text)]))
        assert all(sum(2 if c >= "\u2e80" else 1 for c in cue.text) <= 84 for cue in heard)
        assert "".join(cue.text for cue in heard).replace(" ", "") == "".join(text.split())
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
    heard = segment(1.0, 9.0, text, words=spoken(text, gaps={2: 3.0}), events=["laughter"])
    later = dataclasses.replace(heard, events=(dataclasses.replace(heard.events[0], start_s=4.8),))
    assert [cue.text for cue in cues([later], tags=True)] == ["Good morning.", "[laughter] How are you?"]


def test_an_arrow_in_the_text_is_not_a_line_of_times() -> None:
    srt = as_srt([segment(0.0, 1.0, "a --> b")])
    assert srt.count("-->") == 1 and "a → b" in srt


# --- OpenAI's JSON -----------------------------------------------------------------------------------------------


def test_words_are_openais_shape() -> None:
    heard = transcript(segment(1.0, 3.0, "Good morning.", words=spoken("Good morning.")))
    body = as_verbose(heard, words=True)
    assert body["words"] == [
        {"word": "Good", "start": 1.0, "end": 1.3},
        {"word": "morning.", "start": 1.3, "end": 1.6},
    ]
    assert body["warnings"] == []
    assert "words" not in as_verbose(heard) and "words" not in body["segments"][0]


def test_words_that_are_not_known_are_a_warning() -> None:
    body = as_verbose(transcript(segment(1.0, 3.0, "Good morning.")), words=True)
    assert "words" not in body and "single words are not available" in body["warnings"][0]
    assert as_verbose(transcript(), words=True)["warnings"] == [], "nothing was said"


# --- csv ---------------------------------------------------------------------------------------------------------


def rows(text: str) -> list[dict[str, str]]:
    assert text.startswith("\ufeff"), "or Excel shows 乱码"
    return list(csv.DictReader(io.StringIO(text[1:])))


def test_a_table_has_a_row_a_segment_and_a_column_a_score() -> None:
    heard = conversation(40)
    table = rows(as_csv(heard.segments))
    assert len(table) == 40 and {row["language"] for row in table} == set(SAYINGS)
    labels = {label for s in heard.segments for label in s.emotion.scores}  # type: ignore[union-attr]
    head = ["start_s", "end_s", "text", "language", "confidence", "emotion", "emotion_confidence"]
    assert list(table[0]) == [*head, *(f"emotion_{label}" for label in table_labels(table)), "events"]
    assert set(table_labels(table)) == labels
    ninth = heard.segments[9]
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


# --- emotion over the recording ----------------------------------------------------------------------------------


def moods(*pairs: tuple[str | None, float]) -> list[Segment]:
    """Segments of these emotions and lengths, one after the other."""
    made, at_s = [], 0.0
    for label, length_s in pairs:
        made.append(segment(at_s, at_s + length_s, "x", emotion=feeling(label) if label else None))
        at_s += length_s
    return made


def test_shares_are_of_the_time_that_has_an_emotion() -> None:
    track = emotion_track(moods(("neutral", 6.0), (None, 50.0), ("angry", 2.0), ("neutral", 2.0)))
    assert shares(track) == pytest.approx({"neutral": 0.8, "angry": 0.2})
    assert list(shares(track)) == ["neutral", "angry"]
    assert shares(emotion_track(moods((None, 5.0)))) == {} and in_plain_words((), "en") == ""


def test_the_course_is_told_in_thirds_of_the_speech() -> None:
    track = emotion_track(moods(*[("neutral", 5.0)] * 3, *[("angry", 5.0)] * 3, *[("happy", 5.0)] * 3))
    assert course(track) == ({"neutral": 1.0}, {"angry": 1.0}, {"happy": 1.0})
    split = emotion_track(moods(("sad", 45.0), *[("happy", 9.0)] * 5))
    assert [round(negative(third), 2) for third in course(split)] == [1.0, 0.5, 0.0]
    assert course(track[:5]) == (), "too little to speak of a course"


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", ["Most often angry: 33 %", "begins mostly angry", "neutral in the middle", "falls from 100 % of"]),
        ("ko", ["Most often angry: 33 %"]),
        (
            "zh",
            [
                "愤怒最多，占语音时间的 33%",
                "开头以愤怒为主，中段以平静为主，结尾以高兴为主。",
                "从前三分之一的 100% 降到",
            ],
        ),
        ("yue", ["开头以愤怒为主"]),
    ],
)
def test_plain_words_say_what_prevails_and_how_it_goes(language: str, told: list[str]) -> None:
    track = emotion_track(moods(*[("angry", 5.0)] * 3, *[("neutral", 5.0)] * 3, *[("happy", 5.0)] * 3))
    words = in_plain_words(track, language)
    assert all(part in words for part in told), words


def test_plain_words_of_a_single_mood_and_of_a_short_clip() -> None:
    assert in_plain_words(emotion_track(moods(("sad", 4.0))), "en") == "Mostly sad: 100 % of the speech."
    steady = in_plain_words(emotion_track(moods(*[("neutral", 10.0)] * 9)), "en")
    assert steady == "Mostly neutral: 100 % of the speech. Each third of it is mostly neutral."


# --- the waveform ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [2, 7, 100, MOST_PEAKS])
@pytest.mark.parametrize("count", [1, 159, 160, 16_000, 333_333])
def test_a_waveform_is_the_loudest_sample_of_each_stretch(most: int, count: int) -> None:
    samples = np.random.default_rng(count).uniform(-1, 1, count).astype(np.float32)
    waveform = Waveform(most)
    for start in range(0, count, 12_345):
        waveform.add(samples[start : start + 12_345])
    step = round(waveform.step_s * SAMPLE_RATE)
    wanted = [float(np.abs(samples[i : i + step]).max()) for i in range(0, count, step)]
    assert waveform.peaks == pytest.approx(wanted) and len(wanted) <= most
    assert len(wanted) >= (most - 1) // 2 or step == 160


def test_a_waveform_of_ten_hours_has_no_more_points_than_one_of_a_minute() -> None:
    block = np.full(600 * SAMPLE_RATE, 0.5, np.float32)
    waveform = Waveform(1600)
    for _ in range(60):
        waveform.add(block)
    assert 800 <= len(waveform.peaks) <= 1600 and set(waveform.peaks) == {0.5}
    assert len(waveform.peaks) * waveform.step_s == pytest.approx(36_000, rel=0.01)


# --- the report --------------------------------------------------------------------------------------------------

_ALONE = {"meta", "link", "path", "rect", "br", "img"}


class Page(HTMLParser):
    """Checks that elements are closed in order; collects what is in them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _ALONE or tag == "rect":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.setdefault(self.open[-1] if self.open else "", []).append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def page_of(heard: Transcript, title: str = "call.mp3") -> Page:
    return Page("".join(report(heard, waveform_of(heard.duration_s), title)))


def test_a_report_has_all_of_it_in_one_file() -> None:
    heard = conversation(40)
    page = page_of(heard, "客服.mp3")
    assert (
        page.all("html") == [{"lang": "zh"}]
        and page.texts["h1"] == ["客服.mp3"]
        and page.texts["title"][0] == "客服.mp3"
    )
    assert [text for text in page.texts["h2"]] == ["情感", "时间轴", "文字"]
    items = page.all("li")
    assert [item["id"] for item in items] == [f"s{n}" for n in range(1, 41)]
    assert [float(item["data-start"] or "") for item in items] == [s.start_s for s in heard.segments]
    paragraphs = page.all("p")
    assert {p["lang"] for p in paragraphs if "lang" in p} == set(SAYINGS)
    marks = page.all("rect")
    assert len(marks) == 40 + len(heard.events)
    assert {mark["class"] for mark in marks} == {s.emotion.label for s in heard.segments if s.emotion} | {"sound"}
    assert all(0 <= float(m["x"] or "") <= 1000 and 0.3 <= float(m["opacity"] or "") <= 1 for m in marks)
    (path,) = page.all("path")
    assert len((path["d"] or "").split()) > 1600


def test_a_mark_leads_to_its_segment_and_is_as_opaque_as_sure() -> None:
    sure, unsure = feeling("angry", 0.95), feeling("sad", 0.4)
    page = page_of(transcript(segment(0, 1, "a"), segment(2, 4, "b", emotion=sure), segment(6, 9, "c", emotion=unsure)))
    links = [link["href"] for link in page.all("a") if "tabindex" in link]
    assert links == ["#s3", "#s2"], "the longest emotion has the first row"
    unsure_mark, sure_mark = page.all("rect")
    assert float(sure_mark["opacity"] or "") > float(unsure_mark["opacity"] or "")
    assert float(sure_mark["x"] or "") == pytest.approx(1000 * 2 / 60, abs=0.1)


def test_nothing_from_the_recording_is_markup() -> None:
    mood = Emotion(EVIL, 0.9, {EVIL: 0.9})
    heard = transcript(segment(0.0, 2.0, EVIL, 'en"><script>', mood, [EVIL]), emotion=mood, warnings=(f"odd: {EVIL}",))
    page = page_of(dataclasses.replace(heard, model=EVIL), EVIL)
    assert len(page.all("script")) == 1 and not page.all("img")
    assert page.texts["h1"] == [EVIL] and EVIL in page.texts["p"] and f"odd: {EVIL}" in page.texts["li"]
    assert {mark["class"] for mark in page.all("rect")} == {"other", "sound"}
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)


def test_a_report_asks_nothing_of_the_network_and_runs_its_own_script_only() -> None:
    html = "".join(report(conversation(5), waveform_of(30), "x"))
    page = Page(html)
    for _, attributes in page.tags:
        for name in ("src", "href", "xlink:href", "action", "data"):
            assert (attributes.get(name) or "#").startswith(("#", "data:"))
    assert not re.search(r"https?:|url\(|@import", html)
    (policy,) = (m["content"] or "" for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; ") and "http" not in policy
    (script,) = page.texts["script"]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy


def test_emotion_that_is_not_known_is_said_so_never_neutral() -> None:
    html = "".join(report(transcript(segment(0.0, 1.0, "Hello.")), waveform_of(3), "x"))
    assert "not available with this recogniser (SenseVoiceSmall)" in html
    assert not re.search("neutral|平静", html.partition("<body>")[2])
    chinese = "".join(report(transcript(segment(0.0, 1.0, "你好。", "zh")), waveform_of(3), "x"))
    assert "此识别模型不提供" in chinese


def test_a_report_of_silence_and_of_a_name_less_recording() -> None:
    page = page_of(transcript(), "")
    assert page.texts["h1"] == ["Recording"] and "No speech was heard." in page.texts["p"] and not page.all("li")


def test_an_hour_is_a_small_file() -> None:
    waveform = waveform_of(60)
    waveform._step *= 60  # an hour's worth of points
    html = "".join(report(conversation(600), waveform, "hour.m4a"))
    assert len(html.encode()) < 500_000
    assert len(Page(html).all("li")) == 600


def test_the_sound_in_a_report_is_the_recording() -> None:
    rng = np.random.default_rng(2)
    samples = np.repeat(rng.uniform(0.05, 0.5, 30), SAMPLE_RATE // 10).astype(np.float32)
    samples *= np.sin(2 * np.pi * 440 * np.arange(len(samples)) / SAMPLE_RATE).astype(np.float32)
    wav = encode(samples, "wav", "pcm_s24le", 44_100, 2)
    waveform, sound = listen(AudioReader(wav, 60), 100, 60.0)
    assert sound is not None
    html = "".join(report(transcript(duration_s=3.0), waveform, "x", sound))
    (audio,) = Page(html).all("audio")
    kind, _, data = (audio["src"] or "").partition(";base64,")
    assert kind == "data:audio/mpeg"
    played = decode(base64.b64decode(data), max_duration_s=60).samples
    assert len(played) == pytest.approx(len(samples), abs=2000)
    loudness = [float(np.abs(played[i : i + 1600]).max()) for i in range(0, 48_000 - 1600, 1600)]
    meant = [float(np.abs(samples[i : i + 1600]).max()) for i in range(0, 48_000 - 1600, 1600)]
    assert np.corrcoef(loudness, meant)[0, 1] > 0.7
    assert listen(AudioReader(wav, 60), 100, 2.0)[1] is None, "longer than what is embedded"
    assert listen(AudioReader(wav, 60), 100, 0.0)[1] is None


# --- over HTTP ---------------------------------------------------------------------------------------------------

HEARD = transcript(
    segment(0.2, 1.0, "Good morning.", emotion=feeling("happy"), events=["laughter"], words=spoken("Good morning.")),
    segment(1.2, 2.0, "再见。", "zh", feeling("sad")),
    duration_s=2.0,
)
WAV = encode((np.sin(np.arange(2 * SAMPLE_RATE) / 9) * 0.3).astype(np.float32))


@pytest.fixture
def app() -> Flask:
    """The two addresses with a stated transcript behind them instead of a model."""
    flask, settings = Flask("reports"), AsrSettings()
    errors.install(flask)

    @flask.post("/asr")
    def own() -> Response:
        ask = own_ask(request, settings, ("en", "zh"))
        if ask.stream:
            steps = [Part(HEARD.segments, 2.0, 2.0), HEARD]
            return jsonify([json.loads("".join(blocks)) for blocks in answers.events(steps, ask, settings)])
        if ask.response_format == "json":
            return Response(answers.result(HEARD, ask, settings), content_type="application/json")
        return Response("".join(answers.document(HEARD, ask, settings)), content_type=DOCUMENTS[ask.response_format])

    @flask.post("/v1/audio/transcriptions")
    def openai_address() -> Response:
        return jsonify(dataclasses.asdict(openai_ask(request, "m", ("en",)))["response_format"])

    return flask


def asked(app: Flask, **query: object) -> Response:
    upload = FileStorage(io.BytesIO(WAV), "calls/one.wav")
    return app.test_client().post("/asr", data={"file": upload, **query}, content_type="multipart/form-data")


@pytest.mark.parametrize("form", [*DOCUMENTS])
def test_the_service_answers_in_every_format(app: Flask, form: str) -> None:
    answer = asked(app, format=form)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200 and answer.mimetype == DOCUMENTS[form]
    assert "Good morning." in text
    streamed = asked(app, format=form, stream="1").get_json()
    assert [e["type"] for e in streamed[:1]] == ["segments"] and streamed[-1]["type"] == "done"
    assert "".join(e["text"] for e in streamed[1:-1]) == ("" if form == "json" else text)
    assert streamed[-1]["result"]["text"] == HEARD.text


def test_a_report_over_http_has_the_uploads_name_and_its_sound_unless_told_otherwise(app: Flask) -> None:
    html = asked(app, format="html").get_data(as_text=True)
    assert Page(html).texts["h1"] == ["one.wav"] and len(Page(html).all("audio")) == 1
    html = asked(app, format="html", embed_audio="false", title="Monday's call").get_data(as_text=True)
    assert Page(html).texts["h1"] == ["Monday's call"] and not Page(html).all("audio")


def test_a_long_recording_is_embedded_on_request_only(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = AsrSettings()
    for length_s, asked_for, embedded in (
        (4.0, None, True),
        (6.0, None, False),
        (6.0, True, True),
        (4.0, False, False),
    ):
        monkeypatch.setattr(answers, "_EMBED_UP_TO_S", 5.0)
        wav = encode(np.full(round(length_s * SAMPLE_RATE), 0.1, np.float32))
        ask = Ask(wav, None, Hints(), False, "html", embed_audio=asked_for)
        assert ("<audio" in "".join(answers.document(HEARD, ask, settings))) == embedded


def test_tags_waveform_and_subtitles_come_with_the_result(app: Flask) -> None:
    result = asked(app, subtitles="srt", tags="true", peaks="50").get_json()
    assert "[laughter] (happy) Good morning." in result["subtitles"] and "(悲伤) 再见。" in result["subtitles"]
    waveform = result["waveform"]
    assert 25 <= len(waveform["peaks"]) <= 50 and max(waveform["peaks"]) == pytest.approx(0.3, abs=0.01)
    assert waveform["step_s"] * len(waveform["peaks"]) == pytest.approx(2.0, abs=0.1)
    assert "waveform" not in asked(app).get_json() and "[laughter]" not in asked(app, format="vtt").get_data(
        as_text=True
    )


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"format": "docx"}, "bad_format"),
        ({"peaks": "1"}, "bad_peaks"),
        ({"peaks": "4001"}, "bad_peaks"),
        ({"peaks": "many"}, "bad_peaks"),
        ({"tags": "perhaps"}, "bad_tags"),
        ({"embed_audio": "perhaps"}, "bad_embed_audio"),
    ],
)
def test_wrong_options_are_refused(app: Flask, query: dict[str, str], code: str) -> None:
    answer = asked(app, **query)
    assert answer.status_code == 400 and answer.get_json()["error"]["code"] == code


def test_openais_address_keeps_openais_formats(app: Flask) -> None:
    for form in ("csv", "html"):
        data = {"file": FileStorage(io.BytesIO(WAV), "a.wav"), "response_format": form}
        answer = app.test_client().post("/v1/audio/transcriptions", data=data, content_type="multipart/form-data")
        assert answer.get_json()["error"]["code"] == "bad_response_format"
        assert form not in FORMATS


def test_strict_openai_clients_understand_it() -> None:
    answer = TranscriptionVerbose.model_validate(json.loads(json.dumps(as_verbose(HEARD, words=True))))
    assert answer.words and (answer.words[0].word, answer.words[0].start) == ("Good", 1.0)


def test_the_pages_parts_are_shipped() -> None:
    """A wheel must have the style and the script, which are not Python."""
    root = Path(__file__).resolve().parent.parent
    declared = (root / "pyproject.toml").read_text(encoding="utf-8")
    assert '"services.asr.report" = ["*.css", "*.js"]' in declared


def test_unreadable_recordings_are_an_error_before_the_report_begins() -> None:
    ask = Ask(b"no sound" * 100, None, Hints(), False, "html")
    with pytest.raises(ApiError, match="not a sound file"):
        answers.document(HEARD, ask, AsrSettings())
