"""What an upstream refuses, by its words; and the same request without it."""

from __future__ import annotations

from typing import Any

import pytest

from huiyin.services.common.upstreams.error_words import words_of
from huiyin.services.llm.refusals import LEFT_OUT, MERGED, STREAMED, WHOLE, RefusalMemory, changed, next_change

BODY: dict[str, Any] = {
    "model": "m",
    "messages": [{"role": "user", "content": "hi"}],
    "stream": True,
    "max_tokens": 9,
    "temperature": 0.3,
    "top_p": 0.5,
    "stop": ["\n"],
    "n": 1,
    "presence_penalty": 0.1,
    "stream_options": {"include_usage": True},
    "tools": [],
    "tool_choice": "auto",
    "parallel_tool_calls": True,
    "user": "u",
}


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("Unknown parameter: 'stream_options'.", "stream_options"),
        ("Value error, Stream options can only be defined when `stream=True`.", "stream_options"),
        ("Model grok-4 does not support parameter presencePenalty.", "presence_penalty"),
        ("temperature and top_p cannot both be specified for this model", "temperature"),
        ("unknown field `stop`, expected one of `model`, `temperature`, `top_p`", "stop"),
        ("Additional properties are not allowed ('user' was unexpected)", "user"),
        ("Only n=1 is supported", "n"),
        ("top_p参数已废弃", "top_p"),
        ("该模型不支持stop参数", "stop"),
        ("Unsupported parameter: 'parallel_tool_calls' is not supported with this model.", "parallel_tool_calls"),
        ("tool_choice is not supported", "tool_choice"),
    ],
)
def test_the_parameter_that_is_named_is_left_out(words: str, name: str) -> None:
    assert next_change(BODY, words, {}) == {name: LEFT_OUT}


@pytest.mark.parametrize(
    ("words", "change"),
    [
        ("Please use max_completion_tokens instead of max_tokens", {"max_tokens": "max_completion_tokens"}),
        ("Streaming is not supported", {"stream": WHOLE}),
        (
            "this model does not support function calling",
            dict.fromkeys(("tools", "tool_choice", "parallel_tool_calls"), ""),
        ),
        ("Unsupported value: 'messages[0].role' does not support 'system' with this model.", {"messages": MERGED}),
        ("After the system message, user or assistant role messages should be alternating", {"messages": MERGED}),
        ("does not support successive user or assistant messages", {"messages": MERGED}),
    ],
)
def test_what_it_needs_has_another_form(words: str, change: dict[str, str]) -> None:
    assert next_change(BODY, words, {}) == change


@pytest.mark.parametrize(
    "words",
    [
        "",
        "no luck",
        "temperature must be strictly positive",
        "Invalid 'stop': array too long. Expected an array with maximum length 4",
        "Unknown model: m",
        "the account has no balance",
    ],
)
def test_what_is_not_a_refusal_of_a_parameter_changes_nothing(words: str) -> None:
    assert next_change(BODY, words, {}) is None


def test_a_form_that_was_refused_is_not_tried_again() -> None:
    words = "max_tokens and max_completion_tokens are not supported"
    renamed = next_change(BODY, words, {})
    assert renamed == {"max_tokens": "max_completion_tokens"}
    body = changed(BODY, renamed)
    assert next_change(body, words, renamed) == {"max_completion_tokens": LEFT_OUT}
    whole = {"stream": WHOLE}
    assert next_change(changed(BODY, whole), "streaming is not supported", whole) is None


def test_a_request_is_streamed_or_whole_whatever_the_caller_wants() -> None:
    for stream in (True, False):
        assert changed({**BODY, "stream": stream}, {"stream": STREAMED})["stream"] is True
        whole = changed({**BODY, "stream": stream}, {"stream": WHOLE})
        assert whole["stream"] is False and "stream_options" not in whole


def test_the_system_speaks_in_the_users_first_message_and_roles_alternate() -> None:
    messages = [("system", "a"), ("user", "b"), ("user", "c"), ("assistant", "d"), ("system", "e"), ("user", "f")]
    body = {**BODY, "messages": [{"role": role, "content": text} for role, text in messages]}
    merged = [(each["role"], each["content"]) for each in changed(body, {"messages": MERGED})["messages"]]
    assert merged == [("user", "a\n\nb\n\nc"), ("assistant", "d"), ("user", "e\n\nf")]
    assert [each["role"] for each in body["messages"]] == [role for role, _ in messages], "the caller's is as it was"


def test_what_was_refused_is_asked_for_again_after_an_hour() -> None:
    now_s = 0.0
    memory = RefusalMemory(lambda: now_s)
    memory.learn("m", {"stop": LEFT_OUT})
    now_s = 1800.0
    memory.learn("m", {"user": LEFT_OUT})
    assert memory.changes("m") == {"stop": LEFT_OUT, "user": LEFT_OUT}
    now_s = 3600.0
    assert (memory.changes("m"), memory.names()) == ({"user": LEFT_OUT}, ["user"])
    now_s = 5400.0
    assert (memory.changes("m"), memory.changes("other"), memory.names()) == ({}, {}, [])


def test_the_words_of_an_error_name_its_fields_too() -> None:
    error = {"error": {"issues": [{"code": "unrecognized_keys", "message": "Unrecognized key in object: 'user'"}]}}
    assert next_change(BODY, words_of(error).all_text, {}) == {"user": LEFT_OUT}
    error = {"detail": [{"type": "extra_forbidden", "loc": ["body", "user"], "msg": "Extra inputs are not permitted"}]}
    assert next_change(BODY, words_of(error).all_text, {}) == {"user": LEFT_OUT}
