"""Items as clients describe them, and as the history keeps them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from huiyin.assistant.dialogue.history import History, Message
from huiyin.assistant.dialogue.items import AssistantItem, Item, SystemNote, ToolCall, ToolResult, UserItem
from huiyin.assistant.faces.connections import checks
from huiyin.assistant.faces.connections.checks import choice, listed, nullable, record, text
from huiyin.assistant.faces.connections.wire import Json, WireError
from huiyin.assistant.faces.realtime.beta import content_as_ga
from huiyin.assistant.faces.realtime.items import new_body

_ID = 200  # characters
_PARTS = 100
_status = choice("in_progress", "completed", "incomplete")
_text_part = record({"text": text()}, needed=("text",))
_user_parts = checks.by_type(
    {
        "input_text": _text_part,
        "input_audio": record({"audio": nullable(text(20_000_000)), "transcript": nullable(text())}),
    }
)
_assistant_parts = checks.by_type(
    {"output_text": _text_part, "output_audio": record({"audio": checks.anything, "transcript": nullable(text())})}
)
_CONTENT = {
    "user": listed(_user_parts, _PARTS),
    "assistant": listed(_assistant_parts, _PARTS),
    "system": listed(checks.by_type({"input_text": _text_part}), _PARTS),
}


def _message(body: Any, param: str) -> Json:
    role = choice(*_CONTENT)(body.get("role"), f"{param}.role")
    content = body.get("content", [])
    if role == "assistant" and isinstance(content, list):
        content = [content_as_ga(part) if isinstance(part, dict) else part for part in content]
    return {"role": role, "content": _CONTENT[role](content, f"{param}.content"), "status": "completed"}


_call = record(
    {"name": text(_ID), "arguments": text(1_000_000), "call_id": text(_ID)}, needed=("name", "arguments", "call_id")
)
_output = record({"call_id": text(_ID), "output": text(1_000_000)}, needed=("call_id", "output"))
_kinds = checks.by_type({"message": _message, "function_call": _call, "function_call_output": _output})


def item_body(value: Any, param: str) -> Json:
    """A client's item, checked, as it will be seen. Raises WireError."""
    body = _kinds(value, param)
    item_id = nullable(text(_ID))(value.get("id"), f"{param}.id")
    return new_body(body.pop("type"), item_id=item_id or "", **body)


def sound_of(body: Json) -> str:
    """The sound within a user's message, base64; '' for a message without sound."""
    parts = body.get("content") or ()
    return next((part["audio"] for part in parts if part["type"] == "input_audio" and part.get("audio")), "")


def entry_of(body: Json) -> Item | None:
    """An item's entry in the history; None: there is nothing in it to be kept. Only calls keep their ids: the history
    has ids of its own, and a client's may be the same."""
    if body["type"] == "function_call":
        return ToolCall(body["name"], body["arguments"], id=body["call_id"])
    if body["type"] == "function_call_output":
        return ToolResult(body["call_id"], body["output"])
    words = "\n".join(part.get("text") or part.get("transcript") or "" for part in body["content"]).strip()
    if not words:
        return None
    kind: Callable[..., Item] = {"user": UserItem, "assistant": AssistantItem, "system": SystemNote}[body["role"]]
    return kind(words)


def messages_of(bodies: list[Json]) -> list[Message]:
    """Items as chat messages. Raises WireError where two have the same id."""
    history = History()
    for body in bodies:
        if entry := entry_of(body):
            try:
                history.add(entry)
            except Exception as error:
                raise WireError(
                    "realtime.same_id", code="invalid_value", param="response.input", error=error
                ) from error
    return history.messages()
