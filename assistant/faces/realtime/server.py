"""The Realtime server: sessions over WebSockets and WebRTC, and short-lived keys for pages."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping

from aiohttp import web
from flask import Flask

from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation.session import Session
from huiyin.assistant.conversation.world import RealWorld
from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.faces.connections import checks
from huiyin.assistant.faces.connections.checks import number, record
from huiyin.assistant.faces.connections.connection import Connection
from huiyin.assistant.faces.connections.engines import Engines
from huiyin.assistant.faces.connections.host import Host
from huiyin.assistant.faces.connections.keys import key_of
from huiyin.assistant.faces.connections.wire import Json, WireError, new_id
from huiyin.assistant.faces.realtime.playout import Playout
from huiyin.assistant.faces.realtime.session import RealtimeSession
from huiyin.assistant.faces.realtime.session_config import SessionConfig
from huiyin.assistant.faces.realtime.webrtc import Calls
from huiyin.assistant.faces.realtime.wire import error_event
from huiyin.configs.settings import Settings
from huiyin.services.common.errors import ApiError
from huiyin.services.common.routes import add_route, on_shutdown
from huiyin.services.common.strict_json import parsed

PATH = "/v1/realtime"
MODEL = "huiyin"  # where the client names none
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
        """As `Host`."""
        self.host = Host(settings, services, personas, on_session=on_session, engines=engines)
        self._settings = settings
        self._calls = Calls(self.host, self._make)

    def mount(self, app: Flask) -> None:
        """Add the routes."""
        add_route(app, "GET", PATH, self.connect)
        add_route(app, "POST", f"{PATH}/client_secrets", self.make_key)
        self._calls.mount(app, f"{PATH}/calls")
        on_shutdown(app, self.close)

    def facts(self) -> Json:
        """As `Host.facts`."""
        return self.host.facts()

    def accepts(self, key: str) -> bool:
        """Whether it is a short-lived key that is good."""
        return self.host.keys.find(key) is not None

    async def close(self) -> None:
        """End all sessions."""
        await self.host.close()
        await self._calls.close()

    # -- routes

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """``WS /v1/realtime?model=NAME``: one session."""
        return await self.host.talk(request, lambda connection: self._open(request, connection), error_event)

    async def make_key(self, request: web.Request) -> web.StreamResponse:
        """``POST /v1/realtime/client_secrets``: a short-lived key, with the session that it is for."""
        try:
            body = parsed(await request.read() or "{}")
            asked = _secret(body, "")
            config = self._config(MODEL, "realtime")
            wanted: Json = asked.get("session") or {}
            config.update(wanted)
        except WireError as error:
            raise ApiError(400, "realtime.refused", code=error.code, error=error) from error
        except ValueError as error:
            raise ApiError(400, "services.bad_json", why=error) from error
        lasts_s: float = (asked.get("expires_after") or {}).get("seconds", self._settings.realtime.key_s)
        key = self.host.keys.make(wanted, lasts_s)
        return web.json_response({"value": key.value, "expires_at": key.expires_at, "session": config.echo()})

    # -- sessions

    async def _open(self, request: web.Request, connection: Connection) -> RealtimeSession:
        session = await self._make(request, {}, connection.send)
        session.start()
        return session

    async def _make(
        self, request: web.Request, wanted: Json, send: Callable[[str], None], playout: Playout | None = None
    ) -> RealtimeSession:
        """A session, not yet begun. `wanted`: what `session.update` would carry. Raises WireError and StoreError."""
        host = self.host
        kind = "transcription" if request.query.get("intent") == "transcription" else "realtime"
        config = self._config(request.query.get("model") or str(wanted.get("model") or MODEL), kind)
        if key := host.keys.find(key_of(request)):
            config.update(key.session)
        if wanted:
            config.update(wanted)
        engines, world = await host.engines(), RealWorld(asyncio.get_running_loop())
        session = RealtimeSession(world, engines, config, self._settings, send, host.limits, playout)
        host.on_session(session.conversation)
        return session

    def _config(self, model: str, kind: str) -> SessionConfig:
        return SessionConfig(
            new_id("sess"), kind=kind, model=model, persona=self.host.persona, personas=self.host.personas,
            expires_at=int(time.time() + self._settings.realtime.session_s),
        )  # fmt: skip
