"""Requests to the LLM service before an upstream answers: checks, keys, names of models."""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from huiyin.configs.settings import CONFIG_DIR, LlmSettings, Settings, SettingsError
from huiyin.services.common.model_names import ModelNames
from huiyin.services.common.upstreams.http_client import HttpClient
from huiyin.services.llm.app import make_app
from huiyin.services.llm.engines.remote import Remote
from huiyin.services.llm.proxy import Proxy
from huiyin.services.llm.upstream import Caller, open_all
from tests.support.limits import PATIENCE_S
from tests.support.llm_fixtures import HELLO
from tests.support.service_process import free_port
from tests.support.sse import events_in
from tests.support.stub_upstream import Answer, Stub, completion, delta


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
    ({"prompt": "x", "max_new_tokens": 9, "max_tokens": 0}, "max_tokens"),
    ({"prompt": "x", "stream": "no"}, "stream"),
    ({"messages": []}, "messages"),
]


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [("/v1/chat/completions", *case) for case in BAD_CHATS] + [("/generate", *case) for case in BAD_PROMPTS],
)
def test_a_bad_request_is_refused_before_an_upstream_is_asked(
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
        (b'{"prompt": "\xff", "messages": [{"role": "user", "content": "\xe4\xbd"}]}', "application/json", 400),
        (b"hello", "text/plain", 415),
        (b"[" * 100_000, "application/json", 400),
        (b" " * (17 * 2**20), "application/json", 413),
    ],
)
def test_a_body_that_is_not_a_json_object_is_refused(app: FlaskClient, data: bytes, kind: str, status: int) -> None:
    for path in ("/v1/chat/completions", "/generate"):
        answer = app.post(path, data=data, content_type=kind)
        assert answer.status_code == status
        assert answer.get_json()["error"]["message"]


def test_nulls_count_as_left_out(app: FlaskClient, stub: Stub) -> None:
    nulls = {"model": None, "stream": None, "max_tokens": None, "temperature": None, "tools": None}
    assert app.post("/v1/chat/completions", json={**SAY, **nulls}).status_code == 200
    assert stub.asked[0].body == {"messages": HELLO, "model": "model-a", "stream": False}


def test_a_whole_number_is_one_however_json_writes_it(app: FlaskClient, stub: Stub) -> None:
    assert app.post("/v1/chat/completions", json={**SAY, "max_tokens": 64.0}).status_code == 200
    assert repr(stub.asked[0].body["max_tokens"]) == "64"


def test_odd_characters_pass(app: FlaskClient, stub: Stub) -> None:
    said = "😀\u2028\u0000\ud800</s>"
    stub.behave = lambda answer: answer.whole(completion(said))
    messages = [{"role": "user", "content": said}]
    body = json.dumps({"messages": messages})
    answer = app.post("/v1/chat/completions", data=body, content_type="application/json")
    assert answer.get_json()["choices"][0]["message"]["content"] == said
    passed_on = said.replace("\ud800", "?")  # half a character is no text that every server takes
    assert stub.asked[0].body["messages"] == [{"role": "user", "content": passed_on}]


@pytest.mark.parametrize("stream", [True, False])
def test_a_hundred_thousand_characters_go_through_whole_both_ways(app: FlaskClient, stub: Stub, stream: bool) -> None:
    long = "长路漫漫" * 25_000

    def behave(answer: Answer) -> None:
        if answer.seen.body["stream"]:
            answer.start()
            answer.say(long)
        else:
            answer.whole(completion(long))

    stub.behave = behave
    messages = [{"role": "user", "content": long}]
    answer = app.post("/v1/chat/completions", json={"messages": messages, "stream": stream})
    assert stub.asked[0].body["messages"] == messages
    body = json.loads(events_in(answer.text)[0]) if stream else answer.get_json()
    assert body["choices"][0]["delta" if stream else "message"]["content"] == long


# --- keys and addresses -----------------------------------------------------------------------------------------------


def test_each_url_gets_its_own_key() -> None:
    settings = Settings(llm=LlmSettings(upstreams=("http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1")))
    first, second = open_all(settings, {"HUIYIN_LLM_API_KEY": "k-one, k-two"})
    assert (first.clean("k-one k-two"), second.clean("k-one k-two")) == ("*** k-two", "k-one ***")
    with pytest.raises(SettingsError, match="3 values for 2 URLs"):
        open_all(settings, {"HUIYIN_LLM_API_KEY": "a,b,c"})


