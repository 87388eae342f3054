"""Tools and voices on the wire: checked, and as the conversation has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from huiyin.assistant.dialogue.tools import Tool, ToolChoice
from huiyin.assistant.faces.connections import checks
from huiyin.assistant.faces.connections.checks import choice, listed, nullable, record, text
from huiyin.assistant.faces.connections.wire import Json

NAME = 200
"""Characters of a name."""

_TOOLS = 128


def voice(value: Any, param: str) -> Any:
    """A name, or an object with an id."""
    return (
        record({"id": text(NAME)}, needed=("id",))(value, param)
        if isinstance(value, dict)
        else text(NAME)(value, param)
    )


def voice_name(voice: str | Json) -> str:
    """The name of a checked voice."""
    return str(voice["id"] if isinstance(voice, dict) else voice)


def tool_choice(value: Any, param: str) -> Any:
    """A word, or the function that is to be called."""
    if isinstance(value, dict):
        return checks.by_type({"function": record({"name": text(NAME)}, needed=("name",))})(value, param)
    return choice("auto", "none", "required")(value, param)


_function = record(
    {"name": text(NAME), "description": nullable(text()), "parameters": nullable(record({}))}, needed=("name",)
)


def _tool(value: Any, param: str) -> Json:
    """A function. Its parameters are JSON Schema, which only the model looks into."""
    body = checks.by_type({"function": _function})(value, param)
    parameters = checks.anything(value.get("parameters") or {}, f"{param}.parameters")
    return {**body, "description": body.get("description") or "", "parameters": parameters}


tools = listed(_tool, _TOOLS)


def tools_of(described: Sequence[Json]) -> list[Tool]:
    """The wire's functions."""
    return [Tool(tool["name"], tool["description"], tool["parameters"]) for tool in described]


def choice_of(choice: str | Json) -> ToolChoice:
    """The wire's choice, as chat completions have it."""
    return choice if isinstance(choice, str) else {"type": "function", "function": {"name": choice["name"]}}
