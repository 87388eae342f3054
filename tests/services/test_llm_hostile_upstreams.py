"""Upstreams that never end, send too much, or JSON that no server should: an error, in time and in little memory."""

from __future__ import annotations

import gzip
import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from huiyin.configs.settings import LlmSettings, Settings
from huiyin.services.common.upstreams.encodings import BodyDecoder
from huiyin.services.llm.app import make_app
from huiyin.services.llm.sse import EVENT_LIMIT, EventReader
from tests.support import llm_fixtures
from tests.support.limits import PATIENCE_S
from tests.support.llm_fixtures import HELLO, ask
from tests.support.sse import events_in
from tests.support.stub_upstream import Answer, Stub, delta

shared, stub = llm_fixtures.shared, llm_fixtures.stub  # fixtures
SHORT_S = 0.2  # a time limit that is reached, however fast the machine
ALIVE = b": keep-alive\n\n"


def service(stub: Stub, **settings: Any) -> FlaskClient:
    limits = ("first_token_timeout_s", "idle_timeout_s", "reply_timeout_s")
    more = {**dict.fromkeys(limits, PATIENCE_S), "upstream_model": "m", **settings}
    return make_app(Settings(llm=LlmSettings(upstreams=(stub.url,), **more))).test_client()


def code_of(answer: Any) -> str:
    """The code of an error, as the whole answer or in its last event."""
    body = answer.get_json() if answer.mimetype == "application/json" else json.loads(events_in(answer.text)[-1])
    return str(body["error"]["code"])


# --- without end ------------------------------------------------------------------------------------------------------


def dripping(data: bytes, *events: dict[str, Any], **head: Any) -> Callable[[Answer], None]:
    def drips(answer: Answer) -> None:
        answer.start(**head)
        for event in events:
            answer.event(event)
        answer.drip(data)

    return drips


EMPTY = b"data: " + json.dumps(delta()).encode() + b"\n\n"


@pytest.mark.parametrize(
    ("behave", "stream", "limit", "code"),
    [
        (dripping(ALIVE), True, "first_token_timeout_s", "upstream_timeout"),
        (dripping(EMPTY), True, "first_token_timeout_s", "upstream_timeout"),
        (dripping(ALIVE, delta("one")), True, "idle_timeout_s", "upstream_stalled"),
        (dripping(EMPTY, delta("one")), True, "idle_timeout_s", "upstream_stalled"),
        (dripping(b"data: {}\n\n", delta("one")), True, "idle_timeout_s", "upstream_stalled"),
        (dripping(b" ", kind="application/json"), False, "reply_timeout_s", "upstream_timeout"),
        (dripping(ALIVE, delta("one")), False, "reply_timeout_s", "upstream_timeout"),
        (dripping(b"x", status=500, kind="text/plain"), True, "first_token_timeout_s", "upstream_failed"),
    ],
)
def test_what_drips_without_an_end_is_given_up_in_time(
    stub: Stub, behave: Callable[[Answer], None], stream: bool, limit: str, code: str
) -> None:
    stub.behave = behave
    answer = ask(service(stub, **{limit: SHORT_S}), stream=stream)
    assert code_of(answer) == code
    assert stub.asked[0].left.wait(PATIENCE_S)


@pytest.mark.parametrize("done", [True, False])
def test_a_reply_is_whole_though_its_transfer_never_ends_and_its_place_is_free_again(stub: Stub, done: bool) -> None:
    def drips(answer: Answer) -> None:
        answer.start()
        answer.event(delta("one"))
        answer.event(delta(finish="stop"))
        if done:
            answer.write(b"data: [DONE]\n\n")
        answer.drip(ALIVE)

    stub.behave = drips
    app = service(stub, streams=1)
    for _ in range(2):
        assert ask(app, stream=True).text.endswith("data: [DONE]\n\n")
    assert all(seen.left.wait(PATIENCE_S) for seen in stub.asked)


def test_the_caller_has_the_end_of_a_reply_before_the_transfer_has_ended(stub: Stub) -> None:
    def drips(answer: Answer) -> None:
        answer.start()
        answer.say("one", done=False)
        answer.event(delta(finish="stop"))
        answer.write(b"data: [DONE]\n\n")
        answer.wait_for_leaving()

    stub.behave = drips
    answer = service(stub).post("/v1/chat/completions", json={"messages": HELLO, "stream": True}, buffered=False)
    pieces = iter(answer.response)
    assert any(b"[DONE]" in piece for piece in pieces)
    assert not stub.asked[0].left.is_set()
    assert next(pieces, None) is None
    answer.close()
    assert stub.asked[0].left.wait(PATIENCE_S)


