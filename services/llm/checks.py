"""Is this a request we can pass on? What an upstream would answer with a riddle is refused here, in words.

Pure: a JSON object in, one ready for the proxy out. Fields that are not known here pass unchanged.
"""

from __future__ import annotations

import math
from typing import Any

from huiyin.services.common.errors import ApiError
from huiyin.services.llm.upstream import JsonObject

_ROLES = ("system", "developer", "user", "assistant", "tool", "function")
_EXAMPLE = 'send for example {"messages": [{"role": "user", "content": "hello"}]}'
_TEMPERATURE_MAX = 2.0
_TOKENS_MAX = 1_000_000
_HOLD_MAX_S = 5.0  # a sentence is voiced in less; who asks for it may die before letting go


def check_chat(body: JsonObject) -> JsonObject:
    """A chat completion request, with nulls left out and `model` and `stream` filled in. Raises ApiError 400."""
    body = {key: value for key, value in body.items() if value is not None}
    body["model"] = _text(body, "model", "")
    body["stream"] = _flag(body, "stream")
    _check_messages(body.get("messages"))
    for name in ("max_tokens", "max_completion_tokens"):
        _whole(body, name)
    _whole(body, "n")
    _number(body, "temperature", _TEMPERATURE_MAX)
    _number(body, "top_p", 1.0)
    return body


def check_generate(body: JsonObject) -> JsonObject:
    """The seed articles' request (`prompt` or `messages`, `max_new_tokens`) as a streaming chat completion request.

    Raises ApiError 400.
    """
    body = {key: value for key, value in body.items() if value is not None}
    if ("prompt" in body) == ("messages" in body):
        raise _refuse("prompt", "give either 'prompt' or 'messages'", 'send for example {"prompt": "hello"}')
    if "prompt" in body:
        prompt = _text(body, "prompt", "")
        if not prompt.strip():
            raise _refuse("prompt", "'prompt' is empty", 'send for example {"prompt": "hello"}')
        body["messages"] = [{"role": "user", "content": prompt}]
    _whole(body, "max_new_tokens")
    if "max_new_tokens" in body:
        body["max_tokens"] = body["max_new_tokens"]
    body.pop("prompt", None)
    body.pop("max_new_tokens", None)
    return check_chat({**body, "stream": True})


def check_hold(body: JsonObject) -> float:
    """The seconds of a request to hold the model. Raises ApiError 400."""
    if body.get("seconds") is None:
        raise _refuse("seconds", "'seconds' is missing: how long to hold the model", 'send {"seconds": 1}, 0 lets go')
    _number(body, "seconds", _HOLD_MAX_S)
    return float(body["seconds"])


def _check_messages(messages: Any) -> None:
    if not isinstance(messages, list) or not messages:
        raise _refuse("messages", "'messages' must be a list with at least one message", _EXAMPLE)
    for at, message in enumerate(messages):
        where = f"messages[{at}]"
        if not isinstance(message, dict):
            raise _refuse(where, f"{where} must be an object with 'role' and 'content'", _EXAMPLE)
        role, content = message.get("role"), message.get("content")
        if role not in _ROLES:
            raise _refuse(
                f"{where}.role", f"{where}.role must be one of {', '.join(_ROLES)}; it is {role!r:.40}", _EXAMPLE
            )
        if isinstance(content, list):
            if not all(isinstance(part, dict) and isinstance(part.get("type"), str) for part in content):
                raise _refuse(f"{where}.content", f"each part of {where}.content must be an object with a 'type'")
        elif content is None:
            if role != "assistant":  # an assistant's message may consist of tool calls
                raise _refuse(f"{where}.content", f"{where} has no 'content'", _EXAMPLE)
        elif not isinstance(content, str):
            raise _refuse(f"{where}.content", f"{where}.content must be text or a list of parts", _EXAMPLE)


def _text(body: JsonObject, name: str, default: str) -> str:
    value = body.get(name, default)
    if not isinstance(value, str):
        raise _refuse(name, f"'{name}' must be text; it is {_kind(value)}")
    return value


def _flag(body: JsonObject, name: str) -> bool:
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise _refuse(name, f"'{name}' must be true or false; it is {_kind(value)}")
    return value


def _whole(body: JsonObject, name: str) -> None:
    if name not in body:
        return
    value = body[name]
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _TOKENS_MAX:
        raise _refuse(name, f"'{name}' must be a whole number from 1 to {_TOKENS_MAX}; it is {value!r:.40}")


def _number(body: JsonObject, name: str, high: float) -> None:
    if name not in body:
        return
    value = body[name]
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not number or not 0 <= value <= high:
        raise _refuse(name, f"'{name}' must be a number from 0 to {high:g}; it is {value!r:.40}")


def _kind(value: Any) -> str:
    names = {bool: "true/false", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return names.get(type(value), type(value).__name__)


def _refuse(param: str, message: str, hint: str = "") -> ApiError:
    return ApiError(400, "invalid_value", message, hint)
