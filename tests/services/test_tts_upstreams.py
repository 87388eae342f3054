"""Voices elsewhere: what is sent to them, in which forms their sound is taken, and who goes on when one fails."""

from __future__ import annotations

import io
import struct
import wave
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from huiyin.configs.settings import Settings, TtsSettings
from huiyin.services.tts.encode import encode
from huiyin.services.tts.engines.upstreams import Upstreams, load
from huiyin.services.tts.sound import RATE
from huiyin.services.tts.speaker import Speaker
from huiyin.services.tts.voice_engine import Engine, SynthesisFailed, engines_for
from tests.services.test_tts_speaker import Tone, only_sound
from tests.support import llm_fixtures
from tests.support.stub_upstream import Answer, Stub

SECOND = (0.3 * np.sin(np.arange(RATE) / 9)).astype(np.float32)
no_proxies = llm_fixtures.no_proxies  # a fixture, for every test


def wav(sound: np.ndarray[Any, Any], rate: int = RATE) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, rate, 0, "NONE", ""))
        writer.writeframes((sound * 32767).astype("<i2").tobytes())
    return file.getvalue()


def speaks(answer: Answer) -> None:
    answer.whole(wav(SECOND), kind="audio/wav")


@pytest.fixture
def first() -> Iterator[Stub]:
    with Stub() as stub:
        stub.behave = speaks
        yield stub


@pytest.fixture
def second() -> Iterator[Stub]:
    with Stub() as stub:
        stub.behave = speaks
        yield stub


def engine(*stubs: Stub, **more: Any) -> Upstreams:
    one = load(Settings(tts=TtsSettings(upstreams=tuple(stub.url for stub in stubs), **more)))
    one.warm_up()
    return one


def length_s(one: Upstreams, text: str = "Hello there.", voice: str = "alloy") -> float:
    return float(sum(len(sound) for sound in only_sound(one.synthesise(text, voice)))) / RATE


def asked(stub: Stub) -> list[dict[str, Any]]:
    return [seen.body for seen in stub.seen if seen.path.endswith("/audio/speech")]


def test_a_sentence_is_sent_as_openai_has_it(first: Stub) -> None:
    assert length_s(engine(first)) == pytest.approx(1.0)
    request = {"model": "tts-1", "input": "Hello there.", "voice": "alloy", "speed": 1.0, "response_format": "wav"}
    assert asked(first) == [request]


@pytest.mark.parametrize("form", ["mp3", "flac", "opus", "aac"])
def test_sound_in_any_form_is_taken(first: Stub, form: str) -> None:
    data = b"".join(encode(iter([SECOND]), form, 48_000 if form == "opus" else RATE))
    first.behave = lambda answer: answer.whole(data, kind=f"audio/{form}")
    assert length_s(engine(first)) == pytest.approx(1.0, abs=0.12)


def test_another_sample_rate_and_bare_samples_are_taken(first: Stub) -> None:
    first.behave = lambda answer: answer.whole(wav(SECOND[: RATE // 2], RATE // 2), kind="audio/wav")
    assert length_s(engine(first)) == pytest.approx(1.0, abs=0.01)
    first.behave = lambda answer: answer.whole(struct.pack("<4800h", *range(4800)), kind="audio/pcm")
    assert length_s(engine(first)) == pytest.approx(0.2)


def test_the_first_sound_does_not_wait_for_the_last(first: Stub) -> None:
    data = wav(SECOND)

    def half(answer: Answer) -> None:
        answer.start("audio/wav")
        answer.write(data[: len(data) // 2])
        answer.wait_for_leaving()

    first.behave = half
    sound = engine(first, idle_timeout_s=0.3).synthesise("Hello.", "alloy")
    assert len(next(sound))
    with pytest.raises(SynthesisFailed, match="silent"):
        list(sound)


def fails(answer: Answer) -> None:
    answer.whole({"error": {"message": "it fell over"}}, 500)


def stalls(answer: Answer) -> None:
    answer.wait_for_leaving()


def no_sound(answer: Answer) -> None:
    answer.whole(b"<html>nginx</html>" * 100, kind="text/html")


def nothing(answer: Answer) -> None:
    answer.whole(b"", kind="audio/wav")


@pytest.mark.parametrize("failure", [fails, stalls, no_sound, nothing])
def test_the_next_one_speaks_where_one_fails(
    first: Stub, second: Stub, failure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huiyin.services.tts.engines.upstreams._LAST_PATIENCE", 100)
    first.behave = failure
    assert length_s(engine(first, second, first_sound_timeout_s=0.3)) == pytest.approx(1.0)
    assert len(asked(second)) == 1


def test_a_sentence_that_breaks_off_is_said_again_by_the_next(first: Stub, second: Stub) -> None:
    def breaks_off(answer: Answer) -> None:
        answer.start("audio/wav")
        answer.write(wav(SECOND)[:20_000])
        answer.drop()

    first.behave = breaks_off
    assert length_s(engine(first, second)) > 1.0
    assert asked(second)[0]["input"] == "Hello there."


def test_one_that_fails_again_and_again_is_skipped_for_a_while(first: Stub, second: Stub) -> None:
    first.behave = fails
    one = engine(first, second, breaker_failures=2)
    for _ in range(4):
        length_s(one)
    assert len(asked(first)) == 2 and len(asked(second)) == 4


def test_a_local_voice_goes_on_where_all_fail(first: Stub) -> None:
    first.behave = fails
    here: Engine = Tone("kokoro", ())
    here.voices = engine(first).voices  # type: ignore[misc]
    speaker = Speaker([engine(first), here])
    choice = speaker.choose("Hello.")
    assert choice.engine.name == "upstream"
    assert only_sound(speaker.speak("Hello.", choice))
    assert here.asked == ["Hello."]  # type: ignore[attr-defined]


def test_sentences_are_requests_of_their_own() -> None:
    assert engine_of("http://127.0.0.1:9").pieces("One. 二。Three 3.5?") == ["One. ", "二。", "Three 3.5?"]


def engine_of(*urls: str, **more: Any) -> Upstreams:
    return load(Settings(tts=TtsSettings(upstreams=urls, **more)))


def test_voices_are_those_that_the_server_lists(first: Stub) -> None:
    first.voices = ["af_heart", "zm_yunxi"]
    one = engine(first)
    assert [(v.name, v.language, v.gender) for v in one.voices] == [
        ("af_heart", "en-US", "female"),
        ("zm_yunxi", "zh-CN", "male"),
    ]
    assert one.voice("nobody") is None
    length_s(one, voice="zm_yunxi")
    assert asked(first)[-1]["voice"] == "zm_yunxi"


def test_a_server_without_a_list_has_openais_voices_and_its_own_for_any_other(first: Stub) -> None:
    assert engine(first).voice("nova") and engine(first).voice("zf_xiaoxiao") is None
    one = engine(first, upstream_voice="中文女")
    named = one.voice("zf_xiaoxiao")
    assert named and named.name == "中文女" and named.language == "zh-CN"


def test_engines_stand_in_the_order_of_the_upstreams() -> None:
    assert engines_for(TtsSettings(upstreams=("http://a", "embedded", "http://b"), engine="kokoro")) == (
        "upstream",
        "kokoro",
    )
    assert engines_for(TtsSettings(upstreams=("http://a",))) == ("upstream",)
