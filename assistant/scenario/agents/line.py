"""How a scripted client reaches an agent: a line, which is what the client has of it, and a link, which carries it.

A line is pure: 20 ms of the microphone go in, 20 ms for the loudspeaker come out, and it tells what happens. A link is
the connection behind it: a WebSocket, a child process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, Protocol

from huiyin.assistant.conversation import events as on
from huiyin.assistant.dialogue.items import Turn
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.scenario.hearing import ScriptedUtterance
from huiyin.assistant.scenario.script import Depth, Step
from huiyin.assistant.scenario.visible import Sight
from huiyin.configs.errors import HuiyinError


class AgentError(HuiyinError):
    """An agent that cannot be reached, or ended the conversation."""

    exit_status = 2


class Tell(Protocol):
    """What happens in the conversation is passed on."""

    def __call__(self, event: on.Public, at_s: float | None = None) -> None:
        """`at_s`: when it happened, on the client's clock; None: now."""


class Line(Protocol):
    """An agent, as its client has it. All calls in the thread of the client's world."""

    @property
    def depth(self) -> Depth:
        """How it is named in a report."""

    @property
    def sight(self) -> Sight:
        """What can be seen of the conversation. Complete once the agent is ready."""

    @property
    def greeting_s(self) -> float:
        """How long it may take until the agent greets, if it does: it speaks before the script begins."""

    @property
    def problems(self) -> Sequence[str]:
        """What was wrong with the conversation itself, so far."""

    def attach(self, tell: Tell, utterances: Sequence[ScriptedUtterance]) -> None:
        """Who is told what happens; what the people say, to which more is added."""

    def hear(self, mic: Pcm16) -> None:
        """20 ms of the microphone, shape (BLOCK,)."""

    def play(self, at_s: float) -> Pcm16:
        """20 ms pass, from `at_s` on; what is played meanwhile, shape (BLOCK,)."""

    def types(self, step: Step) -> None:
        """Something is typed."""

    def key(self, down: bool) -> None:
        """The talk key."""

    def committed(self, recording: Pcm16) -> list[tuple[float, Turn]]:
        """What was said, with the end of each reply, where it was not told already. After the end; may block.

        `recording`: shape (2, n), microphone and loudspeaker.
        """


class Link(Protocol):
    """The connection behind a line, once."""

    @property
    def line(self) -> Line:
        """What the client has of the agent."""

    @property
    def log(self) -> Sequence[str]:
        """The newest lines of the agent's own log, where there is one."""

    async def open(self) -> None:
        """Until the agent hears and can answer. Raises AgentError."""

    async def carry(self) -> None:
        """Pass on what is said, both ways, until cancelled. Raises AgentError when the agent hangs up."""

    async def close(self) -> None:
        """Hang up, also where it is not open. Raises nothing."""


async def first_of(*works: Coroutine[Any, Any, object]) -> None:
    """Until the first has ended; the others are cancelled. Raises what it failed with."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
