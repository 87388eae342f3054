"""The speech service with its real engines: how it says things, how loud, how soon, and when each word."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import requests

from huiyin.assistant.clients.services import Services
from huiyin.configs.settings import load
from huiyin.services.common.audio import SAMPLE_RATE, decode
from huiyin.services.tts.engines import hibari, kokoro
from huiyin.services.tts.speaker import Speaker
from huiyin.services.tts.voice_engine import WordTiming
from huiyin.services.tts.voice_selector import Choice
from tests.support.limits import PATIENCE_S
from tests.support.loudness import lufs
from tests.support.service_process import cpu_s, start_service
from tests.support.sse import events_in

pytestmark = pytest.mark.slow

RATE = 24_000
SILENT = 10 ** (-50 / 20)
CHINESE = "今天天气很好，我们出去走走吧。"
ENGLISH = "Of course I can help you with that."


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A running service with a cache of its own."""
    with start_service("tts", cache_dir=str(tmp_path_factory.mktemp("speech"))) as base:
        yield base


def speak(url: str, text: str, **more: Any) -> requests.Response:
    body = {"input": text, "response_format": "pcm", **more}
    return requests.post(f"{url}/v1/audio/speech", json=body, timeout=PATIENCE_S)


def pcm(url: str, text: str, **more: Any) -> np.ndarray:
    answer = speak(url, text, **more)
    assert answer.status_code == 200, answer.text
    return np.frombuffer(answer.content, "<i2").astype(np.float32) / 32768


def pitch_hz(sound: np.ndarray) -> float:
    """Median of the voiced frames' pitch, by autocorrelation."""
    found = []
    for frame in np.lib.stride_tricks.sliding_window_view(sound, 1200)[::600]:
        power = np.correlate(frame, frame, "full")[1199:]
        lag = 60 + int(np.argmax(power[60:340]))
        if power[0] > 1200 * 0.03**2 and power[lag] > 0.5 * power[0]:
            found.append(RATE / lag)
    return float(np.median(found))


# --- how it is said ------------------------------------------------------------------------------------------------


def test_emotion_is_heard_in_kokoro_s_pace_pitch_and_level(url: str) -> None:
    plain, gentle, cheerful = (pcm(url, CHINESE, emotion=e) for e in ("neutral", "gentle", "cheerful"))
    assert len(gentle) > 1.04 * len(plain) > 1.04 * len(cheerful)
    assert lufs(gentle, RATE) < lufs(plain, RATE) - 1 < lufs(cheerful, RATE) - 1.4
    assert pitch_hz(cheerful) > 1.03 * pitch_hz(plain)
    assert pitch_hz(gentle) < 0.985 * pitch_hz(plain)


def test_emotion_is_heard_in_hibari_s_pace_and_level(url: str) -> None:
    plain, gentle, cheerful = (pcm(url, ENGLISH, voice="heart", emotion=e) for e in ("neutral", "sad", "happy"))
    assert len(gentle) > 1.05 * len(plain)
    assert len(cheerful) < 0.97 * len(plain)
    assert lufs(gentle, RATE) == pytest.approx(lufs(plain, RATE) - 2, abs=0.7)


def test_speed_and_style_multiply(url: str) -> None:
    assert len(pcm(url, ENGLISH, speed=1.5, emotion="gentle")) > 1.04 * len(pcm(url, ENGLISH, speed=1.5))


def test_unknown_emotion_is_refused_and_openai_s_instructions_do_no_harm(url: str) -> None:
    for field in ("emotion", "style"):
        answer = speak(url, ENGLISH, **{field: "flirty"})
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "unknown_emotion"
        assert "gentle" in answer.json()["error"]["hint"]
    assert speak(url, ENGLISH, emotion=["sad"]).json()["error"]["code"] == "bad_emotion"
    assert speak(url, ENGLISH, emotion=None, instructions="Speak in a cheerful tone.").status_code == 200
    seed = requests.post(f"{url}/audio", json={"text": ENGLISH, "style": "calm"}, timeout=PATIENCE_S)
    assert seed.status_code == 200


# --- when each word ------------------------------------------------------------------------------------------------


def timed(url: str, text: str, **more: Any) -> tuple[np.ndarray, list[dict[str, float]]]:
    """Sound and words."""
    answer = speak(url, text, stream_format="sse", timings=True, **more)
    assert answer.status_code == 200, answer.text
    events = [json.loads(event) for event in events_in(answer.text)]
    sound = b"".join(base64.b64decode(e["audio"]) for e in events if e["type"] == "speech.audio.delta")
    words = [word for e in events if e["type"] == "speech.audio.words" for word in e["words"]]
    return np.frombuffer(sound, "<i2").astype(np.float32) / 32768, words


