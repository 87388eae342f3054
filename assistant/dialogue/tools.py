"""Tools that the model may call: what it knows of them, and what it calls. Nothing is executed here."""

from __future__ import annotations

import secrets
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

_ID_BYTES = 8
ToolChoice = str | Mapping[str, Any]
"""'auto', 'none', 'required', or OpenAI's object that names one tool."""


@dataclass(frozen=True)
class Tool:
    """A function that the model may call. `parameters` is a JSON schema of its arguments."""

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def as_openai(self) -> dict[str, Any]:
        """In the form of chat completions."""
        function = {"name": self.name, "description": self.description, "parameters": dict(self.parameters)}
        return {"type": "function", "function": {key: value for key, value in function.items() if value}}


@dataclass(frozen=True)
class CalledTool:
    """The model calls the tool `name`; `arguments` is JSON text. `call_id` names the call: its result refers to it."""

    call_id: str
    name: str
    arguments: str


def with_own_ids(calls: Iterable[CalledTool], taken: Container[str]) -> tuple[CalledTool, ...]:
    """The calls, with new ids where theirs are empty, `taken`, or the same: some models count from 0 in each reply."""
    own: dict[str, CalledTool] = {}
    for call in calls:
        call_id = call.call_id
        while not call_id or call_id in own or call_id in taken:
            call_id = f"call_{secrets.token_hex(_ID_BYTES)}"
        own[call_id] = replace(call, call_id=call_id)
    return tuple(own.values())
