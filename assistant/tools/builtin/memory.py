"""Tools that remember what the user wants remembered, and forget it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from huiyin.assistant.tools.memory import Memory
from huiyin.assistant.tools.own import Argument, OwnTool, ToolError, own_tool


def memory_tools(memory: Memory) -> list[OwnTool]:
    """Of one persona's memory."""

    def remember(arguments: Mapping[str, Any]) -> str:
        fact = str(arguments["fact"]).strip()
        if not fact:
            raise ToolError("tools.nothing_to_remember")
        return f"remembered: {memory.keep(fact).text}"

    def forget(arguments: Mapping[str, Any]) -> str:
        wanted = str(arguments["about"]).strip()
        found = memory.all() if wanted == "everything" else memory.find(wanted, most=1)
        if not found:
            raise ToolError("tools.nothing_remembered", words=wanted)
        for fact in found:
            memory.forget(fact.id)
        return "forgotten: " + "; ".join(fact.text for fact in found)

    def recall(arguments: Mapping[str, Any]) -> str:
        about = str(arguments.get("about") or "").strip()
        found = memory.find(about, most=10) if about else memory.all()[-20:]
        return "\n".join(fact.text for fact in found) or "nothing is remembered of that"

    return [
        own_tool(
            "remember", "Keep a fact about the user for later conversations, when they ask for it.", remember,
            Argument("fact", "one sentence in the user's language, as: My sister is called Ann."),
        ),
        own_tool(
            "forget", "Forget a fact about the user, when they ask for it.", forget,
            Argument("about", "words of the fact, or: everything"),
        ),
        own_tool(
            "recall", "What was remembered about the user.", recall,
            Argument("about", "words of it; none: all", is_needed=False), effect="reads",
        ),
    ]  # fmt: skip