@pytest.mark.parametrize(
    ("text", "voice"),
    [
        ("**好的**，涨了3.5%，用 Python 写。", ""),
        ("It costs $5, and starts at half past nine.", "af_heart"),
        ("It costs $5, and starts at half past nine.", "heart"),
        ("Hello my friend. 你好。", "heart"),
    ],
)
def test_every_word_has_its_place_and_its_time(url: str, text: str, voice: str) -> None:
    sound, words = timed(url, text, voice=voice)
    assert all(0 <= w["start"] <= w["end"] <= len(text) for w in words)
    assert all(a["end_s"] <= b["end_s"] + 1e-6 and a["end"] <= b["end"] for a, b in pairwise(words))
    assert text[int(words[-1]["end"]) :].strip("。. ") == ""
    assert len(sound) / RATE - 0.5 < words[-1]["end_s"] <= len(sound) / RATE + 0.1


@pytest.mark.parametrize("text", ["我们先去公园，然后回家。", "如果明天不下雨，我就去。", "涨了百分之三点五，还不错。"])
def test_kokoro_s_times_are_nearer_than_proportion(url: str, text: str) -> None:
    """A comma is the truth: the word before it ends where the sound does."""
    sound, words = timed(url, text, speed=0.8, voice="zf_xiaoxiao")
    comma = text.index("，")
    told_s = next(w["end_s"] for w in words if w["end"] == comma)
    level = np.sqrt(np.convolve(sound**2, np.ones(240) / 240, "same"))
    loud = np.flatnonzero(level > 0.01)
    gaps = np.diff(loud)
    near = np.argmax(gaps)
    true_s = loud[near] / RATE
    proportional_s = len(sound) / RATE * comma / len(text)
    assert gaps[near] > 0.06 * RATE
    assert abs(told_s - true_s) <= 0.12
    assert abs(told_s - true_s) <= abs(proportional_s - true_s) + 0.03


def test_the_talk_hears_when_its_words_are_said(url: str) -> None:
    services = Services(load(overrides=[f"tts.port={url.rsplit(':', 1)[1]}"], environ={}))
    items = list(services.speak(CHINESE, "", timeout_s=30, emotion="gentle", words=True))
    words = [word for item in items if isinstance(item, list) for word in item]
    length = sum(len(item) for item in items if not isinstance(item, list))
    assert [characters for _, characters in words] == [1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 12, 13, 14]
    assert [at for at, _ in words] == sorted(at for at, _ in words)
    assert length - 0.5 * SAMPLE_RATE < words[-1][0] <= length + 0.1 * SAMPLE_RATE
    plain = services.speak(CHINESE, "", timeout_s=30, emotion="gentle")
    assert sum(map(len, plain)) == length


def test_timings_want_events(url: str) -> None:
    assert speak(url, ENGLISH, timings=True).json()["error"]["code"] == "bad_timings"
    assert speak(url, ENGLISH, timings="x", stream_format="sse").json()["error"]["code"] == "bad_timings"


# --- how soon, how loud, and by whom -------------------------------------------------------------------------------


def test_a_phrase_said_before_comes_at_once(url: str) -> None:
    text = "抱歉，我没听清，请再说一遍。"
    first = pcm(url, text)
    before_s = cpu_s(url)
    for _ in range(5):
        assert np.abs(pcm(url, text) - first).max() < 1e-3
    assert cpu_s(url) - before_s < 5 * 0.05  # 2 ms each, and HTTP; saying it takes 0.5 s


@pytest.mark.parametrize("form", ["wav", "mp3", "flac", "opus", "pcm"])
@pytest.mark.parametrize("text", [CHINESE, ENGLISH])
def test_speech_begins_within_30_ms_of_every_file(url: str, form: str, text: str) -> None:
    answer = speak(url, text, response_format=form, voice="zf_xiaoxiao")
    if form == "pcm":
        sound, rate = pcm(url, text, voice="zf_xiaoxiao"), RATE
    else:
        sound, rate = decode(answer.content, max_duration_s=60).samples, SAMPLE_RATE
    blurred_s = 0.005 if form in ("mp3", "opus") else 0.0  # a soft onset, by a lossy codec
    assert np.flatnonzero(np.abs(sound) > SILENT)[0] / rate <= 0.030 + blurred_s
    assert np.abs(sound).max() <= 0.98


def test_another_voice_is_told_in_a_header(url: str) -> None:
    answer = speak(url, "你好。", voice="heart")
    assert answer.headers["X-Voice"] == "zf_xiaoxiao"
    assert "heart does not speak zh" in answer.headers["X-Warning"]
    both = speak(url, "Hello. 你好。", voice="heart")
    assert both.headers["X-Voice"] == "heart"
    assert "zf_xiaoxiao" in both.headers["X-Warning"]
    assert "X-Warning" not in speak(url, "Hello.", voice="heart").headers


def test_all_local_voices_are_equally_loud() -> None:
    settings = load(environ={})
    levels = {}
    for engine in (hibari.load(settings), kokoro.load(settings)):
        one = Speaker([engine])
        for voice in engine.voices:
            text = CHINESE if voice.language.startswith("zh") else ENGLISH
            made = one.speak(text, Choice(engine, voice))
            sound = np.concatenate([each for each in made if not isinstance(each, WordTiming)])
            levels[voice.name] = round(lufs(sound, RATE), 1)
            assert np.abs(sound).max() <= 0.95
    assert all(abs(level + 20) <= 1.2 for level in levels.values()), levels  # one sentence: ±0.4 around the voice's own
