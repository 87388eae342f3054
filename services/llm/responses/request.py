"""A request to /v1/responses as a chat completion request. Pure: JSON in, JSON out.

A request of theirs has a list of items where a chat completion has messages: what was said, calls of functions, and
their results, each by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from huiyin.services.common.errors import shortened
from huiyin.services.llm.checks import TEMPERATURE_MAX, flag, invalid, number, text, whole
from huiyin.services.llm.chunks import JsonObject
from huiyin.services.llm.responses.contents import message_content, plain_text

Items = list[JsonObject]

ITEM_ROLES = {"user": "user", "assistant": "assistant", "system": "system", "developer": "system"}
_REFUSED = ("background", "conversation", "prompt")
_OURS = frozenset(
    (
        "input", "instructions", "previous_response_id", "store", "include", "max_output_tokens", "max_tool_calls",
        "metadata", "moderation", "prompt_cache_key", "prompt_cache_options", "prompt_cache_retention", "reasoning",
        "safety_identifier", "service_tier", "stream_options", "text", "tool_choice", "tools", "top_logprobs",
        "truncation", *_REFUSED,
    )
)  # fmt: skip
"""Fields that only the Responses API has, or in another form. All others go on as they are."""
_OF_FUNCTION = ("name", "description", "parameters", "strict")
_OF_FORMAT = ("name", "description", "schema", "strict")
_SHOWN = 40  # characters of a refused value in the message


@dataclass(frozen=True)
class Asked:
    """A checked request."""

    chat: JsonObject
    """The chat completion request; without `messages`, which come from the items."""
    items: Items
    """What it gives as input."""
    instructions: str
    previous: str
    """The id of the response that it goes on from, '' for none."""
    keep: bool
    """Whether later requests may refer to the response."""
    echo: JsonObject
    """What the response repeats of it."""


def read_request(body: JsonObject) -> Asked:
    """The request in `body`, checked. Raises ApiError 400."""
    body = {name: value for name, value in body.items() if value is not None}
    for name in _REFUSED:
        if body.get(name, False) is not False:
            raise invalid("llm.responses_cannot", name=name)
    for name in ("max_output_tokens", "max_tokens"):
        whole(body, name)
    number(body, "temperature", TEMPERATURE_MAX)
    number(body, "top_p", 1.0)
    tools = [_tool(at, tool) for at, tool in enumerate(_list(body, "tools"))]
    style, thinking = _object(body, "text"), _object(body, "reasoning")
    chat = {name: value for name, value in body.items() if name not in _OURS}
    chat |= {"model": text(body, "model"), "stream": flag(body, "stream")}
    if "max_output_tokens" in body:
        chat["max_tokens"] = body["max_output_tokens"]
    if tools:
        chat |= _choice(body.get("tool_choice", "auto"), tools)
    if response_format := _format(style.get("format")):
        chat["response_format"] = response_format
    if style.get("verbosity"):
        chat["verbosity"] = style["verbosity"]
    if thinking.get("effort"):
        chat["reasoning_effort"] = thinking["effort"]
    if chat["stream"]:
        chat["stream_options"] = {"include_usage": True}
    given = body.get("input", [])
    items = [{"type": "message", "role": "user", "content": given}] if isinstance(given, str) else _list(body, "input")
    keep = flag(body, "store") if "store" in body else True
    previous, instructions = text(body, "previous_response_id"), text(body, "instructions")
    return Asked(chat, items, instructions, previous, keep, _echo(body, keep))


def resolved(items: Iterable[Any], find: Callable[[str], JsonObject]) -> Items:
    """The items; `find` gives the one that an id refers to. Raises ApiError 400, and what `find` raises."""
    found = []
    for at, item in enumerate(items):
        if not isinstance(item, dict):
            raise invalid("llm.item_no_object", where=f"input[{at}]")
        is_reference = item.get("type") in (None, "item_reference") and "id" in item and "role" not in item
        found.append(find(text(item, "id")) if is_reference else item)
    return found


def messages_of(instructions: str, items: Items) -> Items:
    """The messages of a chat completion request. Raises ApiError 400."""
    if not items:
        raise invalid("llm.no_input")
    messages: Items = [{"role": "system", "content": instructions}] if instructions else []
    for at, item in enumerate(items):
        _add(messages, item, f"input[{at}]")
    return messages


def _add(messages: Items, item: JsonObject, where: str) -> None:
    kind = "message" if item.get("type") in (None, "") else item["type"]
    if kind == "message":
        role = ITEM_ROLES.get(str(item.get("role")))
        if role is None:
            roles = list(ITEM_ROLES)
            raise invalid("llm.unknown_role", where=where, roles=roles, role=shortened(item.get("role"), _SHOWN))
        messages.append({"role": role, "content": message_content(item.get("content"), role, where)})
    elif kind == "function_call":
        call = {"name": text(item, "name"), "arguments": text(item, "arguments") or "{}"}
        _calls_of_last(messages).append({"id": text(item, "call_id"), "type": "function", "function": call})
    elif kind == "function_call_output":
        result = plain_text(item.get("output"), where)
        messages.append({"role": "tool", "tool_call_id": text(item, "call_id"), "content": result})
    elif kind != "reasoning":  # thoughts of earlier turns are no part of what was said
        raise invalid("llm.unknown_item", where=where, kind=shortened(kind, _SHOWN))


def _calls_of_last(messages: Items) -> Items:
    """The calls of the assistant's turn that the messages end with; a new one where they end otherwise."""
    if not messages or messages[-1]["role"] != "assistant":
        messages.append({"role": "assistant", "content": None})
    calls: Items = messages[-1].setdefault("tool_calls", [])
    return calls


