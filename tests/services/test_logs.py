"""What a user said is in no log, at any level, unless the setting allows it."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import pytest
import requests
from flask import Flask

from huiyin.configs.settings import ServiceSettings, load
from huiyin.services.asr import app as asr
from huiyin.services.common import errors, logs
from huiyin.services.common.app import json_body
from huiyin.services.llm import app as llm
from huiyin.services.tts import app as tts
from huiyin.services.tts.engines.hibari import HibariEngine
from tests.services.test_tts_speaker import Tone
from tests.support.asr_fakes import FakeEngine, LoudnessDetector, speech
from tests.support.limits import PATIENCE_S
from tests.support.live_server import running
from tests.support.media import encode
from tests.support.stub_upstream import Answer, Stub

WORDS = "xylophone rhubarb"
MARKS = ("xylophone", "rhubarb", "秘密")
SAID = f"{WORDS} 秘密"


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """What has been logged, as the programs do at level debug; of libraries, too."""
    with logging_to() as stream:
        yield stream.getvalue


@contextmanager
def logging_to(*, words: bool = False) -> Iterator[io.StringIO]:
    """Logs as the programs do, here and meanwhile, in place of pytest."""
    root, ours = logging.getLogger(), logging.getLogger("huiyin")
    before = root.handlers, root.level, ours.level
    root.handlers, stream = [], io.StringIO()
    try:
        logs.install(ServiceSettings(log_level="debug", log_words=words), "test", stream)
        yield stream
    finally:
        root.handlers, root.level, ours.level = before


def without_words(text: str) -> bool:
    return not any(mark in text for mark in MARKS)


def echoing() -> Flask:
    app = Flask("under-test")
    errors.install(app)

    @app.post("/fail")
    def fail() -> None:
        try:
            raise KeyError(json_body()["text"])
        except KeyError as error:
            raise ValueError(f"cannot say {error}") from error

    return app


def post(url: str, path: str, **body: Any) -> requests.Response:
    return requests.post(url + path, json=body, timeout=PATIENCE_S)


def test_an_error_that_quotes_what_was_said_is_logged_by_its_kind_and_place(logged: Callable[[], str]) -> None:
    with running(echoing()) as url:
        assert post(url, "/fail", text=SAID).status_code == 500
    assert without_words(logged())
    assert "ValueError" in logged() and "KeyError" in logged() and "test_logs.py" in logged()


def test_where_words_are_allowed_all_of_it_is_logged() -> None:
    with logging_to(words=True) as stream, running(echoing()) as url:
        post(url, "/fail", text=SAID)
    assert "ValueError: cannot say" in stream.getvalue() and "秘密" in stream.getvalue()


def quoting(answer: Answer) -> None:
    """An upstream that repeats what it was asked in its refusal."""
    said = answer.seen.body["messages"][-1]["content"]
    if said.startswith("stop"):
        answer.start()
        answer.say("well", done=False)
        answer.event({"error": {"message": f"no more of {said}"}})
        answer.end()
    else:
        answer.whole({"error": {"message": f"I will not answer {said}"}}, 400)


def test_the_language_models_service_logs_no_words(logged: Callable[[], str]) -> None:
    with Stub("model") as upstream, ExitStack() as stack:
        upstream.behave = quoting
        settings = load(overrides=[f"llm.upstreams={upstream.url}"], environ={})
        url = stack.enter_context(running(llm.make_app(settings)))
        asked = [{"role": "user", "content": SAID}]
        refused = post(url, "/v1/chat/completions", messages=asked)
        assert refused.status_code == 400 and "rhubarb" in refused.text, "the caller is told"
        post(url, "/v1/chat/completions", messages=[{"role": "user", "content": f"stop {SAID}"}], stream=True)
        post(url, "/generate", prompt=SAID)
        post(url, "/v1/chat/completions", messages=asked, model=SAID, temperature=SAID)
        post(url, "/v1/chat/completions", messages=[{"role": SAID}])
        post(url, "/end_of_turn", text=SAID)
        requests.get(f"{url}/v1/models/{SAID}", timeout=PATIENCE_S)
        requests.post(f"{url}/generate", data=SAID.encode(), timeout=PATIENCE_S)
    assert without_words(logged()) and "upstream" in logged()


def test_the_speech_service_logs_no_words(logged: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
    tone = Tone("hibari", HibariEngine.voices)

    def synthesise(text: str, voice: str, prosody: object = None) -> Iterator[Any]:
        if "fails" in text:
            raise ValueError(f"no phoneme for {text!r}")
        yield np.full(24_000, 0.1, np.float32)
        if "breaks" in text:
            raise ValueError(f"lost in {text!r}")

    tone.synthesise = synthesise  # type: ignore[method-assign]
    monkeypatch.setattr("huiyin.services.tts.speaker.load_engine", lambda name, settings: tone)
    settings = load(overrides=["tts.engine=hibari", "tts.cache_mb=0"], environ={})
    with running(tts.make_app(settings)) as url:
        assert post(url, "/audio", text=WORDS).status_code == 200
        assert post(url, "/audio", text=f"{WORDS} fails").status_code == 500
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            post(url, "/audio", text=f"{WORDS}。it breaks。", format="mp3")
        for wrong in ({"voice": SAID}, {"emotion": SAID}, {"format": SAID}, {"pronunciations": {SAID: 5}}):
            assert post(url, "/audio", text=WORDS, **wrong).status_code == 400
    assert without_words(logged()) and "ValueError" in logged()


def test_the_recogniser_logs_no_words(logged: Callable[[], str], monkeypatch: pytest.MonkeyPatch) -> None:
    engine = FakeEngine()

    def fail() -> None:
        raise RuntimeError(f"cannot decode {SAID}")

    monkeypatch.setattr("huiyin.services.asr.serving.load_engine", lambda *_: engine)
    monkeypatch.setattr("huiyin.services.asr.serving.load_detectors", lambda *_: LoudnessDetector)
    with running(asr.make_app(load(environ={}))) as url:
        sound = encode(speech(1.0))
        options = {"hotwords": SAID, "title": SAID, "format": "html"}
        assert requests.post(f"{url}/asr", data=sound, params=options, timeout=PATIENCE_S).status_code == 200
        form = {"file": (f"{SAID}.wav", sound)}
        assert requests.post(f"{url}/asr", files=form, data={"language": SAID}, timeout=PATIENCE_S).status_code == 400
        requests.get(f"{url}/v1/stream", params={"hotwords": SAID, "rate": SAID}, timeout=PATIENCE_S)
        engine.work = fail
        assert requests.post(f"{url}/asr", files=form, timeout=PATIENCE_S).status_code == 500
        stream = {"stream": "true", "hotwords": SAID}
        requests.post(f"{url}/asr", files=form, data=stream, timeout=PATIENCE_S)
    assert without_words(logged()) and "RuntimeError" in logged()
