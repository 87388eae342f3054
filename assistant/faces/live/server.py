"""The Live server: sessions over WebSockets, beside those of the Realtime protocol."""

from __future__ import annotations

import asyncio

from aiohttp import web
from flask import Flask

from huiyin.assistant.conversation.world import RealWorld
from huiyin.assistant.faces.connections.connection import Connection
from huiyin.assistant.faces.connections.host import Host
from huiyin.assistant.faces.live.session import LiveSession
from huiyin.assistant.faces.live.wire import error_event
from huiyin.services.common.errors import ApiError
from huiyin.services.common.routes import add_route

PATH = "/v1/live/sessions"


class LiveServer:
    """`mount` it in a Flask app. All else in the thread of the server's event loop."""

    def __init__(self, host: Host) -> None:
        """`host`: that of the Realtime server, with which it shares how many sessions may be open. It closes it."""
        self._host = host

    def mount(self, app: Flask) -> None:
        """Add the routes."""
        add_route(app, "GET", PATH, self.connect)
        add_route(app, "POST", PATH, self.refuse_webrtc)
        for method in ("GET", "POST"):  # forks, sidebands, recordings, calls
            add_route(app, method, PATH + "/{session_id}/{what}", self.refuse_others)

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """``WS /v1/live/sessions``: one session."""
        return await self._host.talk(request, self._open, error_event)

    async def refuse_webrtc(self, request: web.Request) -> web.StreamResponse:
        """``POST /v1/live/sessions``: a session over WebRTC."""
        raise ApiError(501, "live.only_websocket")

    async def refuse_others(self, request: web.Request) -> web.StreamResponse:
        """What needs sessions that are stored, or have several connections."""
        raise ApiError(501, "live.not_stored")

    async def _open(self, connection: Connection) -> LiveSession:
        host, loop = self._host, asyncio.get_running_loop()
        engines = await host.engines()
        return LiveSession(
            lambda: RealWorld(loop), engines, host.persona, host.settings, host.limits, connection.send, connection.end,
            on_session=host.on_session,
        )  # fmt: skip
