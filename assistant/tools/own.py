"""A tool that is a Python function: a built-in one, or one of a package (entry points "huiyin.tools")."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from huiyin.assistant.clients.stream import Stream
from huiyin.assistant.dialogue.tools import Effect, Tool
from huiyin.configs.errors import HuiyinError

Function = Callable[[Mapping[str, Any]], str]
"""Arguments -> what the model is told. What it raises is told the model, too. Called in a thread of its own."""


class ToolError(HuiyinError):
    """A call that could not be done; its words tell the model why."""


@dataclass(frozen=True)
class OwnTool:
    """`tool`, as the model knows it, and the function behind it."""

    tool: Tool
    function: Function

    def call(self, arguments: Mapping[str, Any]) -> Stream[str]:
        """Its output, once."""
        return Stream(lambda: self._run(arguments))

    async def _run(self, arguments: Mapping[str, Any]) -> AsyncGenerator[str, None]:
        missing = [name for name in self.tool.parameters.get("required", ()) if name not in arguments]
        if missing:
            raise ToolError("tools.missing", names=missing)
        yield await asyncio.to_thread(self.function, arguments)


@dataclass(frozen=True)
class Argument:
    """An argument of a built-in tool. `kind`: a JSON type."""

    name: str
    description: str
    kind: str = "string"
    is_needed: bool = True
    choices: tuple[str, ...] = field(default=())


def own_tool(
    name: str, description: str, function: Function, *arguments: Argument, effect: Effect = "acts", title: str = ""
) -> OwnTool:
    """A built-in tool."""
    properties = {
        each.name: {
            "type": each.kind,
            "description": each.description,
            **({"enum": list(each.choices)} if each.choices else {}),
        }
        for each in arguments
    }
    needed = [each.name for each in arguments if each.is_needed]
    parameters = {"type": "object", "properties": properties, **({"required": needed} if needed else {})}
    return OwnTool(Tool(name, description, parameters, title, effect, is_own=True), function)