def _tool(at: int, tool: Any) -> JsonObject:
    kind = tool.get("type") if isinstance(tool, dict) else None
    if kind != "function":
        raise invalid("llm.tool_not_here", where=f"tools[{at}]", kind=shortened(kind, _SHOWN))
    function = {"name": None, **_chosen(tool, _OF_FUNCTION)}
    text(function, "name")
    text(function, "description")
    _object(function, "parameters")
    return {"type": "function", "function": function}


def _choice(choice: Any, tools: Items) -> JsonObject:
    """`tools` and `tool_choice` of a chat completion request."""
    if isinstance(choice, dict) and choice.get("type") == "allowed_tools":
        allowed = [each.get("name") for each in _list(choice, "tools") if isinstance(each, dict)]
        return {
            "tools": [tool for tool in tools if tool["function"].get("name") in allowed],
            "tool_choice": choice.get("mode", "auto"),
        }
    if isinstance(choice, dict) and choice.get("type") == "function":
        choice = {"type": "function", "function": {"name": choice.get("name")}}
    return {"tools": tools, "tool_choice": choice}


def _format(wanted: Any) -> JsonObject | None:
    """`response_format` of a chat completion request; None for plain text."""
    if not isinstance(wanted, dict) or wanted.get("type", "text") == "text":
        return None
    if wanted["type"] != "json_schema":
        return {"type": wanted["type"]}
    return {"type": "json_schema", "json_schema": _chosen(wanted, _OF_FORMAT)}


def _chosen(fields: Mapping[str, Any], names: Iterable[str]) -> JsonObject:
    return {name: fields[name] for name in names if fields.get(name) is not None}


def _echo(body: Mapping[str, Any], keep: bool) -> JsonObject:
    """OpenAI's own defaults where the request says nothing."""
    return {
        "background": False,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "metadata": body.get("metadata", {}),
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "previous_response_id": body.get("previous_response_id"),
        "reasoning": {"effort": None, "summary": None, **body.get("reasoning", {})},
        "store": keep,
        "temperature": body.get("temperature"),
        "text": {"format": {"type": "text"}, **body.get("text", {})},
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": [{"parameters": None, "strict": None, **tool} for tool in body.get("tools", [])],
        "top_p": body.get("top_p"),
        "truncation": body.get("truncation", "disabled"),
        "user": body.get("user"),
    }


def _list(body: Mapping[str, Any], name: str) -> list[Any]:
    value = body.get(name, [])
    if not isinstance(value, list):
        raise invalid("llm.not_a_list", name=name)
    return value


def _object(body: Mapping[str, Any], name: str) -> JsonObject:
    value = body.get(name, {})
    if not isinstance(value, dict):
        raise invalid("llm.not_an_object", name=name)
    return value
