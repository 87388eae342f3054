"""``POST /v1/responses``: what a client of OpenAI's Responses API has of a server that knows chat completions alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from flask import Flask
from openai.types.responses import Response as OpenAiResponse
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from huiyin.configs.settings import LlmSettings, ServiceSettings, Settings
from huiyin.services.common.errors import ApiError
from huiyin.services.llm.app import make_app
from huiyin.services.llm.responses.memory import ResponseMemory
from tests.support.limits import PATIENCE_S
from tests.support.live_server import running
from tests.support.stub_upstream import Answer, Stub, completion, delta

EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
USAGE = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Stub, Flask, str]]:
    with Stub("model-a") as stub:
        app = make_app(Settings(llm=LlmSettings(upstreams=(stub.url,), first_token_timeout_s=PATIENCE_S)))
        with running(app, ServiceSettings()) as url:
            yield stub, app, url


@pytest.fixture
def stub(shared: tuple[Stub, Flask, str]) -> Stub:
    shared[0].reset()
    return shared[0]


@pytest.fixture
def client(shared: tuple[Stub, Flask, str]) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{shared[2]}/v1", api_key="none", max_retries=0, timeout=PATIENCE_S)


@pytest.fixture
def app(shared: tuple[Stub, Flask, str]) -> Flask:
    return shared[1]


def streams(*bodies: dict[str, Any]) -> Any:
    def behave(answer: Answer) -> None:
        answer.start()
        for body in bodies:
            answer.event(body)
        answer.write(b"data: [DONE]\n\n")
        answer.end()

    return behave


def piece(index: int, arguments: str) -> dict[str, Any]:
    return delta(tool_calls=[{"index": index, "function": {"arguments": arguments}}])


def begun(index: int, name: str, arguments: str = "") -> dict[str, Any]:
    call = {"index": index, "id": f"call_{index}", "type": "function"}
    return delta(tool_calls=[{**call, "function": {"name": name, "arguments": arguments}}])


def streamed(app: Flask, **body: Any) -> list[Any]:
    """The events, each checked against OpenAI's own type."""
    answer = app.test_client().post("/v1/responses", json={"input": "hello", **body, "stream": True})
    assert answer.content_type == "text/event-stream", answer.get_data(as_text=True)
    events = []
    for part in answer.get_data(as_text=True).split("\n\n")[:-1]:
        name, _, data = part.partition("\n")
        event = EVENT.validate_python(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {event.type}"
        events.append(event)
    assert [event.sequence_number for event in events] == list(range(len(events)))
    return events


# --- text -------------------------------------------------------------------------------------------------------------


def test_sdk_gets_a_whole_answer_whatever_model_it_names(client: openai.OpenAI, stub: Stub) -> None:
    answer = client.responses.create(model="gpt-4.1", instructions="Be brief.", input="hello", max_output_tokens=20)

    assert (answer.output_text, answer.status, answer.model) == ("hello there", "completed", "model-a")
    assert answer.usage is not None and answer.usage.total_tokens == 2
    asked = stub.asked[0].body
    assert asked["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hello"}]
    assert (asked["model"], asked["max_tokens"], asked["stream"]) == ("model-a", 20, False)
    OpenAiResponse.model_validate(answer.model_dump(), strict=True)


def test_text_is_streamed_as_typed_events(app: Flask, stub: Stub) -> None:
    stub.behave = streams(
        delta(content="hel"), delta(content="lo"), delta(finish="stop"), {"choices": [], "usage": USAGE}
    )

    events = streamed(app)

    assert [event.type.removeprefix("response.") for event in events] == [
        "created", "in_progress", "output_item.added", "content_part.added", "output_text.delta", "output_text.delta",
        "output_text.done", "content_part.done", "output_item.done", "completed",
    ]  # fmt: skip
    assert events[0].response.output == [], "what is sent of the response is as it was then"
    done = events[-1].response
    assert (done.output_text, done.usage.input_tokens, done.usage.output_tokens) == ("hello", 9, 5)
    assert stub.asked[0].body["stream_options"] == {"include_usage": True}


def test_sdk_reads_the_stream(client: openai.OpenAI, stub: Stub) -> None:
    with client.responses.stream(model="gpt-4.1", input="hello") as stream:
        words = [event.delta for event in stream if event.type == "response.output_text.delta"]
        final = stream.get_final_response()
    assert "".join(words) == final.output_text == "hello there"