def key_file(folder: Path, text: str, mode: int = 0o600) -> str:
    path = folder / "keys"
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def test_keys_may_stand_in_a_file(tmp_path: Path) -> None:
    one, two = "http://127.0.0.1:1/v1", "http://127.0.0.1:2/v1/"
    path = key_file(tmp_path, f"# mine\nk-all\n\n{two} k-two # the second\n")
    settings = Settings(llm=LlmSettings(upstreams=(one, two), key_file=path))
    first, second = open_all(settings, {})
    assert (first.clean("k-all k-two"), second.clean("k-all k-two")) == ("*** k-two", "k-all ***")
    first, second = open_all(settings, {"HUIYIN_LLM_API_KEY": "k-env"})
    assert first.clean("k-env k-all") == second.clean("k-env k-all") == "*** k-all"
    assert "k-two" not in json.dumps(second.facts())


BAD_FILES = [
    ("k-one\nk-two\n", 0o600, "line 2"),
    ("http://x k-one k-two", 0o600, "line 1"),
    ("k-\u00e9", 0o600, "character"),
    pytest.param("k-one", 0o644, "chmod 600", marks=pytest.mark.skipif(os.name != "posix", reason="POSIX modes")),
]


@pytest.mark.parametrize(("text", "mode", "words"), BAD_FILES)
def test_a_key_file_that_cannot_be_used_is_refused_without_telling_the_key(
    tmp_path: Path, text: str, mode: int, words: str
) -> None:
    settings = LlmSettings(upstreams=("http://127.0.0.1:1/v1",), key_file=key_file(tmp_path, text, mode))
    with pytest.raises(SettingsError, match=words) as refused:
        open_all(Settings(llm=settings), {})
    assert "k-" not in str(refused.value)
    app = make_app(Settings(llm=settings)).test_client()  # the same words stand in the answers
    answer = app.post("/generate", json={"prompt": "hi"})
    assert answer.status_code == 503 and words in answer.text


def test_a_key_file_that_is_not_there_or_in_the_checkout_is_refused(tmp_path: Path) -> None:
    for path, words in [(tmp_path / "none", "No such file"), (CONFIG_DIR / "embedded.toml", "in the checkout")]:
        if words == "in the checkout" and not (CONFIG_DIR.parent / ".git").exists():
            continue
        settings = Settings(llm=LlmSettings(upstreams=("http://127.0.0.1:1/v1",), key_file=str(path)))
        with pytest.raises(SettingsError, match=words):
            open_all(settings, {})


@pytest.mark.parametrize(
    "bad", ["ollama", "http://me:pw@host/v1", "http://host/v1?key=1", "http://", "http://h:port/v1"]
)
def test_an_upstream_that_is_not_a_base_url_is_refused(bad: str) -> None:
    with pytest.raises(SettingsError, match=r"embedded|base URL|HUIYIN_LLM_API_KEY|[Pp]ort"):
        open_all(Settings(llm=LlmSettings(upstreams=(bad,))), {})


# --- which model a URL is asked for -----------------------------------------------------------------------------------


def test_the_model_of_the_settings_is_asked_for_and_a_server_without_a_list_gets_any(stub: Stub) -> None:
    with Stub() as listless:
        listless.models = None
        settings = LlmSettings(upstreams=(listless.url,))
        named = Remote(listless.url, settings, "", "qwen-plus")
        assert (named.target(""), named.target("default"), named.target("other")) == ("qwen-plus", "qwen-plus", "other")
        assert Remote(listless.url, settings, "").target("") == ""
    upstream = Remote(stub.url, LlmSettings(), "", "both")
    assert [upstream.target(name) for name in ("", "model-a", "both", "nope")] == ["both", "model-a", "both", None]


def test_a_proxy_of_the_environment_is_for_other_machines_only(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", f"http://me:pw@127.0.0.1:{stub.port}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    client = HttpClient("http://llm.example/v1", {}, connect_timeout_s=1)
    exchange = client.exchange("GET", "/models")
    assert exchange.head(time.monotonic() + PATIENCE_S, lambda: False).status == 200
    assert stub.seen[0].path == "http://llm.example/v1/models"
    assert stub.seen[0].headers["host"] == "llm.example"
    assert stub.seen[0].headers["proxy-authorization"].startswith("Basic ")
    assert HttpClient("http://127.0.0.1:5/v1", {}, connect_timeout_s=1).address == ("127.0.0.1", 5)


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
    proxy = Proxy([Remote(stub.url, settings, "")], settings, ModelNames(strict=False))
    body = {"model": "", "messages": HELLO}
    message = proxy.complete(body, Caller(lambda: False)).body["choices"][0]["message"]
    assert message["content"].startswith("<think>sad") and message["reasoning_content"] == "hm"
    with contextlib.closing(proxy.stream({**body, "stream": True}, Caller(lambda: False))) as chunks:
        said = "".join(chunk.text for chunk in chunks)
    assert "sad, " in said and '"hm"' in said
