"""A model's answer in OpenAI's form, piece by piece: its text at once, the tools that it calls at its end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from huiyin.assistant.dialogue.clause_stream import LimitReached
from huiyin.assistant.dialogue.tools import CalledTool


@dataclass
class _Call:
    """A call in the making."""

    call_id: str
    name: str = ""
    arguments: str = ""


class ChatAnswer:
    """Of one request: `items_of` each event, then `last_items`."""

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._at: dict[int, _Call] = {}  # index in the answer -> the call that goes on there

    def items_of(self, event: dict[str, Any]) -> Iterator[str | CalledTool]:
        """The text of this event, and whether it is the limit of tokens that ends it; its parts of calls are kept."""
        for choice in event.get("choices") or ():
            delta = choice.get("delta") or {}
            if text := delta.get("content"):
                yield text
            for part in delta.get("tool_calls") or ():
                self._add(part)
            if choice.get("finish_reason") == "length":
                yield LimitReached()

    def last_items(self) -> Iterator[CalledTool]:
        """The calls, in order."""
        for call in self._calls:
            yield CalledTool(call.call_id, call.name, call.arguments or "{}")

    def _add(self, part: dict[str, Any]) -> None:
        index, call_id, function = part.get("index") or 0, part.get("id") or "", part.get("function") or {}
        call = self._at.get(index)
        if call is None or (call_id and call.call_id and call_id != call.call_id):  # some give each call the index 0
            call = self._at[index] = _Call(call_id)
            self._calls.append(call)
        call.name = call.name or function.get("name") or ""
        arguments = function.get("arguments") or ""
        call.arguments += arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