def test_cut_short_answer_is_incomplete(app: Flask, stub: Stub) -> None:
    stub.behave = streams(delta(content="hel"), delta(finish="length"))
    last = streamed(app)[-1]
    assert (last.type, last.response.incomplete_details.reason) == ("response.incomplete", "max_output_tokens")
    assert last.response.output[0].status == "incomplete"
    assert last.response.usage.total_tokens == 0, "unknown; the Vercel AI SDK takes no usage for a broken answer"


def test_answer_that_breaks_off_has_failed(app: Flask, stub: Stub) -> None:
    def behave(answer: Answer) -> None:
        answer.start()
        answer.event(delta(content="hel"))
        answer.event({"error": {"message": "out of memory"}})
        answer.end()

    stub.behave = behave
    last = streamed(app)[-1]
    assert (last.type, last.response.status) == ("response.failed", "failed")
    assert "out of memory" in last.response.error.message


def test_content_of_several_kinds_reaches_the_model(app: Flask, stub: Stub) -> None:
    said = [
        {
            "role": "developer",
            "content": [{"type": "input_text", "text": "Be "}, {"type": "input_text", "text": "kind."}],
        },
        {"role": "assistant", "content": [{"type": "output_text", "text": "Yes?"}]},
        {"type": "reasoning", "id": "rs_1", "summary": []},
        {
            "role": "user",
            "content": [
                {"type": "input_text", "text": "What is this?"},
                {"type": "input_image", "image_url": "data:image/png;base64,AA", "detail": "low"},
            ],
        },
    ]
    wanted = {"type": "json_schema", "name": "thing", "schema": {"type": "object"}, "strict": True}
    body = {"input": said, "text": {"format": wanted}, "reasoning": {"effort": "low"}, "seed": 7, "include": []}
    assert app.test_client().post("/v1/responses", json=body).status_code == 200

    asked = stub.asked[0].body
    assert asked["messages"] == [
        {"role": "system", "content": "Be kind."},
        {"role": "assistant", "content": "Yes?"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "What is this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA", "detail": "low"}},
            ],
        },
    ]
    schema = {"name": "thing", "schema": {"type": "object"}, "strict": True}
    assert asked["response_format"] == {"type": "json_schema", "json_schema": schema}
    assert (asked["reasoning_effort"], asked["seed"], "include" in asked) == ("low", 7, False)


# --- tools ------------------------------------------------------------------------------------------------------------


def test_calls_come_one_after_the_other_however_their_pieces_come(app: Flask, stub: Stub) -> None:
    stub.behave = streams(
        delta(content="One moment."),
        begun(0, "get_weather", '{"city":'),
        begun(1, "get_time"),
        piece(0, '"Paris"}'),
        delta(content=" Here."),
        delta(finish="tool_calls"),
    )
    events = streamed(app, tools=[WEATHER])

    items = [(event.type[21:], event.item.type) for event in events if event.type.startswith("response.output_item")]
    assert items == [
        ("added", "message"), ("done", "message"),
        ("added", "function_call"), ("done", "function_call"),
        ("added", "function_call"), ("done", "function_call"),
        ("added", "message"), ("done", "message"),
    ]  # fmt: skip
    _, weather, time, _ = events[-1].response.output
    assert (weather.call_id, weather.name, json.loads(weather.arguments)) == (
        "call_0",
        "get_weather",
        {"city": "Paris"},
    )
    assert (time.call_id, time.name, time.arguments) == ("call_1", "get_time", "{}")
    deltas = [event.delta for event in events if event.type == "response.function_call_arguments.delta"]
    assert deltas == ['{"city":', '"Paris"}']
    (tool,) = stub.asked[0].body["tools"]
    assert tool == {
        "type": "function",
        "function": {key: WEATHER[key] for key in ("name", "description", "parameters")},
    }


