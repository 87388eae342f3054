"""What the embedded model makes of requests with tools: shaped for llama.cpp, or refused at once."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from huiyin.services.common.errors import ApiError
from huiyin.services.llm.engines.tool_requests import shape_tools

OPENING = "```tool_call\n"
USER = {"role": "user", "content": "hi"}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}


def tool(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": SCHEMA, **more}}


def named(name: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name}}


def shaped(can_call: bool = True, opening: str = OPENING, **body: Any) -> dict[str, Any]:
    request = {"messages": [USER], **body}
    before = copy.deepcopy(request)
    try:
        return shape_tools(request, can_call=can_call, opening=opening)
    finally:
        assert request == before, "the request belongs to the caller: another upstream may get it"


def test_tools_without_a_choice_are_the_models_to_call() -> None:
    body = shaped(tools=[tool("f"), tool("g")])
    assert (body["tools"], body["tool_choice"], body["messages"]) == ([tool("f"), tool("g")], "auto", [USER])
    assert body["parallel_tool_calls"]


@pytest.mark.parametrize("more", [{"tool_choice": "none", "tools": [tool("f")]}, {"tools": []}, {}])
def test_without_tools_to_call_the_model_does_not_see_them(more: dict[str, Any]) -> None:
    assert shaped(parallel_tool_calls=True, **more) == {"messages": [USER]}


def test_a_required_call_is_begun_for_the_model() -> None:
    body = shaped(tools=[tool("f")], tool_choice="required")
    assert body["messages"] == [USER, {"role": "assistant", "content": OPENING}]
    assert shaped(opening="", tools=[tool("f")], tool_choice="required")["messages"] == [USER]


def test_a_named_function_is_the_only_one_and_is_called_once() -> None:
    body = shaped(tools=[tool("f"), tool("g")], tool_choice=named("g"))
    assert (body["tools"], body["tool_choice"], body["parallel_tool_calls"]) == ([tool("g")], "required", False)
    assert body["messages"][-1]["content"] == OPENING


def test_a_function_without_parameters_takes_none() -> None:
    (only,) = shaped(tools=[named("f")])["tools"]
    assert only["function"]["parameters"] == {"type": "object", "properties": {}}


def asked(arguments: Any) -> dict[str, Any]:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": arguments}}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


@pytest.mark.parametrize(
    ("body", "what"),
    [
        ({"tools": {"f": 1}}, "'tools'"),
        ({"tools": ["f"]}, "tools[0]"),
        ({"tools": [tool("f"), {"type": "web_search"}]}, "tools[1]"),
        ({"tools": [tool("f g")]}, "f g"),
        ({"tools": [tool("f"), tool("f")]}, "already"),
        ({"tools": [tool("f", parameters=["city"])]}, "schema"),
        ({"tools": [tool("f", parameters={"type": "string"})]}, "schema"),
        ({"tools": [tool("f")], "tool_choice": "sometimes"}, "sometimes"),
        ({"tools": [tool("f")], "tool_choice": named("g")}, "'g'"),
        ({"tools": [], "tool_choice": "required"}, "required"),
        ({"tool_choice": named("g")}, "'g'"),
        ({"tools": [tool("f")], "response_format": {"type": "json_object"}}, "either"),
        ({"response_format": "json"}, "response_format"),
        ({"response_format": {"type": "xml"}}, "response_format"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}, "schema"),
        ({"messages": [USER, {"role": "assistant", "tool_calls": [{"id": "c"}]}]}, "messages[1].tool_calls"),
        ({"messages": [USER, asked("city=Paris")]}, "messages[1].tool_calls"),
        ({"messages": [USER, asked({"city": "Paris"})]}, "messages[1].tool_calls"),
        ({"tools": [tool("f")], "can_call": False}, "cannot call"),
        (
            {"tools": [tool("f")], "tool_choice": "required", "messages": [{"role": "assistant", "content": "Well"}]},
            "after",
        ),
    ],
)
def test_an_impossible_request_is_refused_with_words(body: dict[str, Any], what: str) -> None:
    with pytest.raises(ApiError) as refused:
        shaped(**body)
    assert refused.value.status == 400
    assert what in refused.value.message and refused.value.hint


def result(content: str = "sunny") -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": "c", "content": content}


PARIS = '{"city": "Paris"}'
NO_BLOCK = {"```": -100, "``": -100, " ```": -100, " ```\n": -100}
TWICE = [asked(PARIS), result(), asked('{"city":"Paris"}'), result()]


@pytest.mark.parametrize(
    ("since", "may_call"),
    [
        ([asked(PARIS), result()], True),
        ([asked(PARIS), result(), asked('{"city": "Rome"}'), result()], True),
        ([asked(PARIS), result("page 1"), asked(PARIS), result("page 2")], True),
        (TWICE, False),
        ([asked(PARIS), result(), asked('{"city": "Rome"}'), result(), asked(PARIS), result()], False),
        ([*TWICE, USER], True),
        ([*TWICE, USER, asked(PARIS), result()], True),
    ],
)
def test_a_call_made_twice_with_one_result_is_answered_without_tools(since: list[Any], may_call: bool) -> None:
    body = shaped(tools=[tool("f")], messages=[USER, *since])
    assert ("tools" in body) == may_call == ("logit_bias" not in body)


def test_two_equal_calls_in_one_reply_are_no_repetition() -> None:
    both = {**asked(PARIS), "tool_calls": [*asked(PARIS)["tool_calls"], *asked(PARIS)["tool_calls"]]}
    assert "tools" in shaped(tools=[tool("f")], messages=[USER, both, result(), result()])


@pytest.mark.parametrize(("own", "sent"), [(None, NO_BLOCK), ({"5": 1}, {"5": 1, **NO_BLOCK}), ([[5, 1]], [[5, 1]])])
@pytest.mark.parametrize("choice", ["auto", "none"])
def test_words_about_a_repeated_call_do_not_begin_with_it(choice: str, own: Any, sent: Any) -> None:
    messages = [USER, *TWICE]
    more = {"logit_bias": own} if own else {}
    body = shaped(tools=[tool("f")], tool_choice=choice, messages=messages, **more)
    assert body == {"messages": messages, "logit_bias": sent}
    assert "logit_bias" not in shaped(opening="", tools=[tool("f")], tool_choice=choice, messages=messages)


def test_words_about_several_calls_do_not_begin_with_one_more_where_none_can_be_made() -> None:
    once = [USER, asked(PARIS), result()]
    other = [*once, asked('{"city": "Rome"}'), result("rain")]
    for choice in ({"tools": [tool("f")], "tool_choice": "none"}, {}):
        assert shaped(messages=other, **choice) == {"messages": other, "logit_bias": NO_BLOCK}
        assert shaped(messages=once, **choice) == {"messages": once}
        assert "logit_bias" not in shaped(messages=[*other, USER], **choice)


def test_a_call_nested_too_deep_is_refused_with_words() -> None:
    with pytest.raises(ApiError):
        shaped(messages=[USER, asked("[" * 100_000)])


def test_a_model_that_cannot_call_answers_requests_whose_choice_is_none() -> None:
    assert shaped(can_call=False, tools=[tool("f")], tool_choice="none") == {"messages": [USER]}
