"""A model's name that is not known here: programs written for OpenAI bring their own."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from huiyin.configs.settings import LlmSettings, ServiceSettings, Settings
from huiyin.services.common.model_names import ModelNames, model_header
from huiyin.services.llm.app import make_app
from tests.support.service_process import free_port
from tests.support.stub_upstream import Stub, friendly

HELLO = [{"role": "user", "content": "hello"}]
CHAT = "/v1/chat/completions"


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub("model-a") as stub:
        yield stub


def test_is_said_in_the_log_once_for_each_name(caplog: pytest.LogCaptureFixture) -> None:
    names = ModelNames(strict=False)
    with caplog.at_level(logging.INFO):
        assert all(names.accepts(name, "model-a") for name in ("gpt-4o", "gpt-4o", "o3", "gpt-4o", "x" * 500))
    first, second, long = (record.getMessage() for record in caplog.records)
    assert "gpt-4o" in first and "model-a" in first and "strict_models" in first
    assert "o3" in second and len(long) < 250


def test_header_holds_what_a_header_may() -> None:
    assert model_header("模型 a\n") == {"X-Huiyin-Model": "?? a?"}
    assert model_header("") == {}


def test_strict_service_refuses_and_names_the_right_ones(stub: Stub) -> None:
    settings = Settings(service=ServiceSettings(strict_models=True), llm=LlmSettings(upstreams=(stub.url,)))
    answer = make_app(settings).test_client().post(CHAT, json={"messages": HELLO, "model": "gpt-4.1"})
    assert (answer.status_code, answer.get_json()["error"]["code"]) == (404, "model_not_found")
    assert "gpt-4.1" in answer.get_json()["error"]["message"] and "model-a" in answer.get_json()["error"]["message"]


def test_a_request_may_insist_on_its_model(stub: Stub) -> None:
    client = make_app(Settings(llm=LlmSettings(upstreams=(stub.url,)))).test_client()
    strict = {"X-Huiyin-Strict-Model": "true"}
    status = {name: client.post(CHAT, json={"messages": HELLO, "model": name}, headers=strict).status_code for name in
              ("gpt-4.1", "model-a", "")}  # fmt: skip
    assert status == {"gpt-4.1": 404, "model-a": 200, "": 200}


def test_upstream_that_is_down_does_not_hide_the_one_that_can_answer(stub: Stub) -> None:
    settings = LlmSettings(upstreams=(f"http://127.0.0.1:{free_port()}/v1", stub.url))
    answer = make_app(Settings(llm=settings)).test_client().post(CHAT, json={"messages": HELLO, "model": "gpt-4.1"})
    assert (answer.status_code, answer.headers["X-Huiyin-Model"]) == (200, "model-a")


def test_upstream_without_a_list_is_asked_for_its_own_model_when_it_refuses_the_name(stub: Stub) -> None:
    stub.models = None
    stub.behave = lambda answer: (
        answer.whole({"error": {"message": "The model `gpt-4.1` does not exist", "code": "model_not_found"}}, 404)
        if answer.seen.body["model"] == "gpt-4.1"
        else friendly(answer)
    )
    settings = LlmSettings(upstreams=(stub.url,), upstream_model="mine")
    answer = make_app(Settings(llm=settings)).test_client().post(CHAT, json={"messages": HELLO, "model": "gpt-4.1"})
    assert (answer.status_code, answer.headers["X-Huiyin-Model"]) == (200, "mine")


def test_service_says_what_it_is_and_what_was_meant(stub: Stub) -> None:
    client = make_app(Settings(llm=LlmSettings(upstreams=(stub.url,)))).test_client()
    told = client.get("/").get_json()
    assert (told["program"], told["service"]) == ("huiyin", "llm") and f"POST {CHAT}" in told["addresses"]
    for path, meant in (("/chat/completions", CHAT), ("/v1/v1/models", "/v1/models"), ("/v1/chat/completion", CHAT)):
        assert client.get(path).get_json()["error"]["message"].endswith(f"; ask for {meant}"), path
    assert "/openapi.json" in client.get("/v1/embeddings").get_json()["error"]["message"]
    assert client.get(CHAT).get_json()["error"]["message"].startswith(f"{CHAT} takes POST, not GET")
    assert {"/v1/responses", CHAT} <= client.get("/openapi.json").get_json()["paths"].keys()
