"""The text-to-speech service over HTTP, with its real engines."""

from __future__ import annotations

import base64
import functools
import io
import json
import time
import wave
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import openai
import pytest
import requests

from huiyin.configs.settings import load
from huiyin.configs.store.model_store import ModelStore
from huiyin.services.asr.recogniser import Hints, load_engine
from huiyin.services.common.audio import SAMPLE_RATE, decode
from tests.support.limits import PATIENCE_S, until
from tests.support.loudness import lufs
from tests.support.scoring import error_rate
from tests.support.service_process import cpu_s, start_service
from tests.support.sse import events_in

pytestmark = pytest.mark.slow

RATE = 24_000
FORMATS = ("wav", "mp3", "flac", "opus", "aac", "pcm")
ENGLISH = "The train to London leaves at half past nine."
CHINESE = "今天天气很好。"
LONG = "好的。" + "我们先去公园散步，再去饭店吃饭，最后回家休息。" * 3  # a quarter of a minute
SILENT = 10 ** (-50 / 20)

SENTENCES = {
    "en": [
        "Could you repeat that, please?",
        "Please turn off the lights before you leave the room.",
        "It is going to rain tomorrow, so take an umbrella.",
        "I would like to book a table for three people.",
        "The weather was lovely all through the summer.",
    ],
    "zh": [
        "今天天气怎么样？",
        "我们应该保护环境，节约用水。",
        "老师让我们把作业写完再出去玩。",
        "你可以给我讲一个有趣的故事吗？",
        "人工智能正在改变我们的生活方式。",
        "这件衣服打八折，一共是326元。",
    ],
    "mixed": ["我用 iPhone 拍了很多照片。", "他在 Google 工作了三年。", "我想喝一杯 coffee。"],
}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A running service."""
    with start_service("tts", cache_mb=0) as base:
        yield base


def speak(url: str, text: str, **more: Any) -> requests.Response:
    return requests.post(f"{url}/v1/audio/speech", json={"input": text, **more}, timeout=PATIENCE_S)


def samples(answer: requests.Response, form: str) -> np.ndarray:
    """float32 of an answer; PCM and WAV at their own rate, the others at 16 kHz."""
    assert answer.status_code == 200, answer.text
    if form == "pcm":
        return np.frombuffer(answer.content, "<i2").astype(np.float32) / 32768
    return decode(answer.content, max_duration_s=600).samples


def pcm(url: str, text: str, **more: Any) -> np.ndarray:
    """`text` as float32 at 24 kHz."""
    return samples(speak(url, text, response_format="pcm", **more), "pcm")


# --- formats ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [ENGLISH, CHINESE])
def test_every_format_holds_the_same_speech(url: str, text: str) -> None:
    duration_s = len(pcm(url, text)) / RATE
    for form in FORMATS:
        answer = speak(url, text, response_format=form)
        sound = samples(answer, form)
        rate = RATE if form == "pcm" else SAMPLE_RATE
        assert len(sound) / rate == pytest.approx(duration_s, abs=0.1), form
        assert lufs(sound, rate) == pytest.approx(-20, abs=2), form
        assert np.abs(sound).max() <= 0.98, form
        assert int(answer.headers["X-Sample-Rate"]) == (48_000 if form == "opus" else RATE)


@pytest.mark.parametrize("form", ["pcm", "wav"])
@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
def test_sample_rate_as_asked(url: str, form: str, rate: int) -> None:
    answer = speak(url, ENGLISH, response_format=form, sample_rate=rate)
    assert answer.headers["X-Sample-Rate"] == str(rate)
    data = answer.content
    if form == "wav":
        with wave.open(io.BytesIO(data)) as file:
            assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (rate, 1, 2)
            assert file.getnframes() * 2 == len(data) - 44  # a short text: its length is in the header
            data = file.readframes(file.getnframes())
    assert len(data) / 2 / rate == pytest.approx(len(pcm(url, ENGLISH)) / RATE, abs=0.02)


def test_seed_interface_answers_with_wav(url: str) -> None:
    answer = requests.post(f"{url}/audio", json={"text": CHINESE}, timeout=PATIENCE_S)
    assert answer.headers["Content-Type"] == "audio/wav"
    assert 0.8 < len(samples(answer, "wav")) / SAMPLE_RATE < 4
    mp3 = requests.post(
        f"{url}/audio", json={"text": CHINESE, "format": "mp3", "voice": "zm_yunxi"}, timeout=PATIENCE_S
    )
    assert mp3.headers["Content-Type"] == "audio/mpeg"
    assert mp3.headers["X-Voice"] == "zm_yunxi"


@pytest.mark.parametrize("form", ["pcm", "mp3"])
def test_sound_leaves_as_it_is_made(url: str, form: str) -> None:
    """The first of it comes while most of the work is still to be done."""
    body = {"input": LONG, "response_format": form}
    before_s = cpu_s(url)
    with requests.post(f"{url}/v1/audio/speech", json=body, stream=True, timeout=PATIENCE_S) as answer:
        pieces = answer.iter_content(None)
        first = next(pieces)
        first_s = cpu_s(url) - before_s
        size = len(first) + sum(map(len, pieces))
    assert first_s < 0.35 * (cpu_s(url) - before_s)
    assert 0 < len(first) < 0.35 * size


def test_server_sent_events(url: str) -> None:
    answer = speak(url, ENGLISH, response_format="pcm", stream_format="sse")
    events = [json.loads(event) for event in events_in(answer.text)]
    assert [e["type"] for e in events[-2:]] == ["speech.audio.delta", "speech.audio.done"]
    sound = b"".join(base64.b64decode(e["audio"]) for e in events[:-1])
    assert len(sound) // 2 == len(pcm(url, ENGLISH))


def test_speech_starts_within_30_ms_of_the_file(url: str) -> None:
    for text in (ENGLISH, CHINESE, "Hi.", "嗯。"):
        loud = np.flatnonzero(np.abs(pcm(url, text)) > SILENT)
        assert loud[0] / RATE <= 0.03


def test_speed(url: str) -> None:
    for text in (ENGLISH, CHINESE):
        slow, normal, fast = (len(pcm(url, text, speed=speed)) for speed in (0.5, 1.0, 2.0))
        assert slow > 1.5 * normal
        assert fast < 0.75 * normal
    for speed in (0.25, 4):
        assert len(pcm(url, ENGLISH, speed=speed)) > 0


# --- the words ----------------------------------------------------------------------------------------------------


@functools.cache
def recogniser() -> Any:
    settings = load(environ={})
    return load_engine(settings.asr, ModelStore(settings.store).ensure)


def recognised(url: str, text: str, language: str, **more: Any) -> str:
    sound = pcm(url, text, sample_rate=SAMPLE_RATE, **more)
    padded = np.pad(sound, (SAMPLE_RATE // 4, SAMPLE_RATE // 2))
    return " ".join(s.text for s in recogniser().recognise([padded], Hints((language,)))[0].segments)


@pytest.mark.parametrize(
    ("kind", "voice", "limit"),
    [
        ("en", "", 0.05),  # measured: 0.00
        ("en", "af_heart", 0.08),
        ("zh", "", 0.15),
        ("zh", "zm_yunxi", 0.15),
        ("mixed", "", 0.35),  # the recogniser writes English inside Chinese as it likes
    ],
)
def test_words_are_recognised(url: str, kind: str, voice: str, limit: float) -> None:
    language = "en" if kind == "en" else "zh"
    pairs = [(text, recognised(url, text, language, voice=voice)) for text in SENTENCES[kind]]
    assert error_rate(pairs, language) <= limit, pairs


def test_first_and_last_syllable_are_whole(url: str) -> None:
    phrases = ["没问题", "当然可以", "谢谢你", "晚饭吃什么", "苹果", "等一下"]
    texts = [recognised(url, f"{phrase}。", "zh") for phrase in phrases]
    whole = [phrase[0] in text and phrase[-1] in text for phrase, text in zip(phrases, texts, strict=True)]
    assert sum(whole) >= len(phrases) - 1, texts


# --- callers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "word", "form", "like"),
    [
        ("我找解知遥。", "解知遥", "谢知遥", "我找谢知遥。"),
        ("我找乐天。", "乐天", "yue4 tian1", "我找岳天。"),
        ("Ask Siobhan.", "Siobhan", "/ʃəvˈɔn/", "Ask Shavonne."),
    ],
)
def test_words_are_said_as_the_request_has_them(url: str, text: str, word: str, form: str, like: str) -> None:
    said, usual = pcm(url, text, pronunciations={word: form}), pcm(url, text)
    assert len(said) != len(usual) or not np.array_equal(said, usual)
    assert len(said) == pytest.approx(len(pcm(url, like)), rel=0.2)


def test_openai_sdk(url: str) -> None:
    client = openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0)
    speech = client.audio.speech.create(model="gpt-4o-mini-tts", voice="alloy", input=ENGLISH)
    assert len(decode(speech.content, max_duration_s=60).samples) > SAMPLE_RATE
    with client.audio.speech.with_streaming_response.create(
        model="tts-1", voice="onyx", input=CHINESE, response_format="pcm"
    ) as stream:
        assert sum(map(len, stream.iter_bytes())) > RATE
    assert {"tts-1", "kokoro"} <= {model.id for model in client.models.list()}
    with pytest.raises(openai.BadRequestError, match="zf_xiaoxao") as refused:
        client.audio.speech.create(model="tts-1", voice="zf_xiaoxao", input=CHINESE)
    assert "zf_xiaoxiao" in str(refused.value.body)
    raw = client.audio.speech.with_raw_response.create(model="tts-9", voice="alloy", input="Yes.")
    assert raw.headers["X-Huiyin-Model"] == "hibari"


def test_model_may_be_an_engine(url: str) -> None:
    assert speak(url, ENGLISH, model="kokoro").headers["X-Voice"] == "af_heart"
    assert speak(url, ENGLISH, model="hibari").headers["X-Voice"] == "heart"


def test_voices(url: str) -> None:
    voices = {v["name"]: v for v in requests.get(f"{url}/voices", timeout=PATIENCE_S).json()["voices"]}
    assert voices["zm_yunxi"] == {
        "name": "zm_yunxi", "engine": "kokoro", "language": "zh-CN", "gender": "male", "speaks": ["en", "zh"]
    }  # fmt: skip
    assert {v["engine"] for v in voices.values()} == {"hibari", "kokoro", "edge"}


@pytest.mark.parametrize(
    ("name", "voices"),
    [("zm_yunxi", ["zm_yunxi"]), ("alloy", ["heart"]), ("zm_yunxy", []), ("de-DE-KatjaNeural", ["de-DE-KatjaNeural"])],
)
def test_a_name_is_answered_with_the_voice_that_it_stands_for(url: str, name: str, voices: list[str]) -> None:
    found = requests.get(f"{url}/voices", params={"name": name}, timeout=PATIENCE_S).json()["voices"]
    assert [voice["name"] for voice in found] == voices


def test_short_request_does_not_wait_for_a_long_one(url: str) -> None:
    with ThreadPoolExecutor() as pool:
        long = pool.submit(speak, url, LONG)
        short = pool.submit(speak, url, CHINESE)
        assert short.result().status_code == 200
        assert not long.done()
        assert long.result().status_code == 200


def test_many_callers_at_once(url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        sounds = list(pool.map(lambda _: pcm(url, CHINESE), range(4)))
    assert len({len(sound) for sound in sounds}) == 1


def test_caller_who_leaves_stops_the_work(url: str) -> None:
    with requests.post(f"{url}/v1/audio/speech", json={"input": LONG * 12}, stream=True, timeout=PATIENCE_S) as answer:
        next(answer.iter_content(100))
    left_s = cpu_s(url)

    def is_idle() -> bool:
        before_s = cpu_s(url)
        time.sleep(0.5)
        return cpu_s(url) - before_s < 0.1

    until(is_idle)
    assert cpu_s(url) - left_s < 10  # the whole text would take a minute and more


def test_edge_voice_speaks_with_or_without_the_network(url: str) -> None:
    assert len(pcm(url, ENGLISH, voice="en-US-GuyNeural")) > RATE


# --- bad requests ------------------------------------------------------------------------------------------------

BAD_BODIES: list[tuple[dict[str, Any], int, str]] = [
    ({}, 400, "no_text"),
    ({"input": ""}, 400, "no_text"),
    ({"input": " \n "}, 400, "no_text"),
    ({"input": None}, 400, "no_text"),
    ({"input": 5}, 400, "no_text"),
    ({"input": ["a"]}, 400, "no_text"),
    ({"input": "😀👍🏽"}, 400, "nothing_to_say"),
    ({"input": "…！？"}, 400, "nothing_to_say"),
    ({"input": "Привет"}, 400, "nothing_to_say"),
    ({"input": "\x00\x01"}, 400, "nothing_to_say"),
    ({"input": "a" * 100_000}, 413, "text_too_long"),
    ({"input": "a", "voice": "nobody"}, 400, "unknown_voice"),
    ({"input": "a", "voice": 7}, 400, "bad_voice"),
    ({"input": "a", "voice": "../../etc/passwd"}, 400, "unknown_voice"),
    ({"input": "a", "response_format": "amr"}, 400, "unknown_format"),
    ({"input": "a", "response_format": ["mp3"]}, 400, "unknown_format"),
    ({"input": "a", "speed": 0.2}, 400, "bad_speed"),
    ({"input": "a", "speed": 4.1}, 400, "bad_speed"),
    ({"input": "a", "speed": "fast"}, 400, "bad_speed"),
    ({"input": "a", "speed": True}, 400, "bad_speed"),
    ({"input": "a", "speed": float("nan")}, 400, "bad_speed"),
    ({"input": "a", "response_format": "pcm", "sample_rate": 7_999}, 400, "bad_sample_rate"),
    ({"input": "a", "response_format": "pcm", "sample_rate": "16k"}, 400, "bad_sample_rate"),
    ({"input": "a", "response_format": "mp3", "sample_rate": 16_000}, 400, "bad_sample_rate"),
    ({"input": "a", "stream_format": "x"}, 400, "bad_stream_format"),
    ({"input": "a", "pronunciations": "b"}, 400, "bad_pronunciations"),
    ({"input": "a", "pronunciations": {"单田芳": "shan4"}}, 400, "bad_pronunciations"),
    ({"input": "a", "pronunciations": {"X": "bar1"}}, 400, "bad_pronunciations"),
    ({"input": "a", "model": {"a": 1}}, 404, "model_not_found"),
]


@pytest.mark.parametrize(("body", "status", "code"), BAD_BODIES, ids=range(len(BAD_BODIES)))
def test_bad_request_is_refused_and_the_next_is_answered(
    url: str, body: dict[str, Any], status: int, code: str
) -> None:
    answer = requests.post(
        f"{url}/v1/audio/speech",
        data=json.dumps(body),
        headers={"Content-Type": "application/json"},
        timeout=PATIENCE_S,
    )
    assert answer.status_code == status, answer.text
    error = answer.json()["error"]
    assert error["code"] == code
    assert error["message"]
    assert "Traceback" not in answer.text
    assert speak(url, "Yes.").status_code == 200


@pytest.mark.parametrize(
    ("data", "kind", "statuses"),
    [
        (b"", "application/json", {400}),
        (b"{", "application/json", {400}),
        (b"[1]", "application/json", {400}),
        (b'{"input": "\xff\xfe"}', "application/json", {400}),
        (b'{"input": "a"}', "text/plain", {415}),
        (b"x" * 5_000_000, "application/json", {413}),
        (b'{"input": "\\ud83d"}', "application/json", {400}),
    ],
)
def test_broken_body_is_refused(url: str, data: bytes, kind: str, statuses: set[int]) -> None:
    for path in ("/v1/audio/speech", "/audio"):
        answer = requests.post(f"{url}{path}", data=data, headers={"Content-Type": kind}, timeout=PATIENCE_S)
        assert answer.status_code in statuses, answer.text
        assert answer.json()["error"]["message"]
    assert speak(url, "Yes.").status_code == 200


@pytest.mark.parametrize(
    "text",
    [
        "<speak><break time='10s'/>Hello</speak>",
        "<script>alert(1)</script> Hello",
        "[x](/həlˈO/) & \"quotes\" 'n' <b>",
        "9" * 400,
        "a" * 400,
        "字" * 70,
        "The year 1999, $5.50, 3:45 p.m., C++ & C#, 50%, 1/2.",
        "今天是2024年5月1日，气温25.5℃，涨幅3%，电话13800138000。",
        "𠮷野家\u202e\u200d名\ufffd",
    ],
)
def test_odd_text_is_spoken(url: str, text: str) -> None:
    assert len(pcm(url, text)) > RATE // 5


# --- settings -----------------------------------------------------------------------------------------------------


def test_english_only_service_says_so_when_asked_for_chinese() -> None:
    with start_service("tts", engine="hibari") as base:
        assert speak(base, ENGLISH).status_code == 200
        answer = speak(base, CHINESE)
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] == "language_not_spoken"


def test_wrong_default_voice_is_an_error_at_the_start() -> None:
    with start_service("tts", wait_ready=False, engine="hibari", voice="nobody") as base:

        def state() -> dict[str, Any]:
            return dict(requests.get(f"{base}/ready", timeout=PATIENCE_S).json())

        until(lambda: state()["status"] != "loading")
        assert state()["status"] == "failed"
        assert "nobody" in state()["error"]
