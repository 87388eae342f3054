"""What upstreams send as a chat completion, whole or in chunks, in one form: OpenAI's. Pure: JSON in, JSON out.

Bodies are changed in place; those that are in the form already stay as they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

JsonObject = dict[str, Any]

_NO_REASON = frozenset(("", "null", "none"))  # a finish_reason that says that there is more to come
_REASONS = {
    "eos": "stop", "eos_token": "stop", "end_turn": "stop", "stop_sequence": "stop", "stop_token": "stop",
    "complete": "stop", "completed": "stop", "max_tokens": "length", "max_length": "length", "tool_use": "tool_calls",
}  # fmt: skip
_ERRORS = ("message", "detail", "msg", "error_msg", "errors")
_OTHER_WORDS = ("refusal", "text")  # where the words may be instead: they are for a person, too
_TEXT_PARTS = (None, "text", "output_text")


def choices_of(body: JsonObject) -> list[JsonObject]:
    """The choices of a chunk or a completion."""
    choices = body.get("choices")
    return [choice for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []


def delta_of(choice: JsonObject) -> JsonObject:
    """What the choice of a chunk adds."""
    delta = choice.get("delta")
    return delta if isinstance(delta, dict) else {}


def error_in(body: JsonObject) -> Any:
    """The part of `body` that tells of an error; None where it tells of none."""
    if body.get("error"):
        return body
    if choices := choices_of(body):
        return next((choice for choice in choices if choice.get("error")), None)
    has_words = any(body.get(name) and isinstance(body[name], (str, list)) for name in _ERRORS)
    outcome = body.get("base_resp")  # MiniMax's
    return body if has_words or (isinstance(outcome, dict) and outcome.get("status_code")) else None


def as_chunk(body: JsonObject) -> bool:
    """Makes a chunk of what was sent for one: a whole completion, a text completion. True: something changed."""
    return _tidy(body, "delta")


def as_completion(documents: Iterable[JsonObject], look: Callable[[], None] = lambda: None) -> JsonObject | None:
    """A whole completion of what was sent for one: itself, or the chunks of a stream. None: it is neither.

    `look` is called for each chunk, and may raise: long texts of many chunks take their time.
    """
    bodies = [body for body in documents if isinstance(body.get("choices"), list)]
    if len(bodies) == 1 and all("delta" not in choice for choice in choices_of(bodies[0])):
        _tidy(bodies[0], "message")
        whole = bodies[0]
    else:
        whole = _joined(bodies, look)
    return whole if whole["choices"] else None


def _tidy(body: JsonObject, name: str) -> bool:
    """`name`: of what a choice says, "delta" or "message"."""
    choices = choices_of(body)
    changed = len(choices) < len(body["choices"])
    body["choices"] = choices
    for choice in choices:
        if "index" in choice and type(choice["index"]) is not int:
            choice["index"], changed = 0, True
        changed = _tidy_choice(choice, name) or changed
    if changed and name == "delta":
        body["object"] = "chat.completion.chunk"
    return changed


def _tidy_choice(choice: JsonObject, name: str) -> bool:
    said, is_whole, changed = choice.get(name), isinstance(choice.get("message"), dict), False
    if not isinstance(said, dict):
        choice[name] = said = _said_otherwise(choice)
        changed = True
    content = said.get("content")
    if content is not None and not isinstance(content, str):
        said["content"], changed = _text(content), True
    for other in _OTHER_WORDS:
        if not said.get("content") and isinstance(said.get(other), str) and said[other]:
            said["content"], changed = said[other], True
    changed = _tidy_calls(said, numbered=is_whole and name == "delta") or changed
    reason = choice.get("finish_reason")
    if reason is not None and (known := _reason(reason) if isinstance(reason, str) else None) != reason:
        choice["finish_reason"], changed = known, True
    if is_whole and not choice.get("finish_reason"):
        choice["finish_reason"], changed = "stop", True
    return changed


def _tidy_calls(said: JsonObject, *, numbered: bool) -> bool:
    """`numbered`: each call needs its index, which a whole reply has not."""
    sent = said.get("tool_calls")
    if sent is None:
        return False
    calls = [call for call in sent if _is_call(call)] if isinstance(sent, list) else []
    changed = bool(calls != sent)
    said["tool_calls"] = calls
    for index, call in enumerate(calls):
        if numbered:
            call.setdefault("index", index)
        function = call.get("function")
        if isinstance(function, dict) and isinstance(function.get("arguments"), dict):
            function["arguments"], changed = json.dumps(function["arguments"], ensure_ascii=False), True
    return changed


def _is_call(call: Any) -> bool:
    return isinstance(call, dict) and isinstance(call.get("function", {}), (dict, type(None)))


def _said_otherwise(choice: JsonObject) -> JsonObject:
    for name in ("message", "delta"):
        if isinstance(other := choice.pop(name, None), dict):
            return other
    text = choice.pop("text", None)
    return {} if text is None else {"role": "assistant", "content": text}


def _text(content: Any) -> str:
    """The words of a content that is a list of parts, one part, or a number."""
    if isinstance(content, list):
        return "".join(map(_text, content))
    if isinstance(content, dict):
        text = content.get("text") if content.get("type") in _TEXT_PARTS else ""
        return _text(text.get("value", "") if isinstance(text, dict) else text)
    return "" if content is None else str(content)


def _reason(reason: str) -> str | None:
    word = reason.strip().lower()
    return None if word in _NO_REASON else _REASONS.get(word, word if word in ("stop", "length") else reason)


def _joined(chunks: list[JsonObject], look: Callable[[], None]) -> JsonObject:
    """The completion that the chunks make together."""
    whole: JsonObject = {}
    choices: dict[Any, JsonObject] = {}
    for chunk in chunks:
        look()
        as_chunk(chunk)
        whole |= {name: value for name, value in chunk.items() if name != "choices" and value is not None}
        for part in choices_of(chunk):
            index = part.get("index") or 0
            choice = choices.setdefault(index, {"index": index, "message": {"role": "assistant", "content": None}})
            choice |= {
                name: value for name, value in part.items() if name not in ("index", "delta") and value is not None
            }
            _add(choice["message"], delta_of(part))
    for choice in choices.values():
        choice.setdefault("finish_reason", None)
        if calls := choice["message"].get("tool_calls"):
            choice["message"]["tool_calls"] = list(calls.values())
    return {**whole, "object": "chat.completion", "choices": list(choices.values())}


def _add(message: JsonObject, delta: JsonObject) -> None:
    for name, value in delta.items():
        if name == "tool_calls":
            for part in value or ():
                _add_call(message.setdefault(name, {}), part)
        elif name == "role":
            message[name] = value or "assistant"
        elif isinstance(value, str) and isinstance(message.get(name), str):
            message[name] += value
        elif value is not None:
            message[name] = value


def _add_call(calls: dict[str, JsonObject], part: JsonObject) -> None:
    index, function = str(part.get("index", len(calls))), part.get("function") or {}
    call = calls.get(index)
    if call is None:
        sent = {name: value for name, value in part.items() if name != "index"}
        calls[index] = {**sent, "function": dict(function)}
        return
    for name, value in function.items():
        known = call["function"].get(name)
        call["function"][name] = known + value if isinstance(known, str) and name == "arguments" else known or value
