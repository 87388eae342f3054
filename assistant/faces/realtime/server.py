"""The Realtime server: sessions over WebSockets and WebRTC, and short-lived keys for pages."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial

from aiohttp import WSCloseCode, web
from flask import Flask

from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation.session import Session
from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.faces.realtime import checks
from huiyin.assistant.faces.realtime.checks import number, record
from huiyin.assistant.faces.realtime.connection import Connection
from huiyin.assistant.faces.realtime.keys import Keys, key_of
from huiyin.assistant.faces.realtime.session import Engines, RealtimeSession
from huiyin.assistant.faces.realtime.sessions import MODEL, Sessions
from huiyin.assistant.faces.realtime.webrtc import Calls
from huiyin.assistant.faces.realtime.wire import Json, WireError
from huiyin.configs.settings import Settings
from huiyin.configs.store.errors import StoreError
from huiyin.services.common.errors import ApiError
from huiyin.services.common.routes import add_route, check_websocket, on_shutdown

PATH = "/v1/realtime"
SUBPROTOCOL = "realtime"
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
        self._limits = settings.realtime
        self._sessions = Sessions(settings, services, personas, on_session=on_session, engines=engines)
        self._keys = Keys()
        self._calls = Calls(self._sessions, self._keys, self._limits)

    def mount(self, app: Flask) -> None:
        """Add the routes."""
        add_route(app, "GET", PATH, self.connect)
        add_route(app, "POST", f"{PATH}/client_secrets", self.make_key)
        self._calls.mount(app, f"{PATH}/calls")
        on_shutdown(app, self.close)

    def facts(self) -> Json:
        """Sessions open now, at most, since the start, and refused."""
        return self._sessions.facts()

    def accepts(self, key: str) -> bool:
        """Whether it is a short-lived key that is good."""
        return self._keys.find(key) is not None

    async def close(self) -> None:
        """End all sessions."""
        self._sessions.go_away()
        await self._calls.close()

    # -- routes

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """``WS /v1/realtime?model=NAME``: one session."""
        check_websocket(request, (SUBPROTOCOL,))
        limits = self._limits
        socket = web.WebSocketResponse(
            protocols=(SUBPROTOCOL,), max_msg_size=limits.message_mb * 2**20, compress=False, heartbeat=_PING_S
        )
        await socket.prepare(request)
        connection = Connection(socket, partial(_abort, request), idle_s=limits.idle_s, lasts_s=limits.session_s)
        try:
            self._sessions.enter(connection)
        except WireError as error:
            await connection.turn_away(error.event(), WSCloseCode.TRY_AGAIN_LATER)
            return socket
        session: RealtimeSession | None = None
        try:
            kind = "transcription" if request.query.get("intent") == "transcription" else "realtime"
            config = self._sessions.config(request.query.get("model") or MODEL, kind)
            if key := self._keys.find(key_of(request)):
                config.update(key.session)
            session = await self._sessions.make(config, connection.send)
            session.start()
            await connection.run(session)
        except StoreError as error:
            failed = WireError("realtime.no_model", error=error)
            await connection.turn_away(failed.event(), WSCloseCode.INTERNAL_ERROR)
        finally:
            self._sessions.leave(connection)
            if session is not None:
                session.close()
        return socket

    async def make_key(self, request: web.Request) -> web.StreamResponse:
        """``POST /v1/realtime/client_secrets``: a short-lived key, with the session that it is for."""
        try:
            body = json.loads(await request.text() or "{}")
            asked = _secret(body, "")
            config = self._sessions.config()
            wanted: Json = asked.get("session") or {}
            config.update(wanted)
        except WireError as error:
            raise ApiError(400, "realtime.refused", code=error.code, error=error) from error
        except ValueError as error:
            raise ApiError(400, "services.bad_json") from error
        lasts_s: float = (asked.get("expires_after") or {}).get("seconds", self._limits.key_s)
        key = self._keys.make(wanted, lasts_s)
        return web.json_response({"value": key.value, "expires_at": key.expires_at, "session": config.echo()})


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
