"""The tools of a script: what the model can call, how each answers, and which calls were made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from huiyin.assistant.conversation.world import Plan, Source, World
from huiyin.assistant.dialogue.tools import CalledTool, Effect, Tool

Trouble = Literal["", "error", "hang"]

_NEVER_S = 1e6


@dataclass(frozen=True)
class ToolAnswer:
    """How a tool behaves when it is called."""

    takes_s: float = 0.1
    output: str = "done"
    fails: Trouble = ""


@dataclass(frozen=True)
class ScriptedTool:
    """A tool that a script offers the model."""

    name: str
    description: str = ""
    title: str = ""
    effect: Effect = "acts"
    own: bool = False  # as those that come with Huiyin
    answer: ToolAnswer = ToolAnswer()

    @property
    def tool(self) -> Tool:
        """As the conversation knows it."""
        parameters = {"type": "object", "properties": {}}
        return Tool(self.name, self.description, parameters, self.title, self.effect, self.own)


@dataclass(frozen=True)
class MadeCall:
    """A call that was carried out."""

    at_s: float
    name: str
    arguments: Mapping[str, Any]


class ScriptedToolbox:
    """A `Toolbox`. `calls` are those that were made so far; `answers` may be changed while it runs."""

    def __init__(self, world: World, tools: Sequence[ScriptedTool]) -> None:
        self._world = world
        self._tools = {tool.name: tool.tool for tool in tools}
        self.answers = {tool.name: tool.answer for tool in tools}
        self.calls: list[MadeCall] = []

    @property
    def offered(self) -> Sequence[Tool]:
        """As `Toolbox.offered`."""
        return tuple(self._tools.values())

    def meant(self, call: CalledTool) -> CalledTool:
        """As `Toolbox.meant`."""
        return call

    def find(self, name: str) -> Tool | None:
        """As `Toolbox.find`."""
        return self._tools.get(name)

    def call(self, name: str, arguments: Mapping[str, Any]) -> Source[str]:
        """As `Toolbox.call`."""
        self.calls.append(MadeCall(self._world.now, name, arguments))
        answer = self.answers[name]
        if answer.fails == "hang":
            return Plan([], _NEVER_S)
        if answer.fails == "error":
            return Plan([], answer.takes_s, RuntimeError(answer.output))
        return Plan([(answer.takes_s, answer.output)], answer.takes_s)
