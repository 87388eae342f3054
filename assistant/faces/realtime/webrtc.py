"""``POST /v1/realtime/calls``: sessions over WebRTC, for those who have installed `huiyin[webrtc]`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web
from flask import Flask

from huiyin.assistant.faces.connections.checks import an_object
from huiyin.assistant.faces.connections.host import Host
from huiyin.assistant.faces.connections.wire import Json, WireError
from huiyin.assistant.faces.realtime.playout import Playout
from huiyin.assistant.faces.realtime.session import RealtimeSession
from huiyin.configs.store.errors import StoreError
from huiyin.services.common.errors import ApiError
from huiyin.services.common.routes import add_route
from huiyin.services.common.strict_json import parsed

if TYPE_CHECKING:
    from huiyin.assistant.faces.realtime.call import Call

_SDP = "application/sdp"


Make = Callable[[web.Request, Json, Callable[[str], None], Playout], Awaitable[RealtimeSession]]


class Calls:
    """The calls that are open, and their routes."""

    def __init__(self, host: Host, make: Make) -> None:
        """`make`: a session, not yet begun, of a request, what its client wants, what tells it, and its playout."""
        self._host, self._make = host, make
        self._calls: dict[str, Call] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def mount(self, app: Flask, path: str) -> None:
        """Add the routes below `path`."""
        self._path = path
        add_route(app, "POST", path, self.create)
        add_route(app, "POST", f"{path}/{{call_id}}/hangup", self.hang_up)

    async def close(self) -> None:
        """Hang up all of them."""
        for call in list(self._calls.values()):
            call.end()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def create(self, request: web.Request) -> web.StreamResponse:
        """An SDP offer is answered, and its call begun."""
        try:
            from huiyin.assistant.faces.realtime.call import Call
        except ImportError as error:
            raise ApiError(501, "realtime.no_webrtc", error=error) from error
        offer, wanted = await _body(request)
        limits = self._host.settings.realtime
        call = Call(idle_s=limits.idle_s, lasts_s=limits.session_s)
        try:
            self._host.enter(call)
        except WireError as error:
            await call.peer.close()
            raise ApiError(503, "realtime.refused", code=error.code, error=error) from error
        try:
            answer = await call.peer.answer(offer, _address(request))
            session = await self._make(request, wanted, call.send, call.playout)
        except BaseException as error:
            self._host.leave(call)
            await call.peer.close()
            if isinstance(error, WireError):
                raise ApiError(400, "realtime.refused", code=error.code, error=error) from error
            if isinstance(error, StoreError):
                raise ApiError(503, "connections.no_model", error=error) from error
            raise
        self._calls[call.id] = call
        task = asyncio.ensure_future(call.run(session))
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._forget(call, task))
        location = {"Location": f"{self._path}/{call.id}"}
        return web.Response(status=201, text=answer, content_type=_SDP, headers=location)

    async def hang_up(self, request: web.Request) -> web.StreamResponse:
        """A call is ended."""
        call_id = request.match_info["call_id"]
        call = self._calls.pop(call_id, None)  # which takes a while to end
        if call is None:
            raise ApiError(404, "realtime.unknown_call_id", id=call_id)
        call.end()
        return web.Response()

    def _forget(self, call: Call, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._calls.pop(call.id, None)
        self._host.leave(call)


async def _body(request: web.Request) -> tuple[str, Json]:
    """The offer, and the settings that the session begins with; {} where the client names none. Raises ApiError."""
    if request.content_type == _SDP:
        return (await request.read()).decode(errors="replace"), {}
    if request.content_type != "multipart/form-data":
        raise ApiError(415, "realtime.no_offer")
    try:
        parts = await request.post()
    except ValueError as error:
        raise ApiError(400, "realtime.no_offer") from error
    offer, session = _text(parts.get("sdp")), _text(parts.get("session"))
    if not offer:
        raise ApiError(400, "realtime.no_offer")
    try:
        return offer, an_object(parsed(session or "{}"), "session")
    except ValueError as error:
        raise ApiError(400, "services.bad_json", why=error) from error
    except WireError as error:
        raise ApiError(400, "realtime.refused", code=error.code, error=error) from error


def _text(part: Any) -> str:
    """A part of a form: it may look like a file."""
    if isinstance(part, web.FileField):
        part = part.file.read()
    return part.decode(errors="replace") if isinstance(part, (bytes, bytearray)) else str(part or "")


def _address(request: web.Request) -> str:
    """Ours, at which the client has reached us: on this machine alone it is its loopback."""
    address: Any = request.get_extra_info("sockname")
    return str(address[0])
