"""Tool calls of the real embedded model, through the `openai` SDK."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
import requests

from tests.support.limits import PATIENCE_S
from tests.support.llm_service import embedded_service, model_process

pytestmark = pytest.mark.slow

CONTEXT_TOKENS = 2048


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    with embedded_service(context_tokens=CONTEXT_TOKENS) as url:
        yield url


@pytest.fixture
def client(service: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{service}/v1", api_key="none", max_retries=0, timeout=PATIENCE_S)


def tool(name: str, description: str, required: list[str], **properties: Any) -> Any:
    parameters = {"type": "object", "properties": properties, "required": required}
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


WEATHER = tool(
    "get_weather",
    "Get the current weather of a city",
    ["city"],
    city={"type": "string"},
    unit={"type": "string", "enum": ["celsius", "fahrenheit"]},
)
TIMER = tool("set_timer", "Start a timer", ["minutes"], minutes={"type": "integer"})
TOOLS = [WEATHER, TIMER]
SPOKEN = (
    "You are Huiyin, a friendly voice assistant. Your replies are spoken aloud, so keep them to one or two short "
    "sentences, without lists, markup or emoji. Answer in the language of the user. 用户说中文时，请用中文简短回答。"
)
PERSONA: Any = {"role": "system", "content": SPOKEN}


def user(text: str) -> Any:
    return {"role": "user", "content": text}


@pytest.mark.parametrize(
    ("question", "cities"), [("What's the weather in Paris?", ["Paris"]), ("北京今天天气怎么样？", ["北京", "Beijing"])]
)
def test_a_call_its_result_and_the_words_about_it(client: openai.OpenAI, question: str, cities: list[str]) -> None:
    messages = [user(question)]
    asked = client.chat.completions.create(model="", messages=messages, tools=TOOLS, temperature=0)
    choice = asked.choices[0]
    assert choice.finish_reason == "tool_calls" and not choice.message.content
    (call,) = choice.message.tool_calls or ()
    assert call.type == "function" and call.id
    assert call.function.name == "get_weather" and json.loads(call.function.arguments)["city"] in cities
    result = {"role": "tool", "tool_call_id": call.id, "content": '{"sky": "rain", "temperature": 17}'}
    messages += [choice.message.model_dump(exclude_none=True), result]
    told = client.chat.completions.create(model="", messages=messages, tools=TOOLS, temperature=0).choices[0]
    assert told.finish_reason == "stop" and not told.message.tool_calls
    assert "17" in (told.message.content or "")


def test_a_streamed_call_comes_in_increments(client: openai.OpenAI) -> None:
    stream = client.chat.completions.create(
        model="", messages=[user("Set a timer for ten minutes.")], tools=TOOLS, temperature=0, stream=True
    )
    choices = [chunk.choices[0] for chunk in stream]
    pieces = [piece for choice in choices for piece in choice.delta.tool_calls or ()]
    assert not any(choice.delta.content for choice in choices)
    assert {piece.index for piece in pieces} == {0} and len(pieces) > 2
    assert [piece.function.name for piece in pieces if piece.function and piece.function.name] == ["set_timer"]
    assert [piece.id for piece in pieces if piece.id] == [pieces[0].id]
    arguments = "".join(piece.function.arguments or "" for piece in pieces if piece.function)
    assert json.loads(arguments) == {"minutes": 10}
    assert choices[-1].finish_reason == "tool_calls"


@pytest.mark.parametrize("text", ["Hello! How are you?", "Set a timer for ten minutes.", "给我讲个笑话。"])
def test_a_required_call_is_made_whatever_was_said(client: openai.OpenAI, text: str) -> None:
    choice = client.chat.completions.create(
        model="", messages=[user(text)], tools=TOOLS, tool_choice="required", parallel_tool_calls=False, temperature=0
    ).choices[0]
    assert choice.finish_reason == "tool_calls"
    (call,) = choice.message.tool_calls or ()
    assert call.type == "function" and isinstance(json.loads(call.function.arguments), dict)


def test_a_named_function_is_the_one_that_is_called(client: openai.OpenAI) -> None:
    choice = client.chat.completions.create(
        model="",
        messages=[user("What's the weather in Paris?")],
        tools=TOOLS,
        tool_choice={"type": "function", "function": {"name": "set_timer"}},
        temperature=0,
    ).choices[0]
    (call,) = choice.message.tool_calls or ()
    assert call.type == "function" and call.function.name == "set_timer"
    assert isinstance(json.loads(call.function.arguments)["minutes"], int)


def test_with_the_choice_none_the_model_answers_in_words(client: openai.OpenAI) -> None:
    message = (
        client.chat.completions.create(
            model="", messages=[user("What's the weather in Paris?")], tools=TOOLS, tool_choice="none", max_tokens=40
        )
        .choices[0]
        .message
    )
    assert message.content and not message.tool_calls


def test_small_talk_calls_nothing(client: openai.OpenAI) -> None:
    message = (
        client.chat.completions.create(
            model="", messages=[PERSONA, user("Hello, how are you?")], tools=TOOLS, temperature=0, max_tokens=60
        )
        .choices[0]
        .message
    )
    assert message.content and not message.tool_calls


PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
}


@pytest.mark.parametrize(
    "response_format",
    [{"type": "json_object"}, {"type": "json_schema", "json_schema": {"name": "p", "schema": PERSON}}],
)
def test_a_reply_in_json_is_json(client: openai.OpenAI, response_format: Any) -> None:
    choice = client.chat.completions.create(
        model="",
        messages=[user("Tom is 30 years old. Write that as JSON with name and age.")],
        response_format=response_format,
        temperature=0,
    ).choices[0]
    assert choice.finish_reason == "stop"
    assert json.loads(choice.message.content or "") == {"name": "Tom", "age": 30}


@pytest.mark.parametrize("schema", [{"type": "nonsense"}, {"$ref": "#/nowhere"}])
def test_a_schema_that_cannot_be_kept_is_refused(client: openai.OpenAI, schema: Any) -> None:
    bad = tool("f", "does something", [], value=schema)
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(model="", messages=[user("hi")], tools=[bad])


def test_a_client_that_leaves_in_the_middle_of_a_call_frees_the_model(service: str) -> None:
    story = tool("write_story", "Write a very long story", ["text"], text={"type": "string", "minLength": 1000})
    body = {
        "messages": [user("Write a very long story.")],
        "tools": [story],
        "tool_choice": {"type": "function", "function": {"name": "write_story"}},
        "stream": True,
        "max_tokens": 1500,
    }
    with requests.post(f"{service}/v1/chat/completions", json=body, stream=True, timeout=PATIENCE_S) as answer:
        lines = answer.iter_lines()
        while b'"tool_calls"' not in next(lines):
            pass
    model = model_process(service)
    used_s = model.cpu_times().user
    next_one = {"messages": [user("hi")], "max_tokens": 1}
    assert requests.post(f"{service}/v1/chat/completions", json=next_one, timeout=PATIENCE_S).status_code == 200
    assert model.cpu_times().user - used_s < 10, "1000 letters take this model more than 20 s"
