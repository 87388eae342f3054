"""The tool of a scenario: the model calls it before it answers a turn that says so, and it takes its time, or hangs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.session import Session
from huiyin.assistant.conversation.world import World
from huiyin.assistant.dialogue.items import ToolResult
from huiyin.assistant.dialogue.tools import CalledTool, Tool

TOOL = Tool("look_up", "Looks something up.")
HANGS_S = float("inf")


class SimulatedTool:
    """An observer of the session that calls it: adds its result, and asks for the reply to that."""

    def __init__(self, session: Session, world: World, takes_s: Callable[[int], float]) -> None:
        """`takes_s`: what the call of a generation takes."""
        self._session, self._world, self._takes_s = session, world, takes_s
        session.configure(tools=[TOOL])
        session.observe(self, at_once=True)

    def __call__(self, at_s: float, event: on.Public) -> None:
        if isinstance(event, on.ToolsCalled) and (takes_s := self._takes_s(event.generation)) < HANGS_S:
            self._world.after(takes_s, partial(self._answer, event.calls))

    def _answer(self, calls: Sequence[CalledTool]) -> None:
        for call in calls:
            self._session.history.add(ToolResult(call.call_id, "It is known."))
        self._session.respond()