# --- too much ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", [True, False])
def test_millions_of_empty_events_in_a_small_body_are_given_up_in_time(stub: Stub, stream: bool) -> None:
    events = gzip.compress(b"data: {}\n\n" * 3_000_000)
    stub.behave = lambda answer: answer.whole(events, kind="text/event-stream", Content_Encoding="gzip")
    answer = ask(service(stub, first_token_timeout_s=SHORT_S, reply_timeout_s=SHORT_S), stream=stream)
    assert code_of(answer) == "upstream_timeout"


def test_compressed_bytes_are_decoded_in_parts_of_some_kilobytes() -> None:
    text = b" " * 10_000_000
    for body in (gzip.compress(text), gzip.compress(text[:500]) * 3 + gzip.compress(text[1500:])):
        lengths = [len(part) for part in BodyDecoder("gzip").decode(body)]
        assert (sum(lengths), max(lengths)) == (len(text), 65536)


@pytest.mark.parametrize("line", [b"data: " + b"a" * 1000 + b"\n", b'{"' + b"a" * 1000 + b'":\n', b"a" * 1000])
def test_an_event_of_many_lines_has_a_limit(line: bytes) -> None:
    reader = EventReader()
    reader.feed(b"{\n" if line.startswith(b"{") else b"data: {\n")
    with pytest.raises(ValueError, match="more than"):
        for _ in itertools.repeat(None, EVENT_LIMIT // 1000 + 1):
            reader.feed(line)


def test_many_events_together_have_none() -> None:
    reader = EventReader()
    event = b'data: {"a":1}\n\n'
    pieces = -(-EVENT_LIMIT // (len(event) * 1000)) + 1
    assert sum(len(reader.feed(event * 1000)) for _ in range(pieces)) == pieces * 1000


# --- odd JSON ---------------------------------------------------------------------------------------------------------


def choice(**fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "finish_reason": None, **fields}]}


def nested(depth: int) -> bytes:
    parts = (b'{"choices":[{"index":0,"delta":{"content":', b"[" * depth, b'"a"', b"]" * depth, b"}}]}")
    return b"".join(parts)


@pytest.mark.parametrize(
    "data",
    [
        nested(900),
        nested(100),
        choice(index=[0], delta={"content": "x"}),
        choice(index={"a": 1}, message={"content": "x"}),
        choice(delta={"content": {"type": {"a": 1}, "text": ["x", {"text": {"value": 1}}]}}),
        choice(delta={"content": "x"}, finish_reason={"a": 1}),
        choice(delta={"content": "x"}, finish_reason=["stop"]),
        choice(delta={"content": "x", "role": [1]}),
        *(choice(delta={"tool_calls": calls}) for calls in ("x", ["x"], [None], {"a": 1}, 7, [[{}]])),
        *(
            choice(delta={"tool_calls": [{"index": index, "id": "a", "function": function}]})
            for index, function in ((0, "f"), (0, ["f"]), ([0], {"name": "f"}), (0, {"name": ["f"], "arguments": 7}))
        ),
        {"choices": [["x"], "y", None, 7]},
        {"choices": [], "usage": "x"},
        {"choices": {"a": 1}, "usage": [1]},
        {"error": [[[["x"]]]], "message": {"a": 1}},
        [[{"choices": []}]],
    ],
)
@pytest.mark.parametrize("form", ["events", "json"])
@pytest.mark.parametrize("hide_thinking", [True, False])
def test_odd_json_is_an_answer_or_an_error_of_the_upstream(
    stub: Stub, data: Any, form: str, hide_thinking: bool
) -> None:
    text = data if isinstance(data, bytes) else json.dumps(data).encode()
    app = service(stub, hide_thinking=hide_thinking, breaker_failures=100)
    for ends in (delta(finish="stop"), None):
        end = b"data: %s\n\n" % json.dumps(ends).encode() if ends else b""
        body = b"data: %s\n\ndata: %s\n\n%s" % (text, text, end) if form == "events" else text
        kind = "text/event-stream" if form == "events" else "application/json"
        stub.behave = lambda answer, body=body, kind=kind: answer.whole(body, kind=kind)
        for stream in (True, False):
            answer = ask(app, stream=stream)
            if answer.status_code != 200:
                assert (answer.status_code, code_of(answer)[:8]) == (502, "upstream")
            elif not stream:
                assert answer.get_json()["choices"]
