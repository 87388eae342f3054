"""The report of a transcription: emotion over the recording, its waveform, one page with all of it."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re

import numpy as np
import pytest

from huiyin.services.asr.recogniser import Emotion, RecordingTranscript, Segment
from huiyin.services.asr.report.labels import in_plain_words
from huiyin.services.asr.report.media import MOST_PEAKS, Waveform, waveform_and_sound
from huiyin.services.asr.report.page import report
from huiyin.services.asr.report.track import course, emotion_track, negative, shares
from huiyin.services.common.audio import SAMPLE_RATE, AudioReader, decode
from tests.support.html_page import Page
from tests.support.media import encode
from tests.support.transcripts import SAYINGS, conversation, feeling, segment, transcript, waveform_of

EVIL = '</script><script>alert("x")</script><img src=x onerror=alert(1)>&amp; ]]> <!--'

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


def test_the_course_is_given_in_thirds_of_the_speech() -> None:
    track = emotion_track(moods(*[("neutral", 5.0)] * 3, *[("angry", 5.0)] * 3, *[("happy", 5.0)] * 3))
    assert course(track) == ({"neutral": 1.0}, {"angry": 1.0}, {"happy": 1.0})
    split = emotion_track(moods(("sad", 45.0), *[("happy", 9.0)] * 5))
    assert [round(negative(third), 2) for third in course(split)] == [1.0, 0.5, 0.0]
    assert course(track[:5]) == (), "too little to speak of a course"


@pytest.mark.parametrize(
    ("language", "phrases"),
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
def test_plain_words_name_the_main_emotion_and_the_course(language: str, phrases: list[str]) -> None:
    track = emotion_track(moods(*[("angry", 5.0)] * 3, *[("neutral", 5.0)] * 3, *[("happy", 5.0)] * 3))
    words = in_plain_words(track, language)
    assert all(part in words for part in phrases), words


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
    expected = [float(np.abs(samples[i : i + step]).max()) for i in range(0, count, step)]
    assert waveform.peaks == pytest.approx(expected) and len(expected) <= most
    assert len(expected) >= (most - 1) // 2 or step == 160


@pytest.mark.slow
def test_a_waveform_of_ten_hours_has_no_more_points_than_one_of_a_minute() -> None:
    block = np.full(600 * SAMPLE_RATE, 0.5, np.float32)
    waveform = Waveform(1600)
    for _ in range(60):
        waveform.add(block)
    assert 800 <= len(waveform.peaks) <= 1600 and set(waveform.peaks) == {0.5}
    assert len(waveform.peaks) * waveform.step_s == pytest.approx(36_000, rel=0.01)


# --- the report --------------------------------------------------------------------------------------------------


def page_of(recording: RecordingTranscript, title: str = "call.mp3") -> Page:
    return Page("".join(report(recording, waveform_of(recording.duration_s), title)))


def test_a_report_has_all_of_it_in_one_file() -> None:
    recording = conversation(40)
    page = page_of(recording, "客服.mp3")
    assert (
        page.all("html") == [{"lang": "zh"}]
        and page.texts["h1"] == ["客服.mp3"]
        and page.texts["title"][0] == "客服.mp3"
    )
    assert [text for text in page.texts["h2"]] == ["情感", "时间轴", "文字"]
    items = page.all("li")
    assert [item["id"] for item in items] == [f"s{n}" for n in range(1, 41)]
    assert [float(item["data-start"] or "") for item in items] == [s.start_s for s in recording.segments]
    paragraphs = page.all("p")
    assert {p["lang"] for p in paragraphs if "lang" in p} == set(SAYINGS)
    marks = page.all("rect")
    assert len(marks) == 40 + len(recording.events)
    assert {mark["class"] for mark in marks} == {s.emotion.label for s in recording.segments if s.emotion} | {"sound"}
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
    recording = transcript(
        segment(0.0, 2.0, EVIL, 'en"><script>', mood, [EVIL]), emotion=mood, warnings=(f"odd: {EVIL}",)
    )
    page = page_of(dataclasses.replace(recording, model=EVIL), EVIL)
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


def test_unknown_emotion_is_named_so_and_never_neutral() -> None:
    html = "".join(report(transcript(segment(0.0, 1.0, "Hello.")), waveform_of(3), "x"))
    assert "not available with this recogniser (SenseVoiceSmall)" in html
    assert not re.search("neutral|平静", html.partition("<body>")[2])
    chinese = "".join(report(transcript(segment(0.0, 1.0, "你好。", "zh")), waveform_of(3), "x"))
    assert "情感：此识别模型（SenseVoiceSmall）不提供。" in chinese


def test_a_report_of_silence_and_of_a_name_less_recording() -> None:
    page = page_of(transcript(), "")
    assert page.texts["h1"] == ["Recording"] and "No speech was recognised." in page.texts["p"] and not page.all("li")


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
    waveform, sound = waveform_and_sound(AudioReader(wav, 60), 100, 60.0)
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
    assert waveform_and_sound(AudioReader(wav, 60), 100, 2.0)[1] is None, "longer than what is embedded"
    assert waveform_and_sound(AudioReader(wav, 60), 100, 0.0)[1] is None
