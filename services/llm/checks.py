"""Checks requests before an upstream is asked, whose own refusal may say less.

Pure: a JSON object in, one ready for the proxy out. Unknown fields pass unchanged.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from huiyin.services.common.errors import ApiError, shortened
from huiyin.services.common.reader_language import in_readers_words
from huiyin.services.llm.chunks import JsonObject

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
TEMPERATURE_MAX = 2.0
TOKENS_MAX = 1_000_000
_SHOWN = 40  # characters of a refused value in the message
SESSION = r"^[A-Za-z0-9._-]{0,64}$"  # as a regular expression
PRIORITIES = {"": False, "normal": False, "background": True}
SUSPEND_MAX_S = 5.0  # a sentence is synthesised in less; a caller may die before it resumes the model


def check_chat(body: JsonObject) -> JsonObject:
    """A chat completion request without nulls, `model` and `stream` filled in. Raises ApiError 400."""
    body = {key: value for key, value in body.items() if value is not None}
    body["model"] = text(body, "model")
    body["stream"] = flag(body, "stream")
    _check_messages(body.get("messages"))
    for name in ("max_tokens", "max_completion_tokens", "n"):
        whole(body, name)
    number(body, "temperature", TEMPERATURE_MAX)
    number(body, "top_p", 1.0)
    return body


def check_generate(body: JsonObject) -> JsonObject:
    """The service's own request (`prompt` or `messages`, `max_new_tokens`) as a streaming chat completion request.

    Raises ApiError 400.
    """
    body = {key: value for key, value in body.items() if value is not None}
    if ("prompt" in body) == ("messages" in body):
        raise invalid("llm.prompt_or_messages")
    if "prompt" in body:
        prompt = text(body, "prompt")
        if not prompt.strip():
            raise invalid("llm.empty_prompt")
        body["messages"] = [{"role": "user", "content": prompt}]
    flag(body, "stream")
    for name in ("max_new_tokens", "max_tokens"):
        whole(body, name)
    if "max_new_tokens" in body:
        body["max_tokens"] = body["max_new_tokens"]
    body.pop("prompt", None)
    body.pop("max_new_tokens", None)
    return check_chat({**body, "stream": True})


def check_session(name: Any) -> str:
    """The name of a conversation, '' for none. Raises ApiError 400."""
    if not isinstance(name, str) or not re.fullmatch(SESSION, name):
        raise invalid("llm.bad_session", name=shortened(name, _SHOWN))
    return name


def check_priority(word: str) -> bool:
    """Whether a request is in the background. Raises ApiError 400."""
    if word not in PRIORITIES:
        raise invalid("llm.bad_priority", word=shortened(word, _SHOWN))
    return PRIORITIES[word]


def check_suspend(body: JsonObject) -> tuple[float, str]:
    """The seconds for which to suspend the model, and the session that wants it. Raises ApiError 400."""
    if body.get("seconds") is None:
        raise invalid("llm.no_seconds")
    number(body, "seconds", SUSPEND_MAX_S)
    return float(body["seconds"]), check_session("" if body.get("session") is None else body["session"])


def _check_messages(messages: Any) -> None:
    if not isinstance(messages, list) or not messages:
        raise invalid("llm.no_messages")
    for at, message in enumerate(messages):
        where = f"messages[{at}]"
        if not isinstance(message, dict):
            raise invalid("llm.message_no_object", where=where)
        role, content = message.get("role"), message.get("content")
        if role not in ROLES:
            raise invalid("llm.unknown_role", where=where, roles=ROLES, role=shortened(role, _SHOWN))
        if isinstance(content, list):
            if not all(isinstance(part, dict) and isinstance(part.get("type"), str) for part in content):
                raise invalid("llm.part_without_type", where=where)
        elif content is None:
            if role != "assistant":  # an assistant's message may consist of tool calls
                raise invalid("llm.no_content", where=where)
        elif not isinstance(content, str):
            raise invalid("llm.bad_content", where=where)


def text(body: Mapping[str, Any], name: str) -> str:
    """A field that is text, '' where it is missing. Raises ApiError 400."""
    value = body.get(name, "")
    if not isinstance(value, str):
        raise invalid("llm.not_text", name=name, kind=_kind(value))
    return value


def flag(body: Mapping[str, Any], name: str) -> bool:
    """A field that is true or false, False where it is missing. Raises ApiError 400."""
    value = body.get(name, False)
    if not isinstance(value, bool):
        raise invalid("llm.not_true_or_false", name=name, kind=_kind(value))
    return value


def whole(body: JsonObject, name: str) -> None:
    """Make a field, where there is one, an int from 1 to TOKENS_MAX. Raises ApiError 400."""
    if name not in body:
        return
    value = body[name]
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if not is_number or not 1 <= value <= TOKENS_MAX or value != int(value):
        raise invalid("llm.not_whole", name=name, most=TOKENS_MAX, value=shortened(value, _SHOWN))
    body[name] = int(value)  # 64.0 is a whole number, too, and not every upstream knows that


def number(body: Mapping[str, Any], name: str, high: float) -> None:
    """Raise ApiError 400 unless a field, where there is one, is a number from 0 to `high`."""
    if name not in body:
        return
    value = body[name]
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or not 0 <= value <= high:
        raise invalid("llm.not_a_number", name=name, most=high, value=shortened(value, _SHOWN))


def _kind(value: Any) -> str:
    names: dict[type, str] = {
        int: "llm.a_number", float: "llm.a_number", list: "llm.a_list", dict: "llm.an_object", str: "llm.a_text",
    }  # fmt: skip
    if value is None or isinstance(value, bool):
        return "null" if value is None else "true/false"
    return in_readers_words(names[type(value)]) if type(value) in names else type(value).__name__


def invalid(key: str, **facts: Any) -> ApiError:
    """The error for a request that cannot be carried out as it is."""
    return ApiError(400, key, code="invalid_value", **facts)
