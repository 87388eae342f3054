"""The Realtime server: sessions over WebSockets, and short-lived keys for pages."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from aiohttp import WSCloseCode, web
from flask import Flask

from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation.apologies import Apologies
from huiyin.assistant.conversation.assemble import make_endpoint, make_listener, session_name
from huiyin.assistant.conversation.http_stages import HttpModel, HttpRecogniser, HttpVoice, http_parts
from huiyin.assistant.conversation.session import Ear, Session
from huiyin.assistant.conversation.stages import Recogniser, Voice
from huiyin.assistant.conversation.world import RealWorld
from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.faces.realtime import checks
from huiyin.assistant.faces.realtime.checks import number, record
from huiyin.assistant.faces.realtime.connection import Connection
from huiyin.assistant.faces.realtime.keys import Keys, key_of
from huiyin.assistant.faces.realtime.requests import parsed
from huiyin.assistant.faces.realtime.session import Engines, Limits, RealtimeSession
from huiyin.assistant.faces.realtime.session_config import DEFAULT_VOICE, SessionConfig
from huiyin.assistant.faces.realtime.wire import Json, WireError
from huiyin.assistant.ports.port import Pcm16
from huiyin.configs.settings import Settings
from huiyin.configs.store.errors import StoreError
from huiyin.services.common.errors import ApiError
from huiyin.services.common.routes import add_route, check_websocket, on_shutdown

PATH = "/v1/realtime"
MODEL = "huiyin"  # where the client names none
SUBPROTOCOL = "realtime"
_SESSIONS_PER_CORE = 4
_PING_S = 20.0  # a client that does not answer for so long has vanished
_KEY_S = (10.0, 7200.0)  # how long a key may be good

_secret = record(
    {
        "expires_after": checks.nullable(record({"seconds": number(*_KEY_S)})),
        "session": checks.nullable(checks.an_object),
    }
)


class RealtimeServer:
    """`mount` it in a Flask app. All else in the thread of the server's event loop."""

    def __init__(
        self, settings: Settings, services: Services, personas: Mapping[str, Persona], *,
        on_session: Callable[[Session], None] | None = None, engines: Engines | None = None,
    ) -> None:  # fmt: skip
        """`personas`: by name, the first is that of clients that name none. `on_session` gets each conversation before
        it begins. `engines`: other than the three services, as for a test.
        """
        self._settings, self._services, self._personas = settings, services, personas
        self._on_session, self._engines = on_session, engines
        self._most = settings.realtime.sessions or _SESSIONS_PER_CORE * (os.cpu_count() or 1)
        self._keys = Keys()
        self._connections: set[Connection] = set()
        self._apologies: dict[str, dict[str, Pcm16]] = {}
        self._begun = self._refused = 0

    def mount(self, app: Flask) -> None:
        """Add the routes."""
        add_route(app, "GET", PATH, self.connect)
        add_route(app, "POST", f"{PATH}/client_secrets", self.make_key)
        on_shutdown(app, self.close)

    def facts(self) -> Json:
        """Sessions open now, at most, since the start, and refused."""
        return {"open": len(self._connections), "limit": self._most, "begun": self._begun, "refused": self._refused}

    def accepts(self, key: str) -> bool:
        """Whether it is a short-lived key that is good."""
        return self._keys.find(key) is not None

    async def close(self) -> None:
        """End all sessions."""
        for connection in self._connections:
            connection.end(WSCloseCode.GOING_AWAY)

    # -- routes

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """``WS /v1/realtime?model=NAME``: one session."""
        check_websocket(request, (SUBPROTOCOL,))
        limits = self._settings.realtime
        socket = web.WebSocketResponse(
            protocols=(SUBPROTOCOL,), max_msg_size=limits.message_mb * 2**20, compress=False, heartbeat=_PING_S
        )
        await socket.prepare(request)
        connection = Connection(socket, partial(_abort, request), idle_s=limits.idle_s, lasts_s=limits.session_s)
        if len(self._connections) >= self._most:
            self._refused += 1
            full = WireError("realtime.session_limit_reached", most=self._most)
            await connection.turn_away(full.event(), WSCloseCode.TRY_AGAIN_LATER)
            return socket
        self._connections.add(connection)
        self._begun += 1
        session: RealtimeSession | None = None
        world = RealWorld(asyncio.get_running_loop())
        try:
            try:
                session = await self._open(request, connection, world)
            except StoreError as error:
                failed = WireError("realtime.no_model", error=error)
                await connection.turn_away(failed.event(), WSCloseCode.INTERNAL_ERROR)
            else:
                await connection.run(session)
        finally:
            self._connections.discard(connection)
            if session is not None:
                session.close()
            world.forget()
        return socket

    async def make_key(self, request: web.Request) -> web.StreamResponse:
        """``POST /v1/realtime/client_secrets``: a short-lived key, with the session that it is for."""
        try:
            body = parsed((await request.read()).decode() or "{}")
            asked = _secret(body, "")
            config = self._config(MODEL, "realtime")
            wanted: Json = asked.get("session") or {}
            config.update(wanted)
        except WireError as error:
            raise ApiError(400, "realtime.refused", code=error.code, error=error) from error
        except ValueError as error:
            raise ApiError(400, "services.bad_json") from error
        lasts_s: float = (asked.get("expires_after") or {}).get("seconds", self._settings.realtime.key_s)
        key = self._keys.make(wanted, lasts_s)
        return web.json_response({"value": key.value, "expires_at": key.expires_at, "session": config.echo()})

    # -- sessions

    async def _open(self, request: web.Request, connection: Connection, world: RealWorld) -> RealtimeSession:
        engines = self._engines
        if engines is None:
            engines = await asyncio.get_running_loop().run_in_executor(None, self._make_engines)
        kind = "transcription" if request.query.get("intent") == "transcription" else "realtime"
        config = self._config(request.query.get("model") or MODEL, kind)
        if key := self._keys.find(key_of(request)):
            config.update(key.session)
        persona = next(iter(self._personas.values()))
        limits = Limits(self._settings.realtime.uncommitted_s, self._settings.realtime.items)
        session = RealtimeSession(world, engines, config, persona, self._settings, connection.send, limits)
        if self._on_session:
            self._on_session(session.conversation)
        session.start()
        return session

    def _config(self, model: str, kind: str) -> SessionConfig:
        persona = next(iter(self._personas.values()))
        return SessionConfig(
            f"sess_{secrets.token_hex(10)}", kind=kind, model=model, instructions=persona.system,
            voice=persona.voice or DEFAULT_VOICE, expires_at=int(time.time() + self._settings.realtime.session_s),
        )  # fmt: skip

    def _make_engines(self) -> Engines:
        """What a session is made of. Blocks while weights are loaded, the first time."""
        settings, name = self._settings, session_name()
        by_sound = make_endpoint(settings, _ignore)
        parts = http_parts(self._services, "", session=name, speak=True, by_sound=by_sound)

        def make_ear(threshold: float) -> Ear:
            audio = replace(settings.audio, echo="off", speech_threshold=threshold)  # the client has taken out the echo
            return make_listener(replace(settings, audio=audio), _ignore)

        def voice_for(config: SessionConfig) -> Voice:
            voice = "" if config.voice == DEFAULT_VOICE else config.voice
            return HttpVoice(self._services, voice, name, config.speed)

        def recogniser_for(config: SessionConfig) -> Recogniser:
            known = config.language in settings.asr.languages  # others would be refused
            return HttpRecogniser(self._services, config.language if known else "")

        make_ear(settings.audio.speech_threshold)
        return Engines(
            parts, voice_for, make_ear, self._personas, self._said,
            model_for=lambda config: HttpModel(self._services, name, config.max_tokens), recogniser_for=recogniser_for,
        )  # fmt: skip

    def _said(self, persona: Persona) -> dict[str, Pcm16]:
        """The apologies' sound, made once a persona."""
        if persona.name not in self._apologies:
            folder = self._settings.store.path.parent / "apologies"
            self._apologies[persona.name] = Apologies(self._services, persona, folder)
        return self._apologies[persona.name]


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _ignore(text: Any) -> None:
    """A warning that `huiyin doctor` gives, too."""
