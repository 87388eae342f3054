"""What the LLM service makes of a request, before and beside the talk with upstreams: checks, keys, names of models."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from configs.settings import LlmSettings, Settings
from services.llm.app import make_app
from services.llm.engines.remote import Remote
from services.llm.proxy import Proxy
from services.llm.upstream import open_upstreams
from services.llm.wire import Wire
from tests.service_process import free_port
from tests.stub_upstream import WAIT_S, Answer, Stub, completion, delta

HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub("model-a", "both") as stub:
        yield stub


@pytest.fixture
def app(stub: Stub) -> FlaskClient:
    """The service, called without a server in between."""
    return make_app(Settings(llm=LlmSettings(upstreams=(stub.url,)))).test_client()


# --- bad requests -----------------------------------------------------------------------------------------------------

SAY = {"messages": HELLO}
BAD_CHATS: list[tuple[Any, str]] = [
    ({}, "messages"),
    ({"messages": []}, "messages"),
    ({"messages": "hello"}, "messages"),
    ({"messages": ["hello"]}, "messages[0]"),
    ({"messages": [{"role": "user"}]}, "content"),
    ({"messages": [{"role": "user", "content": 5}]}, "content"),
    ({"messages": [{"role": "user", "content": [5]}]}, "content"),
    ({"messages": [{"role": "robot", "content": "x"}]}, "role"),
    ({"messages": [{"content": "x"}]}, "role"),
    ({**SAY, "model": 5}, "model"),
    ({**SAY, "stream": "yes"}, "stream"),
    ({**SAY, "max_tokens": -1}, "max_tokens"),
    ({**SAY, "max_tokens": 0}, "max_tokens"),
    ({**SAY, "max_tokens": 1.5}, "max_tokens"),
    ({**SAY, "max_tokens": True}, "max_tokens"),
    ({**SAY, "max_completion_tokens": "9"}, "max_completion_tokens"),
    ({**SAY, "n": 0}, "n"),
    ({**SAY, "temperature": -0.1}, "temperature"),
    ({**SAY, "temperature": "hot"}, "temperature"),
    ({**SAY, "top_p": 2}, "top_p"),
    ([1, 2], "JSON object"),
    ("hello", "JSON object"),
]
BAD_PROMPTS: list[tuple[Any, str]] = [
    ({}, "prompt"),
    ({"prompt": ""}, "prompt"),
    ({"prompt": " \n"}, "prompt"),
    ({"prompt": 5}, "prompt"),
    ({"prompt": "x", "messages": HELLO}, "either"),
    ({"prompt": "x", "max_new_tokens": -3}, "max_new_tokens"),
    ({"prompt": "x", "max_new_tokens": "9"}, "max_new_tokens"),
    ({"messages": []}, "messages"),
]


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [("/v1/chat/completions", *case) for case in BAD_CHATS] + [("/generate", *case) for case in BAD_PROMPTS],
)
def test_a_bad_request_is_refused_in_words_before_anybody_is_asked(
    app: FlaskClient, stub: Stub, path: str, body: Any, words: str
) -> None:
    answer = app.post(path, json=body)
    error = answer.get_json()["error"]
    assert answer.status_code == 400, error
    assert words in error["message"] and error["type"] == "invalid_request_error"
    assert not stub.asked


@pytest.mark.parametrize(
    ("data", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"hello", "text/plain", 415),
        (b"[" * 100_000, "application/json", 400),
        (b" " * (17 * 2**20), "application/json", 413),
    ],
)
def test_what_is_no_json_object_is_refused(app: FlaskClient, data: bytes, kind: str, status: int) -> None:
    for path in ("/v1/chat/completions", "/generate"):
        answer = app.post(path, data=data, content_type=kind)
        assert answer.status_code == status
        assert answer.get_json()["error"]["message"]


def test_nulls_count_as_left_out(app: FlaskClient, stub: Stub) -> None:
    nulls = {"model": None, "stream": None, "max_tokens": None, "temperature": None, "tools": None}
    assert app.post("/v1/chat/completions", json={**SAY, **nulls}).status_code == 200
    assert stub.asked[0].body == {"messages": HELLO, "model": "model-a", "stream": False}


def test_odd_characters_pass(app: FlaskClient, stub: Stub) -> None:
    said = "😀\u2028\u0000\ud800</s>"
    stub.behave = lambda answer: answer.whole(completion(said))
    messages = [{"role": "user", "content": said}]
    body = json.dumps({"messages": messages})
    answer = app.post("/v1/chat/completions", data=body, content_type="application/json")
    assert answer.get_json()["choices"][0]["message"]["content"] == said
    assert stub.asked[0].body["messages"] == messages


# --- keys and addresses -----------------------------------------------------------------------------------------------


def test_each_url_gets_its_own_key() -> None:
    settings = Settings(llm=LlmSettings(upstreams=("http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1")))
    first, second = open_upstreams(settings, {"HUIYIN_LLM_API_KEY": "k-one, k-two"})
    assert (first.clean("k-one k-two"), second.clean("k-one k-two")) == ("*** k-two", "k-one ***")
    with pytest.raises(ValueError, match="3 keys for 2 URLs"):
        open_upstreams(settings, {"HUIYIN_LLM_API_KEY": "a,b,c"})


@pytest.mark.parametrize(
    "bad", ["ollama", "http://me:pw@host/v1", "http://host/v1?key=1", "http://", "http://h:port/v1"]
)
def test_an_upstream_that_is_no_base_url_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match=r"embedded|base URL|HUIYIN_LLM_API_KEY|[Pp]ort"):
        open_upstreams(Settings(llm=LlmSettings(upstreams=(bad,))), {})


# --- which model a URL is asked for -----------------------------------------------------------------------------------


def test_the_model_of_the_settings_is_asked_for_and_a_server_without_a_list_gets_any(stub: Stub) -> None:
    with Stub() as listless:
        listless.models = None
        settings = LlmSettings(upstreams=(listless.url,), upstream_model="qwen-plus")
        named = Remote(listless.url, settings, "")
        assert (named.target(""), named.target("default"), named.target("other")) == ("qwen-plus", "qwen-plus", "other")
        assert Remote(listless.url, replace(settings, upstream_model=""), "").target("") == ""
    upstream = Remote(stub.url, LlmSettings(upstream_model="both"), "")
    assert [upstream.target(name) for name in ("", "model-a", "both", "nope")] == ["both", "model-a", "both", None]


def test_a_proxy_of_the_environment_is_for_other_machines_only(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://me:pw@127.0.0.1:{stub.port}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    wire = Wire("http://llm.example/v1", {}, connect_timeout_s=1)
    exchange = wire.exchange("GET", "/models")
    assert exchange.head(time.monotonic() + WAIT_S, lambda: False).status == 200
    assert stub.seen[0].path == "http://llm.example/v1/models"
    assert stub.seen[0].headers["host"] == "llm.example"
    assert stub.seen[0].headers["proxy-authorization"].startswith("Basic ")
    assert Wire("http://127.0.0.1:5/v1", {}, connect_timeout_s=1).address == ("127.0.0.1", 5)


def test_nothing_listens_there() -> None:
    closed = f"http://127.0.0.1:{free_port()}/v1"
    app = make_app(Settings(llm=LlmSettings(upstreams=(closed,)))).test_client()
    for stream in (True, False):
        answer = app.post("/v1/chat/completions", json={"messages": HELLO, "stream": stream})
        error = answer.get_json()["error"]
        assert (answer.status_code, error["code"]) == (502, "upstream_unreachable")
        assert closed in error["message"] and "refused" in error["message"] and "llm.upstreams" in error["hint"]
    (state,) = app.get("/ready").get_json()["upstreams"]
    assert (state["name"], state["reachable"]) == (closed, False)
    assert "refused" in state["error"]
    assert app.get("/v1/models").get_json()["unreachable"][0]["upstream"] == closed


def test_a_dead_upstream_does_not_hide_the_living_one(stub: Stub) -> None:
    closed = f"http://127.0.0.1:{free_port()}/v1"
    app = make_app(Settings(llm=LlmSettings(upstreams=(closed, stub.url)))).test_client()
    answer = app.post("/generate", json={"prompt": "hi"})
    assert (answer.status_code, answer.text, answer.headers["X-Huiyin-Upstream"]) == (200, "hello there", stub.url)


# --- thoughts ---------------------------------------------------------------------------------------------------------


def thinks(answer: Answer) -> None:
    if not answer.seen.body.get("stream"):
        return answer.whole(completion("<think>sad, I see</think>\n\nCheer up!", reasoning_content="hm"))
    answer.start()
    answer.event(delta(reasoning_content="hm"))
    answer.say("<th", "ink>sad, ", "I see</", "think>\n", "\nCheer", " up", "!<")


def test_thoughts_are_hidden(app: FlaskClient, stub: Stub) -> None:
    stub.behave = thinks
    streamed = app.post("/v1/chat/completions", json={**SAY, "stream": True}).text
    assert streamed.endswith("data: [DONE]\n\n")
    assert "hm" not in streamed and "sad" not in streamed
    assert app.post("/generate", json={"prompt": "x"}).text == "Cheer up!<"
    message = app.post("/v1/chat/completions", json=SAY).get_json()["choices"][0]["message"]
    assert message == {"role": "assistant", "content": "Cheer up!"}


def test_thoughts_are_shown_when_asked_for(stub: Stub) -> None:
    stub.behave = thinks
    settings = LlmSettings(upstreams=(stub.url,), hide_thinking=False)
    proxy = Proxy([Remote(stub.url, settings, "")], settings)
    body = {"model": "", "messages": HELLO}
    message = proxy.complete(body, lambda: False)[0]["choices"][0]["message"]
    assert message["content"].startswith("<think>sad") and message["reasoning_content"] == "hm"
    said = "".join(chunk.text for chunk in proxy.stream({**body, "stream": True}, lambda: False))
    assert "sad, " in said and '"hm"' in said