@pytest.mark.parametrize("way", ["items", "references", "previous response"])
def test_result_of_a_call_goes_back_to_the_model(client: openai.OpenAI, stub: Stub, way: str) -> None:
    call = {"id": "call_7", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'}}
    stub.behave = lambda answer: answer.whole(completion("", tool_calls=[call]))
    question: list[Any] = [{"role": "user", "content": "Weather?"}]
    first = client.responses.create(model="x", input=question, tools=[WEATHER])  # type: ignore[list-item]
    (item,) = first.output
    assert item.type == "function_call"
    result = {"type": "function_call_output", "call_id": item.call_id, "output": "sunny"}
    stub.reset()
    if way == "items":
        client.responses.create(model="x", input=[*question, item.model_dump(), result], store=False)
    elif way == "references":
        client.responses.create(model="x", input=[*question, {"type": "item_reference", "id": item.id}, result])
    else:
        client.responses.create(model="x", previous_response_id=first.id, input=[result])  # type: ignore[list-item]

    assert stub.asked[0].body["messages"] == [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_7", "content": "sunny"},
    ]


@pytest.mark.parametrize(
    ("choice", "sent", "names"),
    [
        ("required", "required", ["get_weather", "get_time"]),
        ({"type": "function", "name": "get_time"}, {"type": "function", "function": {"name": "get_time"}}, None),
        (
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "get_time"}]},
            "required",
            ["get_time"],
        ),
        ({"type": "allowed_tools", "tools": [{"name": ["get_time"]}]}, "auto", []),
    ],
)
def test_choice_of_tools_is_passed_on(app: Flask, stub: Stub, choice: Any, sent: Any, names: list[str] | None) -> None:
    tools = [WEATHER, {"type": "function", "name": "get_time"}]
    body = {"input": "hello", "tools": tools, "tool_choice": choice}
    assert app.test_client().post("/v1/responses", json=body).status_code == 200
    asked = stub.asked[0].body
    assert asked["tool_choice"] == sent
    assert names in (None, [tool["function"]["name"] for tool in asked["tools"]])


# --- what is refused, and what is kept --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({}, 400, "'input'"),
        ({"input": []}, 400, "'input'"),
        ({"input": 5}, 400, "'input'"),
        ({"input": ["hello"]}, 400, "input[0]"),
        ({"input": [{"role": "robot", "content": "x"}]}, 400, "input[0].role"),
        ({"input": [{"type": "web_search_call"}]}, 400, "web_search_call"),
        ({"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]}, 400, "image_url"),
        ({"input": "x", "tools": [{"type": "web_search"}]}, 400, "web_search"),
        ({"input": "x", "tools": [{"type": ["function"]}]}, 400, "tools[0]"),
        ({"input": "x", "tools": [{"type": "function"}]}, 400, "'name'"),
        ({"input": "x", "tools": [{"type": "function", "name": "f", "parameters": []}]}, 400, "'parameters'"),
        ({"input": [{"type": {}, "role": "user", "content": "x"}]}, 400, "input[0]"),
        ({"input": [{"role": "user", "content": [{"type": ["text"], "text": "x"}]}]}, 400, "input[0].content[0]"),
        ({"input": "x", "background": True}, 400, "'background'"),
        ({"input": "x", "conversation": 0}, 400, "'conversation'"),
        ({"input": "x", "max_output_tokens": 0}, 400, "'max_output_tokens'"),
        ({"input": "x", "max_output_tokens": 9, "max_tokens": 0}, 400, "'max_tokens'"),
        ({"input": "x", "text": 5}, 400, "'text'"),
        ({"input": "x", "previous_response_id": "resp_0"}, 404, "send the whole conversation"),
        ({"input": [{"type": "item_reference", "id": "msg_0"}]}, 404, "send the item itself"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_remedy(app: Flask, body: Any, status: int, told: str) -> None:
    answer = app.test_client().post("/v1/responses", json=body)
    assert (answer.status_code, told in answer.get_json()["error"]["message"]) == (status, True), answer.get_json()


def test_nothing_is_kept_of_a_response_that_is_not_to_be_stored(client: openai.OpenAI) -> None:
    answer = client.responses.create(model="x", input="hello", store=False)
    with pytest.raises(openai.NotFoundError, match="there is no response"):
        client.responses.create(model="x", input="and?", previous_response_id=answer.id)


def test_oldest_responses_go_first() -> None:
    def kept(number: int) -> dict[str, Any]:
        return {"id": f"resp_{number}", "output": [{"id": f"msg_{number}", "text": "x" * 100}]}

    memory = ResponseMemory(most_bytes=1000)
    for number in range(6):
        memory.keep(kept(number), [])
    memory.keep({"id": "resp_large", "output": [{"id": "msg_large", "text": "x" * 1000}]}, [])
    assert memory.item("msg_5")["id"] == "msg_5" and memory.get("resp_5").items == kept(5)["output"]
    for gone in ("msg_0", "msg_large"):
        with pytest.raises(ApiError, match=gone):
            memory.item(gone)
