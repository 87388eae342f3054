"""The content of an item of the Responses API as that of a chat message. Pure."""

from __future__ import annotations

from typing import Any

from huiyin.services.common.errors import shortened
from huiyin.services.llm.checks import invalid
from huiyin.services.llm.chunks import JsonObject

_WORDS = {"input_text": "text", "output_text": "text", "text": "text", "refusal": "refusal"}
"""Kinds of a part that are words -> the field in which they are."""
_SHOWN = 40  # characters of a refused value in the message


def message_content(content: Any, role: str, where: str) -> str | list[JsonObject]:
    """Text, or a list of parts where there is more than text. Raises ApiError 400."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise invalid("llm.no_content", where=where)
    parts = [_part(part, f"{where}.content[{at}]") for at, part in enumerate(content)]
    if all(part["type"] == "text" for part in parts) and (role != "user" or len(parts) == 1):
        return "".join(part["text"] for part in parts)
    return parts


def plain_text(output: Any, where: str) -> str:
    """The result of a function as text. Raises ApiError 400 for pictures and files, which such a message lacks."""
    content = message_content(output, "tool", where)
    if not isinstance(content, str):
        raise invalid("llm.output_not_text", where=where)
    return content


def _part(part: Any, where: str) -> JsonObject:
    kind = part.get("type") if isinstance(part, dict) else None
    field = _WORDS.get(kind) if isinstance(kind, str) else None
    if field and isinstance(part.get(field), str):
        return {"type": "text", "text": part[field]}
    if kind == "input_image" and isinstance(part.get("image_url"), str):
        detail = {"detail": part["detail"]} if part.get("detail") else {}
        return {"type": "image_url", "image_url": {"url": part["image_url"], **detail}}
    if kind == "input_audio" and isinstance(part.get("input_audio"), dict):
        return {"type": "input_audio", "input_audio": part["input_audio"]}
    if kind == "input_file" and isinstance(part.get("file_data"), str):
        file = {name: part[name] for name in ("filename", "file_data") if part.get(name)}
        return {"type": "file", "file": file}
    raise invalid("llm.unknown_part", where=where, kind=shortened(kind, _SHOWN))
