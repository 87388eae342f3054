"""Tools that the model may call: what it knows of them, and what it calls. Nothing is executed here."""

from __future__ import annotations

import re
import secrets
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

_ID_BYTES = 8
ToolChoice = str | Mapping[str, Any]
"""'auto', 'none', 'required', or OpenAI's object that names one tool."""

Effect = Literal["reads", "acts", "dangerous"]
"""What a call does: looks something up; changes something; changes what a user would want to be asked about before."""


@dataclass(frozen=True)
class Tool:
    """A function that the model may call. `parameters` is a JSON schema of its arguments.

    The model is told nothing of the rest. `title`: its name for the user, '' where `name` is to be made into one;
    `effect`: what a call does; `is_own`: it comes with Huiyin, so that its output is not written by strangers.
    """

    name: str
    description: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    title: str = ""
    effect: Effect = "acts"
    is_own: bool = False

    @property
    def spoken_name(self) -> str:
        """For the user's ear: "delete file" of delete_file and deleteFile."""
        return self.title or re.sub(r"(?<=[a-z])(?=[A-Z])|[_\-./]+", " ", self.name).strip().lower()

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
