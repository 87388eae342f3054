"""Requests with tools or a response format, as the embedded model takes them.

Pure: a checked request in, the one for llama.cpp out, whose chat template and grammars do the rest. What this model
cannot do is refused here, at once.
"""

from __future__ import annotations

import json
import re
from typing import Any

from huiyin.services.common.errors import ApiError, shortened
from huiyin.services.llm.chunks import JsonObject

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SHOWN = 40  # characters of a refused value in the message
_TOOL_FIELDS = ("tools", "tool_choice", "parallel_tool_calls")
_FORMATS = ("text", "json_object", "json_schema")
# The tokens of Qwen2.5 that a block of code, and so a call, can begin with. After two or more calls 24 of 24 replies
# without tools are one more call, with the first of these forbidden 6, with all of them none.
_NO_BLOCK = {"```": -100, "``": -100, " ```": -100, " ```\n": -100}
_ANY_OBJECT = {"type": "object", "properties": {}}


def shape_tools(body: JsonObject, *, can_call: bool, opening: str) -> JsonObject:
    """The request with the tools that the model may call, and with its choice carried out.

    `can_call`: the model's chat template knows tools. `opening`: how a call begins in its replies ('': unknown). Raises
    ApiError 400.
    """
    _check_calls(body["messages"])
    is_json = _check_format(body.get("response_format"))
    tools = _check_tools(body.get("tools", []))
    choice = _check_choice(body.get("tool_choice", "auto"), [tool["function"]["name"] for tool in tools])
    parallel = body.get("parallel_tool_calls", True)
    body = {name: value for name, value in body.items() if name not in _TOOL_FIELDS}
    if not tools:
        choice = "none"
    if choice != "none" and not can_call:
        raise _refuse("llm.model_without_tools", code="unsupported_tools")
    if choice != "none" and is_json:
        raise _refuse("llm.tools_and_format")
    rounds = _rounds_answered(body["messages"])
    if (choice == "none" and len(rounds) > 1) or (choice == "auto" and rounds and rounds[-1] in rounds[:-1]):
        return {**body, **_without(opening, body)}
    if choice == "none":
        return body
    if choice not in ("auto", "required"):
        tools = [tool for tool in tools if tool["function"]["name"] == choice]
        choice, parallel = "required", False
    if choice == "required" and body["messages"][-1]["role"] == "assistant":
        raise _refuse("llm.call_after_assistant")
    if choice == "required" and opening:
        # The reply is begun for the model: llama.cpp's grammar allows words before the call, without an end.
        body["messages"] = [*body["messages"], {"role": "assistant", "content": opening}]
    return {**body, "tools": tools, "tool_choice": choice, "parallel_tool_calls": parallel}


def _rounds_answered(messages: list[JsonObject]) -> list[tuple[Any, list[Any]]]:
    """(calls, results) since the user's last words, where a result is what is answered now.

    A small model makes calls that it has made before, with the same results, for ever (Qwen2.5-Coder-1.5B: 3 of 56
    replies to a result are the call again, after two such 24 of 24). A next page of something is the same call with
    another result. Without tools it writes one more call as words after two others, and none after one.
    """
    since = max((at for at, message in enumerate(messages) if message["role"] == "user"), default=-1)
    rounds: list[tuple[Any, list[Any]]] = []
    for message in messages[since + 1 :]:
        if calls := message.get("tool_calls"):
            rounds.append(
                ([(call["function"]["name"], json.loads(call["function"]["arguments"])) for call in calls], [])
            )
        elif message["role"] == "tool" and rounds:
            rounds[-1][1].append(message.get("content"))
    return rounds if messages[-1]["role"] == "tool" else []


def _without(opening: str, body: JsonObject) -> JsonObject:
    """A bias against a call, which else would be written as words: there are no tools any more. They can have no block
    of code either.

    `opening`: '' where it is not known.
    """
    bias = body.get("logit_bias") or {}
    return {"logit_bias": {**bias, **_NO_BLOCK}} if opening and isinstance(bias, dict) else {}


def _check_tools(tools: Any) -> list[JsonObject]:
    """The tools, each with `parameters`."""
    if not isinstance(tools, list):
        raise _refuse("llm.tools_no_list")
    checked: dict[str, JsonObject] = {}
    for at, tool in enumerate(tools):
        where = f"tools[{at}]"
        function = tool.get("function") if isinstance(tool, dict) and tool.get("type") == "function" else None
        if not isinstance(function, dict):
            raise _refuse("llm.not_a_function", where=where)
        name, parameters = function.get("name"), function.get("parameters") or _ANY_OBJECT
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise _refuse("llm.bad_function_name", where=where, name=shortened(name, _SHOWN))
        if name in checked:
            raise _refuse("llm.function_twice", where=where, name=name)
        if not isinstance(parameters, dict) or parameters.get("type", "object") != "object":
            raise _refuse("llm.bad_parameters", where=where)
        checked[name] = {**tool, "function": {**function, "parameters": {"type": "object", **parameters}}}
    return list(checked.values())


def _check_choice(choice: Any, names: list[str]) -> str:
    """ "none", "auto", "required", or the name of a function."""
    if choice in ("none", "auto"):
        return str(choice)
    if choice == "required":
        if not names:
            raise _refuse("llm.choice_without_tools")
        return "required"
    function = choice.get("function") if isinstance(choice, dict) and choice.get("type") == "function" else None
    name = function.get("name") if isinstance(function, dict) else None
    if not isinstance(name, str):
        raise _refuse("llm.bad_choice", choice=shortened(choice, _SHOWN))
    if name not in names:
        raise _refuse("llm.unknown_function", name=shortened(name, _SHOWN), names=names)
    return name


def _check_format(response_format: Any) -> bool:
    """Whether the reply must be JSON."""
    if response_format is None:
        return False
    kind = response_format.get("type") if isinstance(response_format, dict) else None
    if kind not in _FORMATS:
        raise _refuse("llm.bad_format", formats=_FORMATS)
    if kind == "json_schema":
        wrapper = response_format.get("json_schema")
        if not isinstance(wrapper, dict) or not isinstance(wrapper.get("schema"), dict):
            raise _refuse("llm.format_without_schema")
    return bool(kind != "text")


def _check_calls(messages: list[JsonObject]) -> None:
    """Calls in the history have the form that the chat template reads."""
    for at, message in enumerate(messages):
        calls = message.get("tool_calls") or []
        where = f"messages[{at}].tool_calls"
        if not isinstance(calls, list):
            raise _refuse("llm.bad_call", where=where)
        for call in calls:
            function = call.get("function") if isinstance(call, dict) else None
            if not isinstance(function, dict) or not isinstance(function.get("name"), str):
                raise _refuse("llm.bad_call", where=where)
            if not _is_object(function.get("arguments")):
                raise _refuse("llm.bad_arguments", where=where, name=shortened(function["name"], _SHOWN))


def _is_object(text: Any) -> bool:
    try:
        return isinstance(text, str) and isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _refuse(key: str, *, code: str = "invalid_value", **facts: Any) -> ApiError:
    return ApiError(400, key, code=code, **facts)
