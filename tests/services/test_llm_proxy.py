"""The LLM proxy between real clients and upstreams that misbehave on purpose."""

from __future__ import annotations

import contextlib
import io
import json
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai
import pytest
import requests

from tests.support.limits import PATIENCE_S, until
from tests.support.llm_fixtures import HELLO
from tests.support.service_process import start_service
from tests.support.sse import events_in
from tests.support.stub_upstream import Answer, Stub, completion, delta, friendly

KEY = "sk-very-secret-0123456789"
TIMEOUT_S = 1.0  # of the impatient service


@pytest.fixture(scope="module")
def stubs() -> Iterator[tuple[Stub, Stub]]:
    with Stub("model-a", "both") as first, Stub("model-b", "both") as second:
        yield first, second


@contextlib.contextmanager
def proxy(stubs: tuple[Stub, Stub], timeout_s: float) -> Iterator[str]:
    """A running service with both stubs as upstreams."""
    log = io.StringIO()
    settings = {
        "upstreams": f"{stubs[0].url},{stubs[1].url}",
        "first_token_timeout_s": timeout_s,
        "idle_timeout_s": timeout_s,
        "service__log_level": "debug",
        "breaker_failures": 100,  # each test finds both upstreams trusted; test_llm_breaker.py is about the breaker
    }
    with contextlib.ExitStack() as stack:
        with pytest.MonkeyPatch.context() as environment:  # for the service alone
            environment.setenv("HUIYIN_LLM_API_KEY", KEY)
            url = stack.enter_context(start_service("llm", **settings))
        yield url
        with contextlib.redirect_stdout(log):
            stack.close()
        assert KEY not in log.getvalue()


@pytest.fixture(scope="module")
def service(stubs: tuple[Stub, Stub]) -> Iterator[str]:
    with proxy(stubs, PATIENCE_S) as url:
        yield url


@pytest.fixture(scope="module")
def impatient(stubs: tuple[Stub, Stub]) -> Iterator[str]:
    with proxy(stubs, TIMEOUT_S) as url:
        yield url


@pytest.fixture
def ab(stubs: tuple[Stub, Stub]) -> tuple[Stub, Stub]:
    """The stubs, friendly again."""
    for stub in stubs:
        stub.reset()
    return stubs


