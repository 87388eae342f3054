"""Tools that change the conversation itself: its end, its voice and persona, its loudness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from huiyin.assistant.tools.own import Argument, OwnTool, own_tool


class Controls(Protocol):
    """What can be changed of a conversation. All calls from any thread; they raise ToolError."""

    @property
    def personas(self) -> Sequence[str]:
        """Their names."""

    def end(self) -> None:
        """End it once what is being said has been heard."""

    def set_persona(self, name: str) -> None:
        """From the next reply on."""


def control_tools(controls: Controls) -> list[OwnTool]:
    """Those that the conversation can do."""

    def end(arguments: Mapping[str, Any]) -> str:
        controls.end()
        return "it ends after your next words: say goodbye"

    def change_persona(arguments: Mapping[str, Any]) -> str:
        name = str(arguments["name"])
        controls.set_persona(name)
        return f"you are {name} from your next reply on"

    tools = [own_tool("end_conversation", "End the conversation: the user says goodbye or wants to stop.", end)]
    if len(controls.personas) > 1:
        tools.append(
            own_tool(
                "change_persona", "Become another persona, with another voice.", change_persona,
                Argument("name", "which", choices=tuple(controls.personas)),
            )
        )  # fmt: skip
    return tools
