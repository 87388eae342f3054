"""Upstreams that differ from OpenAI: their words arrive, what they refuse is left out, their errors are told."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from huiyin.configs.settings import LlmSettings, Settings
from huiyin.services.llm.app import make_app
from tests.support import llm_fixtures
from tests.support.limits import PATIENCE_S
from tests.support.llm_fixtures import ask
from tests.support.odd_upstreams import ODD_UPSTREAMS, SAID, OddUpstream
from tests.support.refusing_upstreams import ASKED, ERRORS, NOT_THERE, PAGES, REFUSING, Refusing
from tests.support.sse import events_in
from tests.support.stub_upstream import Answer, Stub, delta, friendly

shared, stub = llm_fixtures.shared, llm_fixtures.stub  # fixtures


def service(url: str, **settings: Any) -> FlaskClient:
    more = {"first_token_timeout_s": PATIENCE_S, "idle_timeout_s": PATIENCE_S, **settings}
    return make_app(Settings(llm=LlmSettings(upstreams=(url,), **more))).test_client()


@pytest.fixture
def app(stub: Stub) -> FlaskClient:
    """The service, called without a server in between; the stub is one."""
    return service(stub.url)


def words(answer: Any) -> str:
    """What an answer of /v1/chat/completions says; fails if it is an error, or did not end well."""
    assert answer.status_code == 200, answer.text
    if answer.mimetype == "application/json":
        (choice,) = answer.get_json()["choices"]
        assert choice["finish_reason"] == "stop"
        return str(choice["message"]["content"])
    *events, last = events_in(answer.text)
    assert last == "[DONE]", last
    choices = [choice for event in events for choice in json.loads(event)["choices"]]
    assert choices[-1]["finish_reason"] == "stop"
    return "".join(choice["delta"].get("content") or "" for choice in choices)


def text_of(app: FlaskClient) -> str:
    return app.post("/generate", json={"prompt": "hi"}).text


# --- what they say ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("upstream", ODD_UPSTREAMS, ids=lambda upstream: upstream.name)
def test_its_words_arrive_however_they_are_sent(app: FlaskClient, stub: Stub, upstream: OddUpstream) -> None:
    stub.behave = upstream
    assert (text_of(app), words(ask(app, stream=True)), words(ask(app, stream=False))) == (SAID, SAID, SAID)


def test_calls_of_tools_in_a_stream_are_whole_where_json_was_asked_for_and_the_reverse(
    app: FlaskClient, stub: Stub
) -> None:
    head = {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":'}}
    rest = {"index": 0, "function": {"arguments": " 1}"}}
    other = {"index": 1, "id": "c2", "type": "function", "function": {"name": "g", "arguments": {}}}

    def streams(answer: Answer) -> None:
        answer.start()
        for body in (*(delta(tool_calls=[part]) for part in (head, rest, other)), delta(finish="tool_calls")):
            answer.event(body)
        answer.write(b"data: [DONE]\n\n")
        answer.end()

    stub.behave = streams
    (choice,) = ask(app, stream=False).get_json()["choices"]
    whole = [
        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}},
        {"id": "c2", "type": "function", "function": {"name": "g", "arguments": "{}"}},
    ]
    assert (choice["message"]["tool_calls"], choice["finish_reason"]) == (whole, "tool_calls")
    stub.behave = lambda answer: answer.whole({"choices": [{"index": 0, **choice}]})
    event = json.loads(events_in(ask(app, stream=True).text)[0])
    assert event["choices"][0]["delta"]["tool_calls"] == [{"index": at, **call} for at, call in enumerate(whole)]


def test_a_stream_that_breaks_off_is_no_reply_where_json_was_asked_for(app: FlaskClient, stub: Stub) -> None:
    def breaks_off(answer: Answer) -> None:
        answer.start()
        answer.say("one", done=False)
        answer.end()

    stub.behave = breaks_off
    assert ask(app, stream=False).get_json()["error"]["code"] == "upstream_broke_off"


@pytest.mark.parametrize("data", [b"", b"[" * 100_000, b"data: [DONE]", b"null", b"hello", b"{}"])
@pytest.mark.parametrize("stream", [True, False])
def test_what_is_no_reply_at_all_is_a_bad_answer(app: FlaskClient, stub: Stub, data: bytes, stream: bool) -> None:
    stub.behave = lambda answer: answer.whole(data, kind="text/event-stream")
    assert ask(app, stream=stream).get_json()["error"]["code"] in ("upstream_bad_answer", "upstream_broke_off")


def test_an_encoding_that_was_not_asked_for_is_named(app: FlaskClient, stub: Stub) -> None:
    stub.behave = lambda answer: answer.whole(b"?", Content_Encoding="br")
    assert "compressed as br" in ask(app, stream=True).get_json()["error"]["message"]


def test_a_reply_is_over_soon_after_its_finish_reason_though_the_connection_stays_open(
    app: FlaskClient, stub: Stub
) -> None:
    def stays(answer: Answer) -> None:
        answer.start()
        answer.say(SAID, done=False)
        answer.event(delta(finish="stop"))
        answer.wait_for_leaving()

    stub.behave = stays
    assert words(ask(app, stream=True)) == SAID


# --- what they refuse -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("upstream", REFUSING, ids=lambda upstream: upstream.name)
def test_what_it_refuses_is_asked_for_otherwise_and_it_is_not_asked_for_that_again(
    app: FlaskClient, stub: Stub, upstream: Refusing, stream: bool
) -> None:
    messages = [{"role": role, "content": role} for role in ("system", "developer", "user", "user")]
    asked = dict(ASKED, messages=messages)
    stub.behave = upstream
    assert words(ask(app, stream=stream, **asked)) == SAID
    last = stub.asked[-1].body
    assert last[upstream.keeps] == ASKED[upstream.keeps]
    said = "\n\n".join(message["content"] for message in last["messages"])
    assert said == "system\n\ndeveloper\n\nuser\n\nuser"
    stub.seen.clear()
    assert words(ask(app, stream=stream, **asked)) == SAID
    assert len(stub.asked) == 1


def test_a_server_of_streams_alone_answers_both_kinds_of_requests_in_any_order(app: FlaskClient, stub: Stub) -> None:
    for name, order in (("a stream", (True, False, True)), ("anything but a stream", (False, True, False))):
        stub.reset()
        stub.behave = next(upstream for upstream in REFUSING if upstream.name == name)
        assert [words(ask(app, stream=stream, model="model-a")) for stream in order] == [SAID] * 3
        app = service(stub.url)


@pytest.mark.parametrize(
    ("body", "error"),
    [
        ({"temperature": 1.5}, "temperature must be between 0 and 1"),
        ({"max_tokens": 9000}, "max_tokens is too large: 9000. This model supports at most 4096 completion tokens"),
        ({**ASKED, "tool_choice": "required"}, "this model does not support tools"),
        ({"response_format": {"type": "json_object"}}, "response_format is not supported"),
        (ASKED, "tools[0].function.strict is not supported"),
        (ASKED, "This model's maximum context length is 4096 tokens, however you requested 5000 (max_tokens: 9)"),
    ],
)
def test_what_the_caller_can_correct_or_cannot_do_without_is_the_callers(
    app: FlaskClient, stub: Stub, body: dict[str, Any], error: str
) -> None:
    stub.behave = lambda answer: answer.whole({"error": {"message": error}}, 400)
    answer = ask(app, stream=True, **body)
    assert (answer.status_code, len(stub.asked)) == (400, 1)
    assert error in answer.get_json()["error"]["message"]


def test_a_refusal_that_nothing_helps_is_told_in_its_own_words(app: FlaskClient, stub: Stub) -> None:
    stub.behave = lambda answer: answer.whole({"error": {"message": "stop is not supported"}}, 400)
    answer = ask(app, stream=True, stop=["x"], temperature=0.5)
    assert (answer.status_code, len(stub.asked)) == (400, 2)
    assert "stop is not supported" in answer.text
    stub.reset()
    assert words(ask(app, stream=True, stop=["x"])) == SAID
    assert stub.asked[0].body["stop"] == ["x"], "what did not help is not remembered"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (503, {"error": {"message": "Streaming is not available right now, the server is overloaded"}}),
        (500, {"error": {"message": "Unknown error: stream terminated"}}),
        (502, b"tools are not supported by this backend"),
        (429, {"error": {"message": "Rate limit reached: this user is not allowed more requests"}}),
        (408, {"error": {"message": "unexpected end of stream"}}),
        (400, {"error": {"message": "tools are temporarily disabled"}}),
        (400, {"error": {"message": "this user is not allowed more requests", "code": 429}}),
        (200, {"error": {"message": "Streaming is not available", "code": 503}}),
        (200, {"error": {"message": "Streaming is not available", "type": "overloaded_error"}}),
    ],
)
@pytest.mark.parametrize("stream", [True, False])
def test_a_failure_that_passes_changes_no_request(
    app: FlaskClient, stub: Stub, status: int, body: Any, stream: bool
) -> None:
    asked = dict(ASKED, user="kid", stream=stream)
    stub.behave = lambda answer: answer.whole(body, status)
    assert ask(app, **asked).status_code >= 400
    assert len(stub.asked) == 1
    stub.reset()
    assert words(ask(app, **asked)) == SAID
    assert {name: stub.asked[0].body[name] for name in asked} == asked


def test_a_request_is_asked_for_in_a_handful_of_forms_at_most(app: FlaskClient, stub: Stub) -> None:
    many = {f"p{number}": 1 for number in range(300)}
    stub.behave = lambda answer: answer.whole({"error": {"message": f"unsupported: {' '.join(many)}"}}, 400)
    assert ask(app, stream=True, **many).status_code == 400
    assert len(stub.asked) == 6


# --- how they fail ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("body", "said"), [*ERRORS, *PAGES])
@pytest.mark.parametrize("status", [400, 429, 500])
def test_an_error_is_told_in_its_own_words(app: FlaskClient, stub: Stub, status: int, body: Any, said: str) -> None:
    stub.behave = lambda answer: answer.whole(body, status)
    answer = ask(app, stream=True)
    assert answer.status_code == (status if status < 500 else 502)
    assert said in answer.get_json()["error"]["message"]


@pytest.mark.parametrize(("body", "said"), ERRORS)
def test_so_is_one_that_comes_as_a_reply_or_in_the_middle_of_one(
    app: FlaskClient, stub: Stub, body: Any, said: str
) -> None:
    def in_the_middle(answer: Answer) -> None:
        answer.start()
        answer.say("one", done=False)
        answer.event(body)
        answer.end()

    stub.behave = lambda answer: answer.whole(body)
    for stream in (True, False):
        answer = ask(app, stream=stream)
        assert answer.status_code == 502
        assert said in answer.get_json()["error"]["message"]
    stub.behave = in_the_middle
    first, last = events_in(ask(app, stream=True).text)
    assert "one" in first
    assert said in json.loads(last)["error"]["message"]


def test_so_is_one_that_comes_without_the_form_of_an_event(app: FlaskClient, stub: Stub) -> None:
    def bare(answer: Answer) -> None:
        answer.start()
        answer.say("one", done=False)
        answer.write(b'{"error": {"message": "no luck"}}\n')
        answer.end()

    stub.behave = bare
    assert "no luck" in ask(app, stream=True).text


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({"Retry_After": "1.5"}, 2),
        ({"Retry_After": "40s"}, 40),
        ({"Retry_After": " 41 "}, 41),
        ({"retry_after_ms": "2500"}, 3),
        ({"Retry_After": "Wed, 21 Oct 2099 07:28:00 GMT"}, 600),
        ({"Retry_After": "soon"}, None),
        ({"Retry_After": "-3"}, None),
    ],
)
@pytest.mark.parametrize("status", [429, 503, 529])
def test_the_time_that_it_asks_for_is_passed_on(
    app: FlaskClient, stub: Stub, status: int, headers: dict[str, str], wait_s: int | None
) -> None:
    stub.behave = lambda answer: answer.whole({"error": "busy"}, status, **headers)
    assert ask(app, stream=True).headers.get("Retry-After") == (None if wait_s is None else str(wait_s))


# --- where they are ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "address"),
    [
        ("/v1", ""),
        ("/v1", "/"),
        ("/v1", "/v1/"),
        ("/v1", "/v1//chat/completions"),
        ("/v1", "/v1/chat/completions/"),
        ("/v1", "/v1/models"),
        ("/v1", "/chat/completions"),
        ("/v1", "/api/chat"),
        ("/v1", "/api"),
        ("/chat", ""),
        ("/openai/v1", "/openai"),
        ("/compatible-mode/v1", "/compatible-mode/v1/chat/completions"),
        ("/api/paas/v4", "/api/paas/v4"),
        ("/v1beta/openai/", "/v1beta/openai/"),
        ("/openai/deployments/gpt/", "/openai/deployments/gpt/chat/completions?api-version=2024-10-21"),
    ],
)
@pytest.mark.parametrize("lists", [True, False])
def test_its_chat_completions_are_found_by_the_address_that_people_copy(
    stub: Stub, at: str, address: str, lists: bool
) -> None:
    stub.at, stub.models = at, ("model-a",) if lists else None
    try:
        app = service(f"http://127.0.0.1:{stub.port}{address}", upstream_model="" if lists else "m")
        assert [words(ask(app, stream=True)), words(ask(app, stream=False))] == [SAID, SAID]
        stub.seen.clear()
        assert words(ask(app, stream=True)) == SAID
        (seen,) = stub.seen
        assert seen.path.endswith(address.partition("?")[2])
    finally:
        stub.models = ("model-a",)


@pytest.mark.parametrize("model", ["", "m"])
@pytest.mark.parametrize(("status", "body"), NOT_THERE)
def test_an_address_that_is_wrong_is_told_so_with_a_hint_about_it(
    stub: Stub, status: int, body: Any, model: str
) -> None:
    stub.at = "/nowhere/v1"
    stub.elsewhere = lambda answer: answer.whole(body, status, Location="/login")
    for address in ("", "/v1", "/some/path"):
        answer = ask(service(f"http://127.0.0.1:{stub.port}{address}", upstream_model=model), stream=True)
        error = answer.get_json()["error"]
        assert (answer.status_code, "address" in error["hint"] or "base URL" in error["hint"]) == (502, True), error
        assert "model" not in error["hint"]


OF_THE_REQUEST = [
    {"error": {"message": "File not found: file-abc123", "type": "invalid_request_error"}},
    {"error": {"message": "Invalid URL in image_url: could not download the image", "code": "invalid_image_url"}},
    {"error": {"message": "unsupported URL scheme for image_url", "type": "invalid_request_error"}},
    {"error": "resource not found: doc-7"},
    {"error": "Invalid path in tool arguments"},
]


@pytest.mark.parametrize("error", OF_THE_REQUEST)
@pytest.mark.parametrize("address", ["", "/v1"])
def test_a_file_or_picture_that_is_not_found_is_the_requests_fault(stub: Stub, error: Any, address: str) -> None:
    app = service(f"http://127.0.0.1:{stub.port}{address}", upstream_model="m", breaker_failures=1)
    stub.behave = lambda answer: answer.whole(error, 400)
    for _ in range(2):
        answer = ask(app, stream=True)
        assert (answer.status_code, "address" in answer.get_json()["error"]["message"]) == (400, False)
    assert len(stub.asked) == 2
    stub.behave = friendly
    assert words(ask(app, stream=True)) == SAID


@pytest.mark.parametrize(("status", "body"), [*NOT_THERE, *((404, error) for error in OF_THE_REQUEST)])
@pytest.mark.parametrize("stream", [True, False])
def test_an_address_that_has_answered_is_right(stub: Stub, status: int, body: Any, stream: bool) -> None:
    app = service(f"http://127.0.0.1:{stub.port}", upstream_model="m")
    assert words(ask(app, stream=stream)) == SAID
    stub.behave = lambda answer: answer.whole(body, status, Location="/login")
    error = ask(app, stream=stream).get_json()["error"]
    assert "no /chat/completions at its address" not in error["message"]
    assert (len(stub.asked), error["code"] == "model_not_found") == (2, False)


@pytest.mark.parametrize(
    "error",
    [
        {"error": {"message": "The model `m` does not exist", "code": "model_not_found"}},
        {"error": "model 'm' not found, try pulling it first"},
        {"error": {"code": "DeploymentNotFound", "message": "The API deployment for this resource does not exist."}},
    ],
)
def test_a_model_that_it_lacks_is_no_wrong_address(stub: Stub, error: Any) -> None:
    stub.behave = lambda answer: answer.whole(error, 404)
    answer = ask(service(f"http://127.0.0.1:{stub.port}", upstream_model="m"), stream=True)
    assert (answer.status_code, len(stub.asked)) == (404, 1)
    assert "models" in answer.get_json()["error"]["hint"] or "llm" in answer.get_json()["error"]["hint"]
