"""A conversation by text alone: a question, and all that the assistant says to it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation import events as on
from huiyin.assistant.conversation.assemble import session_name
from huiyin.assistant.conversation.hands import Hands, Toolbox
from huiyin.assistant.conversation.http_stages import http_parts
from huiyin.assistant.conversation.session import Session
from huiyin.assistant.conversation.world import RealWorld
from huiyin.assistant.dialogue.history import join_clauses
from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.ports.desktop import SilentDevice
from huiyin.assistant.ports.local import LocalPort
from huiyin.assistant.turns.machine import State

_NO_WAITING_WORDS_S = 60.0  # "one moment" would not be read before the answer: both come at once


class TypedTalk:
    """In the event loop in which it is made. One question at a time; `close` it in the end."""

    def __init__(self, services: Services, persona: Persona, toolbox: Toolbox | None = None) -> None:
        settings = services.settings
        settings = replace(settings, tools=replace(settings.tools, waiting_s=_NO_WAITING_WORDS_S))
        world = RealWorld(asyncio.get_running_loop())
        parts = http_parts(services, persona.voice, session=session_name(), speak=False, by_sound=None)
        self._hands = Hands(world, toolbox, settings) if toolbox else None
        parts = self._hands.of(parts) if self._hands else parts
        self._session = Session(world, LocalPort(SilentDevice()), None, persona, parts, settings)
        if self._hands:
            self._hands.join(self._session)
        self._world = world
        self._said: list[str] = []
        self._answer: asyncio.Future[str] | None = None
        self._lock = asyncio.Lock()
        self._session.observe(self._observe, at_once=True)
        self._session.start()

    async def ask(self, text: str, timeout_s: float) -> str:
        """All that is said to `text`; '' where nothing is. Raises TimeoutError."""
        async with self._lock:
            self._said.clear()
            self._answer = asyncio.get_running_loop().create_future()
            self._session.type(text)
            try:
                return await asyncio.wait_for(self._answer, timeout_s)
            except asyncio.TimeoutError:
                self._session.interrupt()
                raise

    def close(self) -> None:
        """Stop what runs."""
        self._session.close()
        self._world.forget()

    def _observe(self, at_s: float, event: on.Public) -> None:
        match event:
            case on.TurnCommitted(turn=turn) if turn.heard:
                self._said.append(turn.heard)
            case on.FloorChanged(after=State.LISTENING):
                is_working = self._hands is not None and self._hands.is_working
                if self._answer and not self._answer.done() and not is_working:
                    self._answer.set_result(join_clauses(self._said))
