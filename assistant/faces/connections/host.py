"""What the servers of all protocols have together: the sessions that are open, what these are made of, and keys."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Protocol

from aiohttp import WSCloseCode, web

from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation.assemble import make_endpoint, session_name
from huiyin.assistant.conversation.http_stages import HttpModel, HttpRecogniser, HttpVoice, http_parts
from huiyin.assistant.conversation.prepared_speech import PreparedSpeech
from huiyin.assistant.conversation.presence import mark_live
from huiyin.assistant.conversation.session import Session
from huiyin.assistant.conversation.stages import Recogniser, Voice
from huiyin.assistant.conversation.telemetry import turn_tracer
from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.faces.connections.connection import Connection, Talk
from huiyin.assistant.faces.connections.engines import DEFAULT_VOICE, Engines, Limits, Wishes, ears
from huiyin.assistant.faces.connections.keys import Keys
from huiyin.assistant.faces.connections.wire import Json, ServerEvent, WireError
from huiyin.assistant.ports.port import Pcm16
from huiyin.configs.settings import Settings
from huiyin.configs.store.errors import StoreError
from huiyin.services.common.heap import trim_heap
from huiyin.services.common.routes import open_websocket

SUBPROTOCOL = "realtime"
"""Beside it a browser may offer its key, as it can set no header."""

_SESSIONS_PER_CORE = 4
_TIDY_S = 30.0  # longer than pings, whose timers keep a connection that is gone
_REFUSED = "event_refused"  # id of the only event of a session that does not begin
_PING_S = 20.0  # a client that does not answer for so long has vanished


class Client(Protocol):
    """A connection that holds a session."""

    def go_away(self) -> None:
        """The server stops: end it."""


class Host:
    """All in the thread of the server's event loop."""

    def __init__(
        self, settings: Settings, services: Services, personas: Mapping[str, Persona], *,
        on_session: Callable[[Session], None] | None = None, engines: Engines | None = None,
    ) -> None:  # fmt: skip
        """`personas`: by name, the first is that of clients that name none. `on_session` gets each conversation before
        it begins. `engines`: other than the three services, as for a test. Raises SettingsError for traces without
        OpenTelemetry.
        """
        self.settings, self.personas = settings, personas
        self.persona = next(iter(personas.values()))
        watchers: list[Callable[[Session], object]] = [
            turn_tracer(settings.talk),
            partial(mark_live, settings=settings),
        ]
        self._watchers = [*watchers, *([on_session] if on_session else ())]
        self.limits = Limits(settings.realtime.uncommitted_s, settings.realtime.items)
        self.keys = Keys()
        self._services, self._engines = services, engines
        self._most = settings.realtime.sessions or _SESSIONS_PER_CORE * (os.cpu_count() or 1)
        self._clients: set[Client] = set()
        self._prepared: dict[str, dict[str, Pcm16]] = {}
        self._begun = self._refused = 0
        self._tidying: asyncio.TimerHandle | None = None

    def on_session(self, session: Session) -> None:
        """To be called with each conversation before it begins."""
        for watch in self._watchers:
            watch(session)

    def facts(self) -> Json:
        """Sessions open now, at most, since the start, and refused."""
        return {"open": len(self._clients), "limit": self._most, "begun": self._begun, "refused": self._refused}

    async def close(self) -> None:
        """End all sessions."""
        for client in list(self._clients):
            client.go_away()

    def enter(self, client: Client) -> None:
        """A session more, until `leave`. Raises WireError where that is too many."""
        if len(self._clients) >= self._most:
            self._refused += 1
            raise WireError("connections.session_limit_reached", most=self._most)
        self._clients.add(client)
        self._begun += 1

    def leave(self, client: Client) -> None:
        """It is over."""
        self._clients.discard(client)
        self._tidy_later()

    async def talk(
        self, request: web.Request, begin: Callable[[Connection], Awaitable[Talk]],
        error_event: Callable[[WireError], ServerEvent],
    ) -> web.StreamResponse:  # fmt: skip
        """One session over a WebSocket: what `begin` makes. `error_event`: what is sent to a client where there are too
        many, or a model is missing. Raises ApiError for what is no handshake.
        """
        limits = self.settings.realtime
        socket = await open_websocket(
            request, max_message_bytes=limits.message_mb * 2**20, protocols=(SUBPROTOCOL,), ping_s=_PING_S
        )
        connection = Connection(socket, partial(_abort, request), idle_s=limits.idle_s, lasts_s=limits.session_s)
        try:
            self.enter(connection)
        except WireError as full:
            await connection.turn_away(error_event(full).message(_REFUSED), WSCloseCode.TRY_AGAIN_LATER)
            return socket
        session: Talk | None = None
        try:
            try:
                session = await begin(connection)
            except StoreError as error:
                failed = WireError("connections.no_model", error=error)
                await connection.turn_away(error_event(failed).message(_REFUSED), WSCloseCode.INTERNAL_ERROR)
            else:
                await connection.run(session)
        finally:
            self.leave(connection)
            if session is not None:
                session.close()
        return socket

    def _tidy_later(self) -> None:
        """When the last client has been gone for a while, what it left behind goes back to the system."""
        if self._clients:
            return
        if self._tidying is not None:
            self._tidying.cancel()
        self._tidying = asyncio.get_running_loop().call_later(_TIDY_S, self._tidy)

    def _tidy(self) -> None:
        if not self._clients:
            gc.collect()  # sessions are circles of objects
            trim_heap()

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

        def voice_for(wishes: Wishes) -> Voice:
            voice = "" if wishes.voice == DEFAULT_VOICE else wishes.voice
            return HttpVoice(self._services, voice, name, wishes.speed)

        def recogniser_for(wishes: Wishes) -> Recogniser:
            known = wishes.language in settings.asr.languages  # others would be refused
            return HttpRecogniser(self._services, wishes.language if known else "", name)

        make_ear = ears(settings)
        make_ear(settings.audio.speech_threshold)
        return Engines(
            parts, voice_for, make_ear, self._prepare,
            model_for=lambda wishes: HttpModel(self._services, name, wishes.max_tokens), recogniser_for=recogniser_for,
        )  # fmt: skip

    def _prepare(self, persona: Persona) -> dict[str, Pcm16]:
        """The sound of openers and apologies, made once a persona."""
        if persona.name not in self._prepared:
            self._prepared[persona.name] = PreparedSpeech(self._services, persona)
        return self._prepared[persona.name]


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _ignore(what: Any) -> None:
    """Such as a warning that `huiyin doctor` gives, too."""
