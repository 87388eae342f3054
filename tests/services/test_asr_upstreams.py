"""Recognisers elsewhere: what is sent to them, what is made of their answers, and who goes on when one fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from huiyin.configs.settings import AsrSettings, SettingsError, load
from huiyin.services.asr.engines.upstreams import Here, Remote, Upstream, Upstreams
from huiyin.services.asr.engines.upstreams import load as load_upstreams
from huiyin.services.asr.recogniser import Hints, Recognition
from huiyin.services.common.audio import SAMPLE_RATE
from huiyin.services.common.errors import ApiError
from tests.support import llm_fixtures
from tests.support.asr_fakes import FakeEngine, fingerprint
from tests.support.stub_upstream import Answer, Stub

PIECE = np.sin(np.arange(SAMPLE_RATE) / 9).astype(np.float32) / 2
no_proxies = llm_fixtures.no_proxies  # a fixture, for every test


@pytest.fixture
def first() -> Iterator[Stub]:
    with Stub() as stub:
        stub.behave = said("from the first")
        yield stub


@pytest.fixture
def second() -> Iterator[Stub]:
    with Stub() as stub:
        stub.behave = said("from the second")
        yield stub


def said(text: str, **more: Any) -> Any:
    return lambda answer: answer.whole({"text": text, **more})


def settings(*upstreams: str, **more: Any) -> AsrSettings:
    return AsrSettings(upstreams=upstreams, **more)


def engine(*stubs: Stub, here: bool = False, **more: Any) -> Upstreams:
    chosen = settings(*(stub.url for stub in stubs), **more)
    upstreams: list[Upstream] = [Remote(stub.url, chosen, "", "") for stub in stubs]
    return Upstreams([*upstreams, *([Here(FakeEngine())] if here else [])], chosen)


def heard(engine: Upstreams, **hints: Any) -> Recognition:
    return engine.recognise([PIECE], Hints(**hints))[0]


def form_of(stub: Stub) -> str:
    form: bytes = stub.seen[-1].body["form"]
    return form.decode("latin-1")


def test_a_piece_is_sent_as_openai_has_it(first: Stub) -> None:
    assert heard(engine(first), languages=("zh",), prompt="names", hotwords=("Huiyin",)).text == "from the first"
    form = form_of(first)
    assert first.seen[-1].path == "/v1/audio/transcriptions"
    for name, value in (
        ("model", "whisper-1"),
        ("language", "zh"),
        ("prompt", "names Huiyin"),
        ("response_format", "verbose_json"),
    ):
        assert f'name="{name}"\r\n\r\n{value}\r\n' in form
    assert "RIFF" in form and "WAVE" in form


def test_what_a_huiyin_elsewhere_hears_arrives_whole(first: Stub) -> None:
    emotion = {"label": "happy", "confidence": 0.9, "scores": {"happy": 0.9, "sad": 0.1}}
    laugh = {"label": "laughter", "start_s": 0.1, "end_s": 0.4, "confidence": 0.7}
    row = {"start": 0.1, "end": 0.9, "text": "你好", "language": "zh", "confidence": 0.8}
    words = [{"word": "你", "start": 0.1, "end": 0.3}, {"word": "好", "start": 0.3, "end": 0.9}]
    first.behave = said("你好", language="zh", segments=[{**row, "emotion": emotion, "events": [laugh]}], words=words)
    (segment,) = heard(engine(first), words=True).segments
    assert (segment.start_s, segment.end_s, segment.language, segment.confidence) == (0.1, 0.9, "zh", 0.8)
    assert segment.emotion and segment.emotion.label == "happy" and segment.emotion.scores["sad"] == 0.1
    assert segment.events[0].label == "laughter" and [word.text for word in segment.words] == ["你", "好"]


@pytest.mark.parametrize(
    "answer",
    [
        {"text": "hello", "language": "english"},
        {"text": "hello", "segments": [{"text": " hello ", "start": "?", "end": 1e9, "avg_logprob": -0.1}]},
        {"text": "hello", "segments": "none", "words": [3]},
    ],
)
def test_answers_of_other_servers_are_understood(first: Stub, answer: dict[str, Any]) -> None:
    first.behave = lambda reply: reply.whole(answer)
    (segment,) = heard(engine(first)).segments
    assert (segment.text, segment.language, segment.start_s, segment.end_s) == ("hello", "en", 0.0, 1.0)


def test_silence_is_no_segment(first: Stub) -> None:
    first.behave = said("", segments=[])
    assert heard(engine(first)).segments == ()


def test_a_server_without_times_is_asked_without_and_not_twice(first: Stub) -> None:
    def plain_only(answer: Answer) -> None:
        if b"verbose_json" in answer.seen.body["form"]:
            answer.whole({"error": {"message": "response_format 'verbose_json' is not supported"}}, 400)
        else:
            answer.whole({"text": "hello"})

    first.behave = plain_only
    one = engine(first)
    assert [heard(one).text for _ in range(3)] == ["hello"] * 3
    assert len(first.seen) == 4


def fails(answer: Answer) -> None:
    answer.whole({"error": {"message": "it fell over"}}, 500)


def stalls(answer: Answer) -> None:
    answer.wait_for_leaving()


def breaks_off(answer: Answer) -> None:
    answer.start("application/json")
    answer.write(b'{"text": "half')
    answer.drop()


def a_page(answer: Answer) -> None:
    answer.whole(b"<html>nginx</html>", kind="text/html")


@pytest.mark.parametrize("failure", [fails, stalls, breaks_off, a_page, said(None)])
def test_the_next_one_is_asked_where_one_fails(
    first: Stub, second: Stub, failure: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huiyin.services.asr.engines.upstreams._LAST_PATIENCE", 100)
    first.behave = failure
    assert heard(engine(first, second, reply_timeout_s=0.2)).text == "from the second"


def test_one_that_fails_again_and_again_is_skipped_for_a_while(first: Stub, second: Stub) -> None:
    first.behave = fails
    one = engine(first, second, breaker_failures=2)
    for _ in range(5):
        assert heard(one).text == "from the second"
    assert len(first.seen) == 2
    states = {facts["name"]: facts["breaker"] for facts in one.chain.facts()}
    assert states == {first.url: "open", second.url: "closed"}


def test_the_engine_of_this_machine_goes_on(first: Stub) -> None:
    first.behave = fails
    assert heard(engine(first, here=True)).text == fingerprint(PIECE)


def test_a_wrong_request_is_asked_of_one_alone(first: Stub, second: Stub) -> None:
    first.behave = lambda answer: answer.whole({"error": {"message": "no such language"}}, 422)
    with pytest.raises(ApiError, match="no such language"):
        heard(engine(first, second))
    assert not second.seen


def test_when_all_fail_their_reasons_are_said(first: Stub, second: Stub) -> None:
    first.behave = second.behave = fails
    with pytest.raises(ApiError) as failed:
        heard(engine(first, second))
    assert failed.value.status == 502 and first.url in failed.value.message and second.url in failed.value.message


def test_a_translation_is_asked_for_at_its_address(first: Stub) -> None:
    heard(engine(first), translate=True, languages=("zh",))
    assert first.seen[-1].path == "/v1/audio/translations" and 'name="language"' not in form_of(first)


def test_each_url_has_its_key_and_model(monkeypatch: pytest.MonkeyPatch, first: Stub, second: Stub) -> None:
    monkeypatch.setenv("HUIYIN_ASR_API_KEY", "k-one,k-two")
    first.behave = fails
    chosen = settings(first.url, second.url, upstream_model="one,two")
    heard(load_upstreams(chosen, lambda: pytest.fail("no engine of this machine was asked for")))
    assert [stub.seen[-1].headers["authorization"] for stub in (first, second)] == ["Bearer k-one", "Bearer k-two"]
    assert 'name="model"\r\n\r\ntwo' in form_of(second)


def test_settings_have_the_same_shape_as_those_of_the_language_model() -> None:
    chosen = load(overrides=["asr.upstreams=http://gpu:8000/v1,embedded", "tts.upstreams=http://gpu:8880"], environ={})
    assert chosen.asr.urls == ["http://gpu:8000/v1"] and chosen.asr.has_embedded
    assert not chosen.tts.has_embedded and chosen.llm.is_embedded
    with pytest.raises(SettingsError, match=r"asr\.upstreams"):
        load_upstreams(settings("gpu:8000"), lambda: pytest.fail("unused"))