def sdk(service: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{service}/v1", api_key="the client's own", max_retries=0, timeout=PATIENCE_S)


def ask(service: str, **body: Any) -> requests.Response:
    return requests.post(f"{service}/v1/chat/completions", json={"messages": HELLO, **body}, timeout=PATIENCE_S)


def events(answer: requests.Response) -> list[str]:
    return events_in(answer.content.decode())


def text(answer: requests.Response) -> str:
    """What a streamed answer says; fails if it did not end well."""
    *chunks, last = events(answer)
    assert last == "[DONE]", last
    return "".join(json.loads(chunk)["choices"][0]["delta"].get("content") or "" for chunk in chunks)


# --- what goes through ------------------------------------------------------------------------------------------------


def test_unknown_fields_and_tools_reach_the_upstream_and_its_events_come_back_unchanged(service: str, ab: Any) -> None:
    call = {"index": 0, "id": "c1", "type": "function", "function": {"name": "天气", "arguments": '{"city":'}}
    sent = [
        delta(role="assistant", content=None),
        delta(tool_calls=[call], odd={"x": [1]}),
        delta(tool_calls=[{"index": 0, "function": {"arguments": '"北京"}'}}]),
        delta(finish="tool_calls"),
        {"object": "chat.completion.chunk", "choices": [], "usage": {"total_tokens": 7}},
    ]

    def behave(answer: Answer) -> None:
        answer.start()
        for body in sent:
            answer.event(body)
        answer.write(b"data: [DONE]\n\n")
        answer.end()

    ab[0].behave = behave
    tools = [{"type": "function", "function": {"name": "天气", "parameters": {"type": "object"}}}]
    answer = ask(service, stream=True, tools=tools, seed=7, stream_options={"include_usage": True}, made_up={"a": [1]})
    assert answer.headers["Content-Type"].startswith("text/event-stream")
    assert answer.headers["X-Huiyin-Upstream"] == ab[0].url
    assert events(answer) == [*(json.dumps(body, ensure_ascii=False) for body in sent), "[DONE]"]
    body = ab[0].asked[0].body
    assert (body["tools"], body["seed"], body["made_up"], body["model"]) == (tools, 7, {"a": [1]}, "model-a")


def test_a_whole_answer_comes_back_with_all_its_fields(service: str, ab: Any) -> None:
    said = completion("好", odd=1, tool_calls=[{"id": "1"}])
    ab[0].behave = lambda answer: answer.whole(said)
    assert ask(service).json() == said


def test_the_sdk_works_with_it(service: str, ab: Any) -> None:
    client = sdk(service)
    assert client.chat.completions.create(model="", messages=HELLO).choices[0].message.content == "hello there"
    stream = client.chat.completions.create(model="", messages=HELLO, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "hello there"
    assert [model.id for model in client.models.list()] == ["model-a", "both", "model-b"]
    assert client.models.retrieve("model-b").id == "model-b"


def test_models_list_their_upstreams(service: str, ab: Any) -> None:
    found = {entry["id"]: entry["upstreams"] for entry in requests.get(f"{service}/v1/models").json()["data"]}
    assert found == {"model-a": [ab[0].url], "both": [ab[0].url, ab[1].url], "model-b": [ab[1].url]}


def test_a_named_model_is_asked_for_where_it_is(service: str, ab: Any) -> None:
    assert ask(service, model="model-b").headers["X-Huiyin-Upstream"] == ab[1].url
    assert ab[1].asked[0].body["model"] == "model-b"
    assert not ab[0].asked


def test_a_name_that_no_upstream_knows_stands_for_the_first_model(service: str, ab: Any) -> None:
    for stream in (False, True):
        answer = ask(service, model="gpt-4.1", stream=stream)
        assert (answer.headers["X-Huiyin-Upstream"], answer.headers["X-Huiyin-Model"]) == (ab[0].url, "model-a")
    assert sdk(service).chat.completions.create(model="gpt-4.1", messages=HELLO).choices[0].message.content


def test_generate_streams_plain_text(service: str, ab: Any) -> None:
    body = {"model": "both", "prompt": "讲个故事", "max_new_tokens": 9, "temperature": 0.5}
    answer = requests.post(f"{service}/generate", json=body, timeout=PATIENCE_S)
    assert (answer.text, answer.headers["Content-Type"]) == ("hello there", "text/plain; charset=utf-8")
    assert ab[0].asked[0].body == {
        "messages": [{"role": "user", "content": "讲个故事"}],
        "model": "both",
        "stream": True,
        "max_tokens": 9,
        "temperature": 0.5,
    }


def test_words_arrive_when_they_are_said_not_at_the_end(service: str, ab: Any) -> None:
    go_on = threading.Event()

    def behave(answer: Answer) -> None:
        answer.start()
        answer.say("first", done=False)
        go_on.wait(PATIENCE_S)
        answer.say("second")

    ab[0].behave = behave
    pieces = requests.post(f"{service}/generate", json={"prompt": "hi"}, stream=True).iter_content(None)
    assert next(pieces) == b"first"
    go_on.set()
    assert b"".join(pieces) == b"second"


def test_many_streams_at_once_keep_their_words_in_order(service: str, ab: Any) -> None:
    def behave(answer: Answer) -> None:
        name = answer.seen.body["messages"][0]["content"]
        answer.start()
        answer.say(*(f"{name}.{i} " for i in range(40)))

    ab[0].behave = behave

    def one(number: int) -> bool:
        answer = ask(service, stream=True, messages=[{"role": "user", "content": f"s{number}"}])
        return text(answer) == "".join(f"s{number}.{i} " for i in range(40))

    with ThreadPoolExecutor(40) as pool:
        assert all(pool.map(one, range(80)))


def test_a_connection_is_used_again_and_a_stale_one_is_not_missed(service: str, ab: Any) -> None:
    assert text(ask(service, stream=True)) == text(ask(service, stream=True)) == "hello there"
    first, second = ab[0].asked
    assert first.port == second.port

    def once(answer: Answer) -> None:
        friendly(answer)
        answer.drop()  # after a proper answer, as servers do with idle connections

    ab[0].behave = once
    for _ in range(3):
        assert text(ask(service, stream=True)) == "hello there"
    assert not ab[1].asked


# --- failures ---------------------------------------------------------------------------------------------------------


def refuse(status: int, body: Any = None, **headers: str) -> Callable[[Answer], None]:
    return lambda answer: answer.whole(body or {"error": {"message": "no luck"}}, status, **headers)


def silent(answer: Answer) -> None:
    answer.start()
    answer.event(delta(role="assistant", content=""))  # a role alone is not a first word
    answer.wait_for_leaving()


def hang_up(answer: Answer) -> None:
    answer.drop()


def no_events(answer: Answer) -> None:
    answer.whole(b"<html>It works!</html>", kind="text/html")


def nonsense(answer: Answer) -> None:
    answer.start()
    answer.write(b"data: {not json\n\n")
    answer.end()


def error_event(answer: Answer) -> None:
    answer.start()
    answer.event({"error": {"message": "out of memory"}})
    answer.end()


@pytest.mark.parametrize(
    "failure", [refuse(500), refuse(503, b"oops"), refuse(429), silent, hang_up, no_events, nonsense, error_event]
)
def test_the_next_upstream_is_asked_when_the_first_fails_before_its_first_word(
    impatient: str, ab: Any, failure: Callable[[Answer], None]
) -> None:
    ab[0].behave = failure
    answer = ask(impatient, model="both", stream=True)
    assert text(answer) == "hello there"
    assert answer.headers["X-Huiyin-Upstream"] == ab[1].url


@pytest.mark.parametrize("failure", [refuse(500), refuse(429), hang_up, no_events])
def test_a_whole_answer_has_a_second_choice_too(service: str, ab: Any, failure: Callable[[Answer], None]) -> None:
    ab[0].behave = failure
    assert ask(service).json()["choices"][0]["message"]["content"] == "hello there"


def test_when_all_fail_the_error_has_the_reason_of_each(service: str, ab: Any) -> None:
    ab[0].behave, ab[1].behave = refuse(500, {"error": {"message": "boom"}}), nonsense
    answer = ask(service, stream=True)
    assert answer.status_code == 502
    assert "boom" in answer.text and ab[0].url in answer.text and "not a JSON object" in answer.text


def test_a_fault_of_the_request_is_passed_on_and_no_other_upstream_asked(service: str, ab: Any) -> None:
    ab[0].behave = refuse(400, {"error": {"message": "too long", "code": "context_length_exceeded"}})
    with pytest.raises(openai.BadRequestError, match="too long") as caught:
        sdk(service).chat.completions.create(model="", messages=HELLO)
    assert caught.value.code == "context_length_exceeded"
    assert not ab[1].asked


def say_one(answer: Answer) -> None:
    answer.start()
    answer.say("one", done=False)


def then_silent(answer: Answer) -> None:
    say_one(answer)
    answer.wait_for_leaving()


def then_gone(answer: Answer) -> None:
    say_one(answer)
    answer.drop()


def then_ends_early(answer: Answer) -> None:
    say_one(answer)
    answer.end()


def then_error(answer: Answer) -> None:
    say_one(answer)
    answer.event({"error": {"message": "out of memory"}})
    answer.end()


LATE = [(then_gone, "broke off"), (then_ends_early, "broke off"), (then_error, "out of mem")]


@pytest.mark.parametrize(("failure", "words"), LATE)
def test_a_failure_after_the_first_word_ends_the_stream_with_an_error_event(
    service: str, ab: Any, failure: Callable[[Answer], None], words: str
) -> None:
    fails_late(service, ab, failure, words)


def test_so_does_silence_after_the_first_word(impatient: str, ab: Any) -> None:
    fails_late(impatient, ab, then_silent, "fell silent")


def fails_late(service: str, ab: Any, failure: Callable[[Answer], None], words: str) -> None:
    ab[0].behave = failure
    stream = sdk(service).chat.completions.create(model="", messages=HELLO, stream=True)
    received = []
    with pytest.raises(openai.APIError, match=words):
        for chunk in stream:
            received.append(chunk.choices[0].delta.content)
    assert received == ["one"]
    assert not ab[1].asked


def test_plain_text_that_breaks_off_does_not_look_whole(service: str, ab: Any) -> None:
    ab[0].behave = then_gone
    answer = requests.post(f"{service}/generate", json={"prompt": "hi"}, stream=True, timeout=PATIENCE_S)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        list(answer.iter_content(None))


def test_a_stream_without_done_but_with_a_finish_reason_is_whole(service: str, ab: Any) -> None:
    def behave(answer: Answer) -> None:
        answer.start()
        answer.say("all", done=False)
        answer.event(delta(finish="stop"))
        answer.end()

    ab[0].behave = behave
    assert text(ask(service, stream=True)) == "all"


# --- a client that leaves ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("first", [silent, then_silent, lambda answer: answer.wait_for_leaving()])
def test_a_client_that_leaves_frees_the_upstream(service: str, ab: Any, first: Any, stream: bool) -> None:
    ab[0].behave = first
    address = service.removeprefix("http://").split(":")
    body = json.dumps({"messages": HELLO, "stream": stream}).encode()
    with socket.create_connection((address[0], int(address[1]))) as client:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
        client.sendall(head.encode() + b"Content-Type: application/json\r\n\r\n" + body)
        until(lambda: ab[0].asked)
        if first is then_silent and stream:
            with client.makefile("rb") as lines:
                assert any(b"one" in line for line in lines)
    (seen,) = ab[0].asked
    assert seen.left.wait(PATIENCE_S / 2), "only a time-out would free the upstream"
    assert not ab[1].asked


# --- secrets ----------------------------------------------------------------------------------------------------------


def test_the_key_goes_to_the_upstream_and_nowhere_else(service: str, ab: Any) -> None:
    def tell(answer: Answer) -> None:
        answer.whole({"error": {"message": f"bad header {answer.seen.headers['authorization']}"}}, 400)

    ab[0].behave = tell
    answer = ask(service)
    assert ab[0].asked[0].headers["authorization"] == f"Bearer {KEY}"
    assert answer.status_code == 400
    assert "bad header" in answer.text and KEY not in answer.text
    for path in ("/system", "/ready", "/v1/models", "/metrics", "/openapi.json"):
        assert KEY not in requests.get(service + path).text


def test_a_refused_key_says_what_to_do(service: str, ab: Any) -> None:
    ab[0].behave = refuse(401, {"error": {"message": f"Incorrect API key provided: {KEY}"}})
    answer = ask(service)
    assert (answer.status_code, answer.json()["error"]["code"]) == (502, "upstream_refused_key")
    assert "HUIYIN_LLM_API_KEY" in answer.text and KEY not in answer.text
    assert not ab[1].asked
