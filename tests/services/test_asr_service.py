"""The speech-to-text service over HTTP, with its real engine."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import openai
import pytest
import requests

from huiyin.services.common.audio import SAMPLE_RATE
from tests.support import asr_over_http
from tests.support.asr_over_http import AS_PCM, LIMIT_S, PCM, assert_words, clips, post, refused, short_clip, text_of
from tests.support.limits import PATIENCE_S
from tests.support.media import encode, pcm16
from tests.support.scoring import error_rate
from tests.support.service_process import start_service
from tests.support.speech_clips import english
from tests.support.sse import events_in

pytestmark = pytest.mark.slow
client, folder, url = asr_over_http.client, asr_over_http.folder, asr_over_http.url  # fixtures


# --- recognition ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("language", "limit"), [("en", 0.10), ("zh", 0.30)])
def test_recorded_clips_give_the_right_words(url: str, language: str, limit: float) -> None:
    if not clips(language):
        pytest.skip("the recorded clips are not here")
    results = [(clip, post(url, pcm16(clip.samples), "audio/pcm;rate=16000").json()) for clip in clips(language)]
    assert {result["language"] for _, result in results} == {language}
    rate = error_rate([(clip.text, result["text"]) for clip, result in results], language)
    print(f"{language}: error rate {rate:.3f} over {len(results)} clips")
    assert rate <= limit


def test_the_result_has_every_field(url: str) -> None:
    clip = short_clip()
    result = post(url, encode(clip.samples)).json()
    length_s = len(clip.samples) / SAMPLE_RATE
    assert result["language"] == "en" and result["model"] == "whisper-base"
    assert result["duration_s"] == pytest.approx(length_s, abs=0.01)
    assert 0 < result["processing_s"] < 30
    assert result["rtf"] == pytest.approx(result["processing_s"] / length_s, abs=0.002)
    assert 0.3 < result["confidence"] <= 1
    assert result["emotion"] is None and result["events"] == [] and result["warnings"] == []
    (segment,) = result["segments"]
    assert 0 <= segment["start_s"] < segment["end_s"] <= length_s + 0.01
    assert segment["text"] == result["text"] and segment["emotion"] is None


@pytest.mark.parametrize("sentence", ["Yes.", "Stop.", "No.", "Good morning.", "Thank you."])
@pytest.mark.parametrize("level", [1.0, 0.03])
def test_a_turn_of_one_word_is_recognised_once(url: str, sentence: str, level: float) -> None:
    samples = np.pad(english(sentence) * np.float32(level), (3000, 8000))
    text = text_of(post(url, pcm16(samples), "audio/pcm;rate=16000", language="en"))
    assert error_rate([(sentence, text)], "en") == 0, text


@pytest.mark.parametrize(
    ("container", "codec", "rate", "channels"),
    [
        ("wav", "pcm_u8", 16000, 1),
        ("wav", "pcm_s24le", 44100, 2),
        ("wav", "pcm_s32le", 48000, 1),
        ("wav", "pcm_f32le", 16000, 1),
        ("wav", "pcm_mulaw", 8000, 1),
        ("mp3", "libmp3lame", 44100, 2),
        ("flac", "flac", 48000, 1),
        ("ogg", "libopus", 48000, 1),
        ("webm", "libopus", 48000, 2),
        ("ipod", "aac", 44100, 1),
    ],
)
def test_every_format_is_understood(url: str, container: str, codec: str, rate: int, channels: int) -> None:
    data = encode(short_clip().samples, container, codec, rate, channels)
    assert_words(text_of(requests.post(url + "/asr", files={"file": data}, timeout=PATIENCE_S)), short_clip())


def test_a_file_of_the_allowed_folder_is_read(url: str, folder: Path) -> None:
    for name in ("calls/one.wav", str(folder / "calls" / "one.wav"), "calls/../calls/one.wav"):
        assert_words(text_of(requests.post(url + "/asr", json={"filename": name}, timeout=PATIENCE_S)), short_clip())


def test_curl_style_bodies_are_the_recording(url: str) -> None:
    data = encode(short_clip().samples)
    for content_type in ("application/x-www-form-urlencoded", "audio/wav", "audio/mpeg"):
        assert_words(text_of(post(url, data, content_type)), short_clip())


def test_a_longer_recording_comes_in_pieces_in_order(url: str) -> None:
    gap = np.zeros(SAMPLE_RATE // 2, np.float32)
    chosen = sorted(clips(), key=lambda c: len(c.samples))[:8]
    chosen = (chosen * 8)[: max(8, len(chosen))] if len(chosen) < 8 else chosen
    samples = np.concatenate([part for clip in chosen for part in (clip.samples, gap)])[: (LIMIT_S - 1) * SAMPLE_RATE]
    length_s = len(samples) / SAMPLE_RATE
    assert length_s > 20, "long enough to be cut"
    events = _events(requests.post(url + "/asr?stream=1", data=pcm16(samples), headers=PCM, timeout=PATIENCE_S))
    *parts, done = events
    assert len(parts) >= 2 and done["type"] == "done"
    assert {part["type"] for part in parts} == {"segments"}
    positions = [part["position_s"] for part in parts]
    assert positions == sorted(positions) and positions[-1] == pytest.approx(length_s, abs=0.01)
    segments = done["result"]["segments"]
    assert segments == [segment for part in parts for segment in part["segments"]]
    edges = [edge for segment in segments for edge in (segment["start_s"], segment["end_s"])]
    assert edges == sorted(edges) and edges[0] >= 0 and edges[-1] <= length_s + 0.01
    text = " ".join(clip.text for clip in chosen)
    assert error_rate([(text, done["result"]["text"])], "en") <= 0.15


def _events(response: requests.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"].startswith("text/event-stream")
    return [json.loads(event) for event in events_in(response.content.decode())]


# --- no speech ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("level", [0.1, 0.001, 0.0002])
def test_noise_is_not_words(url: str, level: float) -> None:
    noise = (np.random.default_rng(3).standard_normal(3 * SAMPLE_RATE) * level).astype(np.float32)
    result = post(url, pcm16(noise), "audio/pcm;rate=16000").json()
    assert result["text"] == "" and result["segments"] == [] and result["confidence"] == 0


def test_a_hum_is_not_words(url: str) -> None:
    t = np.arange(3 * SAMPLE_RATE) / SAMPLE_RATE
    hum = sum(0.05 / k * np.sin(2 * np.pi * 50 * k * t) for k in range(1, 8))
    assert text_of(post(url, pcm16(np.asarray(hum, np.float32)), "audio/pcm;rate=16000")) == ""


# --- the openai SDK ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def upload() -> tuple[str, bytes]:
    return ("speech.wav", encode(short_clip().samples))


def test_openai_json(client: openai.OpenAI, upload: tuple[str, bytes]) -> None:
    answer = client.audio.transcriptions.create(model="whisper-1", file=upload)
    assert_words(answer.text, short_clip())


def test_openai_text(client: openai.OpenAI, upload: tuple[str, bytes]) -> None:
    answer = client.audio.transcriptions.create(model="whisper-base", file=upload, response_format="text")
    assert isinstance(answer, str) and answer.endswith("\n")
    assert_words(answer, short_clip())


def test_openai_srt(client: openai.OpenAI, upload: tuple[str, bytes]) -> None:
    answer = client.audio.transcriptions.create(model="whisper-1", file=upload, response_format="srt")
    number, times, *text = answer.strip().split("\n")
    assert number == "1" and times.startswith("00:00:00,") and " --> 00:00:0" in times
    assert_words(" ".join(text), short_clip())


def test_openai_vtt(client: openai.OpenAI, upload: tuple[str, bytes]) -> None:
    answer = client.audio.transcriptions.create(model="whisper-1", file=upload, response_format="vtt")
    head, empty, times, *text = answer.strip().split("\n")
    assert head == "WEBVTT" and not empty and times.startswith("00:00:00.")
    assert_words(" ".join(text), short_clip())


def test_openai_verbose_json(client: openai.OpenAI, upload: tuple[str, bytes]) -> None:
    answer = client.audio.transcriptions.create(
        model="whisper-1",
        file=upload,
        response_format="verbose_json",
        timestamp_granularities=["segment", "word"],
        language="en",
        prompt="A story of a child.",
        temperature=0,
    )
    assert answer.language == "en" and float(answer.duration) == pytest.approx(
        len(short_clip().samples) / SAMPLE_RATE, abs=0.01
    )
    assert answer.segments and 0 <= answer.segments[0].start < answer.segments[0].end
    assert_words(answer.segments[0].text, short_clip())
    assert answer.words and not answer.to_dict()["warnings"]
    assert_words(" ".join(word.word for word in answer.words), short_clip())
    assert 0 <= answer.words[0].start < answer.words[-1].end <= float(answer.duration)


def test_openai_stream(client: openai.OpenAI, upload: tuple[str, bytes]) -> None:
    *deltas, done = client.audio.transcriptions.create(model="whisper-1", file=upload, stream=True)
    assert {event.type for event in deltas} == {"transcript.text.delta"} and done.type == "transcript.text.done"
    assert "".join(event.delta for event in deltas) == done.text
    assert_words(done.text, short_clip())


def test_openai_models(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["whisper-base", "whisper-1"]
    assert client.models.retrieve("whisper-1").id == "whisper-1"


def test_openai_model_of_another_name_is_the_one_that_is_here(client: openai.OpenAI, upload: tuple[str, bytes]) -> None:
    raw = client.audio.transcriptions.with_raw_response
    answer = raw.create(model="gpt-4o-transcribe", file=upload, extra_body={"keywords": ["Paris"], "languages": ["en"]})
    assert answer.headers["X-Huiyin-Model"] == "whisper-base"
    assert_words(answer.parse().text, short_clip())


def test_openai_translation_is_english_whatever_was_spoken(client: openai.OpenAI) -> None:
    if not clips("zh"):
        pytest.skip("the recorded clips are not here")
    upload = ("a.wav", encode(clips("zh")[0].samples))
    answer = client.audio.translations.create(model="whisper-1", file=upload, response_format="verbose_json")
    assert answer.language == "en" and answer.text.isascii() and len(answer.text.split()) > 2, answer.text
    assert client.audio.transcriptions.create(model="whisper-1", file=upload).text != answer.text


def test_a_bad_recording_is_refused_before_the_stream_begins(client: openai.OpenAI) -> None:
    with pytest.raises(openai.UnprocessableEntityError) as caught:
        client.audio.transcriptions.create(model="whisper-1", file=("a.wav", b"no sound" * 99), stream=True)
    assert caught.value.code == "not_audio"


# --- many callers ------------------------------------------------------------------------------------------------


def test_callers_at_once_get_their_own_answers(url: str) -> None:
    chosen = (*clips()[:2], *clips("zh")[-2:])
    alone = [text_of(post(url, pcm16(clip.samples), "audio/pcm;rate=16000")) for clip in chosen]
    assert len(set(alone)) == len(chosen)
    with ThreadPoolExecutor(8) as pool:
        together = list(
            pool.map(lambda i: text_of(post(url, pcm16(chosen[i].samples), **AS_PCM)), list(range(len(chosen))) * 3)
        )
    assert together == alone * 3


def test_a_full_queue_names_the_time_for_another_try() -> None:
    """Three requests wait for the model at most, and none for longer than 0.1 s: less than one turn takes."""
    samples = np.concatenate([short_clip().samples] * 4)[: 11 * SAMPLE_RATE]
    with start_service("asr", queue_wait_s=0.1) as url, ThreadPoolExecutor(8) as pool:
        no_folder = requests.post(url + "/asr", json={"filename": "a.wav"}, timeout=PATIENCE_S)
        refused(no_folder, 403, "files_not_allowed")
        answers = list(pool.map(lambda _: post(url, pcm16(samples), **AS_PCM), range(8)))
        statuses = [answer.status_code for answer in answers]
        assert set(statuses) == {200, 429}, statuses
        for answer in answers:
            if answer.status_code == 429:
                refused(answer, 429, "busy")
                assert int(answer.headers["Retry-After"]) >= 1
        assert text_of(post(url, pcm16(samples), **AS_PCM))


def test_a_phrase_is_scored_by_how_likely_a_recording_begins_with_it(url: str) -> None:
    def score(phrase: str, sound: bytes) -> dict[str, Any]:
        options = {"phrase": phrase, "language": "en"}
        answer = requests.post(f"{url}/phrase", sound, params=options, headers=PCM, timeout=LIMIT_S)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    spoken = pcm16(np.pad(english("Okay computer, what time is it now?"), 4000)[: 2 * SAMPLE_RATE])
    said = score("Okay computer", spoken)
    assert said["score"] > 3 and said["model"] == "whisper-base"
    assert 0.5 < said["end_s"] < 1.6
    assert score("Hello lighthouse", spoken)["score"] < 0
    assert score("Okay computer", pcm16(np.zeros(SAMPLE_RATE, np.float32)))["score"] is None


@pytest.mark.parametrize("address", ["phrase?language=en", "phrase?phrase=hello", "phrase?phrase=hello&language=en,zh"])
def test_a_phrase_and_its_language_are_needed(url: str, address: str) -> None:
    answer = requests.post(f"{url}/{address}", pcm16(short_clip().samples), headers=PCM, timeout=LIMIT_S)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_phrase")
