"""Each service describes all its addresses: parameters, bodies, answers, and every status that it can answer."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from flask import Flask

from huiyin.configs.settings import load
from huiyin.services.asr import app as asr
from huiyin.services.llm import app as llm
from huiyin.services.tts import app as tts
from huiyin.services.tts.engines.hibari import HibariEngine
from tests.services.test_tts_speaker import Tone
from tests.support import ROOT
from tests.support.asr_fakes import FakeEngine, LoudnessDetector

SERVICES = {"asr": asr.make_app, "llm": llm.make_app, "tts": tts.make_app}
_STATUS = re.compile(r"\b(?:ApiError|UpstreamError)\(\s*(\d{3})\b")
FILES = {"asr": "asr/http/openapi.yaml", "llm": "llm/openapi.yaml", "tts": "tts/openapi.yaml"}


@pytest.fixture
def described(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """The document of a service without models."""
    monkeypatch.setattr("huiyin.services.asr.serving.load_engine", lambda *_: FakeEngine())
    monkeypatch.setattr("huiyin.services.asr.serving.load_detectors", lambda *_: LoudnessDetector)
    monkeypatch.setattr("huiyin.services.tts.speaker.load_engine", lambda *_: Tone("hibari", HibariEngine.voices))

    def document(name: str, *settings: str, key: str = "") -> dict[str, Any]:
        usual = ("llm.upstreams=http://127.0.0.1:9/v1", "tts.engine=hibari", "tts.cache_mb=0")
        app: Flask = SERVICES[name](load(overrides=[*usual, *settings], environ={"HUIYIN_SERVICE_API_KEY": key}))
        return dict(app.test_client().get("/openapi.json").get_json())

    return document


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, each) for path, item in document["paths"].items() for method, each in item.items()]


@pytest.mark.parametrize("name", SERVICES)
def test_every_address_is_described(name: str, described: Callable[..., dict[str, Any]]) -> None:
    document = described(name)
    assert {"/health", "/ready", "/system", "/metrics", "/openapi.json", "/v1/models"} <= document["paths"].keys()
    for path, method, operation in operations(document):
        where = f"{method} {path}"
        assert operation["summary"].endswith("."), where
        good = {status: answer for status, answer in operation["responses"].items() if status[0] in "12"}
        assert good and all(answer.get("content") or status == "101" for status, answer in good.items()), where
        assert {"403", "417", "500", "503"} <= operation["responses"].keys(), where
        has_body = method == "post" and not path.endswith("/retry")
        assert ("requestBody" in operation) == has_body, where
        if has_body:
            assert {"400", "408", "413", "415"} <= operation["responses"].keys(), where
        named = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "path"}
        assert named == set(re.findall(r"{(\w+)}", path)), where
    assert len({operation["operationId"] for _, _, operation in operations(document)}) == len(operations(document))


@pytest.mark.parametrize("name", SERVICES)
def test_nothing_is_described_that_is_not_there(name: str, described: Callable[..., dict[str, Any]]) -> None:
    there = {(path, method) for path, method, _ in operations(described(name))}
    for file in (FILES[name], "common/openapi.yaml"):
        told = operations(yaml.safe_load((ROOT / "services" / file).read_text(encoding="utf-8")))
        assert {(path, method) for path, method, _ in told} - there == set()


@pytest.mark.parametrize("name", SERVICES)
def test_every_status_that_is_raised_is_described(name: str, described: Callable[..., dict[str, Any]]) -> None:
    told = {status for _, _, operation in operations(described(name)) for status in operation["responses"]}
    raised = {
        status
        for path in (ROOT / "services" / name).rglob("*.py")
        for status in _STATUS.findall(path.read_text(encoding="utf-8"))
    }
    assert raised - told == set() and len(raised) > 2


def test_a_key_is_described_where_one_is_set(described: Callable[..., dict[str, Any]]) -> None:
    with_key = described("tts", key="correct-horse")
    assert with_key["components"]["securitySchemes"]["key"] == {"type": "http", "scheme": "bearer"}
    for path, _, operation in operations(with_key):
        assert ("401" in operation["responses"]) == bool(operation.get("security")) == (path != "/health")
    assert "securitySchemes" not in described("tts")["components"]


def test_bounds_are_those_of_the_settings(described: Callable[..., dict[str, Any]]) -> None:
    document = described("tts", "tts.max_text_chars=77")
    schema = document["paths"]["/audio"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert schema["properties"]["text"]["maxLength"] == 77
    assert (schema["properties"]["speed"]["minimum"], schema["properties"]["speed"]["maximum"]) == (0.25, 4.0)
