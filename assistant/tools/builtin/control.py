"""Tools that change the conversation itself: its end, its voice and persona, its loudness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from huiyin.assistant.tools.own import Argument, OwnTool, ToolError, own_tool


class Controls(Protocol):
    """What can be changed of a conversation. All calls from any thread; they raise ToolError."""

    @property
    def personas(self) -> Sequence[str]:
        """Their names."""

    def end(self) -> None:
        """End it once what is being said has been heard."""

    def set_persona(self, name: str) -> None:
        """From the next reply on."""

    @property
    def volume_percent(self) -> int | None:
        """How loud it speaks, 100 at most; None where it does not sound here."""

    def set_volume(self, percent: int) -> None:
        """At once."""


LEAST_VOLUME_PERCENT = 10
"""Anything softer is not heard, and the user could not ask for more."""
STEP_PERCENT = 20
"""What "louder" and "softer" do: some 2 dB from the top, a difference that one hears."""


def control_tools(controls: Controls) -> list[OwnTool]:
    """Those that the conversation can do."""

    def end(arguments: Mapping[str, Any]) -> str:
        controls.end()
        return "it ends after your next words: say goodbye"

    def change_persona(arguments: Mapping[str, Any]) -> str:
        name = str(arguments["name"])
        controls.set_persona(name)
        return f"you are {name} from your next reply on"

    def change_volume(arguments: Mapping[str, Any]) -> str:
        before, percent = controls.volume_percent or 100, arguments.get("percent")
        if percent is None:
            percent = before + (-STEP_PERCENT if arguments.get("direction") == "softer" else STEP_PERCENT)
        elif not isinstance(percent, int) or isinstance(percent, bool):
            raise ToolError("tools.no_percentage", value=percent)
        percent = min(100, max(LEAST_VOLUME_PERCENT, percent))
        controls.set_volume(percent)
        if percent == before == 100:
            return "the volume is at its most already; the machine's own volume can be turned up"
        return f"the volume is {percent} percent now, it was {before}"

    tools = [own_tool("end_conversation", "End the conversation: the user says goodbye or wants to stop.", end)]
    if len(controls.personas) > 1:
        tools.append(
            own_tool(
                "change_persona", "Become another persona, with another voice.", change_persona,
                Argument("name", "which", choices=tuple(controls.personas)),
            )
        )  # fmt: skip
    if controls.volume_percent is not None:
        tools.append(
            own_tool(
                "change_volume", "Speak louder or softer.", change_volume,
                Argument("direction", "unless a percentage was named", is_needed=False, choices=("louder", "softer")),
                Argument("percent", f"{LEAST_VOLUME_PERCENT} to 100, if one was named", "integer", is_needed=False),
            )
        )  # fmt: skip
    return tools
