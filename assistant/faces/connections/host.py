"""What the servers of all protocols have together: the sessions that are open, what these are made of, and keys."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from aiohttp import WSCloseCode, web

from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation.apologies import Apologies
from huiyin.assistant.conversation.assemble import make_endpoint, make_listener, session_name
from huiyin.assistant.conversation.http_stages import HttpVoice, http_parts
from huiyin.assistant.conversation.session import Ear, Session
from huiyin.assistant.conversation.stages import Parts, Voice
from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.faces.connections.connection import Connection, Talk
from huiyin.assistant.faces.connections.keys import Keys
from huiyin.assistant.faces.connections.wire import Json, WireError
from huiyin.assistant.ports.port import Pcm16
from huiyin.configs.settings import Settings
from huiyin.services.common.routes import check_websocket

DEFAULT_VOICE = "default"
"""The speech service chooses a voice for the language."""
SUBPROTOCOL = "realtime"
"""Beside it a browser may offer its key, as it can set no header."""

_SESSIONS_PER_CORE = 4
_PING_S = 20.0  # a client that does not answer for so long has vanished


@dataclass(frozen=True)
class Limits:
    """Of one session."""

    uncommitted_s: float = 120.0
    """sound that waits to be committed, or to be heard"""
    items: int = 5000
    """in the conversation"""


@dataclass(frozen=True)
class Engines:
    """What a session is made of. `voice_named`: name -> the voice; `make_ear`: threshold of voice activity -> an ear,
    whose sound begins then."""

    parts: Parts
    voice_named: Callable[[str], Voice]
    make_ear: Callable[[float], Ear]
    personas: Mapping[str, Persona]
    apologies: Callable[[Persona], dict[str, Pcm16]] = lambda persona: {}


class Host:
    """All in the thread of the server's event loop."""

    def __init__(
        self, settings: Settings, services: Services, personas: Mapping[str, Persona], *,
        on_session: Callable[[Session], None] | None = None, engines: Engines | None = None,
    ) -> None:  # fmt: skip
        """`personas`: by name, the first is that of clients that name none. `on_session` gets each conversation before
        it begins. `engines`: other than the three services, as for a test.
        """
        self.settings, self.persona = settings, next(iter(personas.values()))
        self.on_session: Callable[[Session], None] = on_session or _ignore
        self.limits = Limits(settings.realtime.uncommitted_s, settings.realtime.items)
        self.keys = Keys()
        self._services, self._personas, self._engines = services, personas, engines
        self._most = settings.realtime.sessions or _SESSIONS_PER_CORE * (os.cpu_count() or 1)
        self._connections: set[Connection] = set()
        self._apologies: dict[str, dict[str, Pcm16]] = {}
        self._begun = self._refused = 0

    def facts(self) -> Json:
        """Sessions open now, at most, since the start, and refused."""
        return {"open": len(self._connections), "limit": self._most, "begun": self._begun, "refused": self._refused}

    async def close(self) -> None:
        """End all sessions."""
        for connection in self._connections:
            connection.end(WSCloseCode.GOING_AWAY)

    async def talk(
        self, request: web.Request, begin: Callable[[Connection], Awaitable[Talk]], refusal: Callable[[WireError], str]
    ) -> web.StreamResponse:
        """One session over a WebSocket: what `begin` makes. `refusal`: what a client is told where there are too many.
        Raises ApiError for what is no handshake.
        """
        check_websocket(request, (SUBPROTOCOL,))
        limits = self.settings.realtime
        socket = web.WebSocketResponse(
            protocols=(SUBPROTOCOL,), max_msg_size=limits.message_mb * 2**20, compress=False, heartbeat=_PING_S
        )
        await socket.prepare(request)
        connection = Connection(socket, idle_s=limits.idle_s, lasts_s=limits.session_s)
        if len(self._connections) >= self._most:
            self._refused += 1
            await connection.turn_away(refusal(WireError("connections.session_limit_reached", most=self._most)))
            return socket
        self._connections.add(connection)
        self._begun += 1
        session: Talk | None = None
        try:
            session = await begin(connection)
            await connection.run(session)
        finally:
            self._connections.discard(connection)
            if session is not None:
                session.close()
        return socket

    async def engines(self) -> Engines:
        """Those of a new session."""
        if self._engines is not None:
            return self._engines
        return await asyncio.get_running_loop().run_in_executor(None, self._make_engines)

    def _make_engines(self) -> Engines:
        """Blocks while weights are loaded, the first time."""
        settings, name = self.settings, session_name()
        by_sound = make_endpoint(settings, _ignore)
        parts = http_parts(self._services, "", session=name, speak=True, by_sound=by_sound)

        def make_ear(threshold: float) -> Ear:
            audio = replace(settings.audio, echo="off", speech_threshold=threshold)  # the client has taken out the echo
            return make_listener(replace(settings, audio=audio), _ignore)

        def voice_named(voice: str) -> HttpVoice:
            return HttpVoice(self._services, "" if voice == DEFAULT_VOICE else voice, name)

        make_ear(settings.audio.speech_threshold)
        return Engines(parts, voice_named, make_ear, self._personas, self._said)

    def _said(self, persona: Persona) -> dict[str, Pcm16]:
        """The apologies' sound, made once a persona."""
        if persona.name not in self._apologies:
            folder = self.settings.store.path.parent / "apologies"
            self._apologies[persona.name] = Apologies(self._services, persona, folder)
        return self._apologies[persona.name]


def _ignore(what: Any) -> None:
    """Such as a warning that `huiyin doctor` gives, too."""
