"""The services' own addresses at this one: what comes in and what goes out is passed on as it comes.

A request is a coroutine: it takes no thread, nothing of it is collected but the beginning of an answer in JSON, and
where its client leaves the service sees that at once. The services' key is added here; the caller's, its cookies and
where it comes from stay here. Where a service ends with a request in hand its caller still gets a reason, from here.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import aiohttp
from aiohttp import web
from flask import Flask

from huiyin.assistant.clients.decoders import Json
from huiyin.assistant.clients.http import ServiceError, beginning_of, call, in_words, send
from huiyin.assistant.clients.services import Name, Services
from huiyin.services.common import request_id
from huiyin.services.common.errors import ApiError
from huiyin.services.common.no_store import NO_STORE
from huiyin.services.common.routes import Handler, add_route, check_websocket, first_of, open_websocket, while_connected

ROUTES: tuple[tuple[str, str, Name], ...] = (
    ("POST", "/v1/audio/transcriptions", "asr"),
    ("POST", "/v1/audio/translations", "asr"),
    ("POST", "/asr", "asr"),
    ("POST", "/jobs", "asr"),
    ("GET", "/jobs", "asr"),
    ("GET", "/jobs/{job_id}", "asr"),
    ("DELETE", "/jobs/{job_id}", "asr"),
    ("GET", "/jobs/{job_id}/result", "asr"),
    ("GET", "/jobs/{job_id}/recording", "asr"),
    ("POST", "/jobs/{job_id}/retry", "asr"),
    ("POST", "/v1/chat/completions", "llm"),
    ("POST", "/v1/responses", "llm"),
    ("POST", "/v1/audio/speech", "tts"),
    ("POST", "/audio", "tts"),
    ("GET", "/voices", "tts"),
    ("GET", "/v1/audio/voices", "tts"),
    ("GET", "/v1/audio/models", "tts"),
)
_KINDS: tuple[Name, ...] = ("llm", "asr", "tts")  # a client that takes the first model wants to chat
STREAM = "/v1/stream"

# Headers that are passed on; others concern this connection, or the caller.
_IN = (
    "Accept", "Accept-Encoding", "Accept-Language", "Cache-Control", "Content-Type", "Content-Length",
    "Content-Encoding", "If-None-Match", "If-Range", "Range",
)  # fmt: skip
_IN_SOCKET = ("Accept-Language",)
_OUT = (
    "Content-Type", "Content-Length", "Content-Encoding", "Content-Disposition", "Cache-Control", "Retry-After",
    "Accept-Ranges", "Content-Range", "ETag", "Location",
)  # fmt: skip
_OURS = "x-huiyin-"
# What a service sends never acts as a part of the page: others may have written it.
_FOREIGN = {"Content-Security-Policy": "default-src 'none'; sandbox", "X-Content-Type-Options": "nosniff"}

_CONNECT_S = 5.0
_LIST_S = 5.0
_BROKE_OFF = b"the asr service broke off"  # for programs: the reason of a close has no language
_PROTOCOLS = ("realtime",)  # offered beside a key; a browser wants one of those it offers chosen
_EVENTS, _END_OF_EVENT = "text/event-stream", b"\n\n"
_MESSAGE_BYTES = 2**20  # the service's own limit


def add_passing(app: Flask, services: Services) -> None:
    """Add the addresses of the services to `app`."""
    passing = _Passing(services)
    for method, path, name in ROUTES:
        add_route(app, method, path, passing.to(name))
    add_route(app, "GET", "/v1/models", passing.models)
    add_route(app, "GET", "/v1/models/{name:.+}", passing.model)
    add_route(app, "GET", STREAM, passing.stream)


class _Passing:
    def __init__(self, services: Services) -> None:
        self._services = services

    def to(self, name: Name) -> Handler:
        """The handler that passes requests to a service."""

        async def handler(request: web.Request) -> web.StreamResponse:
            return await while_connected(request, self._pass(name, request))

        return handler

    async def _pass(self, name: Name, request: web.Request) -> web.StreamResponse:
        base, body = self._services.url(name), request.content if request.body_exists else None
        sending = send(
            base + request.path_qs,
            body,
            self._headers(request, _IN),
            connect_s=_CONNECT_S,
            read_s=None,
            decompress=False,
            method=request.method,
        )
        try:
            with in_words(name, base, _CONNECT_S):
                async with await sending as answer:
                    return await _pass_back(name, answer, request)
        except ServiceError as error:
            raise _unavailable(name, error) from error

    def _headers(self, request: web.Request, names: Iterable[str]) -> dict[str, str]:
        settings = self._services.settings
        key, private = settings.service.api_key, NO_STORE if settings.talk.private else {}
        named = {request_id.HEADER: request_id.current()}
        return _chosen(request.headers, names) | named | private | ({"Authorization": f"Bearer {key}"} if key else {})

    async def models(self, request: web.Request) -> web.StreamResponse:
        """The models of all services, each with its kind; `unreachable` names the services that did not answer."""
        lists = await asyncio.gather(*map(self._models_of, _KINDS))
        data = [{**model, "kind": name} for name, models in zip(_KINDS, lists, strict=True) for model in models or ()]
        unreachable = [name for name, models in zip(_KINDS, lists, strict=True) if models is None]
        return web.json_response({"object": "list", "data": data, "unreachable": unreachable})

    async def model(self, request: web.Request) -> web.StreamResponse:
        """One model, of whichever service has it."""
        wanted = request.match_info["name"]
        for name in _KINDS:
            for model in await self._models_of(name) or ():
                if model.get("id") == wanted:
                    return web.json_response({**model, "kind": name})
        raise ApiError(404, "web.no_model", model=wanted)

    async def _models_of(self, name: Name) -> list[dict[str, Any]] | None:
        """None where it does not answer."""
        url, headers = self._services.url(name), self._services.headers("application/json")
        document = Json(lambda body: list(body["data"]), ServiceError("clients.not_json", service=name, url=url))
        asking = call(name, url, "/v1/models", lambda _: document, timeout_s=_LIST_S, headers=headers)
        try:
            found = [item async for item in asking]
        except ServiceError:
            return None
        return found[0]

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """``WS /v1/stream``: dictation."""
        check_websocket(request)
        url = self._services.url("asr")
        try:
            async with contextlib.AsyncExitStack() as stack:
                headers = self._headers(request, _IN_SOCKET)
                with in_words("asr", url, _CONNECT_S):
                    limits = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S)
                    session = await stack.enter_async_context(
                        aiohttp.ClientSession(timeout=limits, raise_for_status=_check)
                    )
                    service = await stack.enter_async_context(
                        session.ws_connect(url + request.path_qs, headers=headers, max_msg_size=0)
                    )
                client = await open_websocket(request, max_message_bytes=_MESSAGE_BYTES, protocols=_PROTOCOLS)
                await _exchange(client, service)
                return client
        except _Refused as refused:
            if refused.status == 401:
                raise ApiError(502, "web.other_service_key", service="asr") from refused
            return web.Response(status=refused.status, body=refused.body, headers=refused.headers)
        except ServiceError as error:
            raise _unavailable("asr", error) from error


async def _pass_back(name: Name, answer: aiohttp.ClientResponse, request: web.Request) -> web.StreamResponse:
    if answer.status == 401:
        raise ApiError(502, "web.other_service_key", service=name)
    headers = _chosen(answer.headers, _OUT) | _FOREIGN
    begun = await beginning_of(answer)
    response = web.StreamResponse(status=answer.status, headers=headers)
    await response.prepare(request)
    ending = _END_OF_EVENT
    try:
        if begun:
            await response.write(begun)
        async for piece in answer.content.iter_any():
            await response.write(piece)
            ending = (ending + piece)[-len(_END_OF_EVENT) :]
        await response.write_eof()
    except (aiohttp.ClientError, OSError):
        can_tell = answer.content_type == _EVENTS and ending == _END_OF_EVENT and "Content-Encoding" not in headers
        if not (can_tell and await _told(name, response)) and request.transport:
            request.transport.abort()  # the client must not take this for the end
    return response


async def _told(name: Name, response: web.StreamResponse) -> bool:
    """Whether the client of a stream of events was told by one more that the service broke off."""
    lost = _unavailable(name, ServiceError("clients.broke_off_in_the_middle", service=name)).body()
    try:
        await response.write(f"data: {json.dumps(lost, ensure_ascii=False)}".encode() + _END_OF_EVENT)
        await response.write_eof()
    except ConnectionError:  # it is the client that has left
        return False
    return True


class _Refused(Exception):
    """The service's answer to a WebSocket that it does not open."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        super().__init__(status)
        self.status, self.headers, self.body = status, headers, body


async def _check(answer: aiohttp.ClientResponse) -> None:
    if answer.status >= 400:
        raise _Refused(answer.status, _chosen(answer.headers, ("Content-Type", "Retry-After")), await answer.read())


async def _exchange(client: web.WebSocketResponse, service: aiohttp.ClientWebSocketResponse[bool]) -> None:
    """Pass messages both ways until one side closes, then close the other with its code."""
    try:
        with contextlib.suppress(ConnectionError):  # one side left while it was sent a message
            await first_of(_pass_messages(client, service), _pass_messages(service, client))
    finally:
        await service.close()
        code = service.close_code or aiohttp.WSCloseCode.OK
        is_broken = code == aiohttp.WSCloseCode.ABNORMAL_CLOSURE  # a word for this side alone, never sent
        why = _BROKE_OFF if is_broken else b""
        await client.close(code=aiohttp.WSCloseCode.INTERNAL_ERROR if is_broken else code, message=why)


async def _pass_messages(
    source: web.WebSocketResponse | aiohttp.ClientWebSocketResponse[bool],
    target: web.WebSocketResponse | aiohttp.ClientWebSocketResponse[bool],
) -> None:
    async for message in source:
        if message.type is aiohttp.WSMsgType.TEXT:
            await target.send_str(message.data)
        elif message.type is aiohttp.WSMsgType.BINARY:
            await target.send_bytes(message.data)


def _chosen(headers: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    found = {name: headers[name] for name in names if name in headers}
    return found | {name: value for name, value in headers.items() if name.lower().startswith(_OURS)}


def _unavailable(name: Name, error: ServiceError) -> ApiError:
    """What the caller gets where a service does not answer."""
    if error.key == "clients.not_running":
        return ApiError(503, "web.service_down", service=name, retry_after_s=_CONNECT_S)
    if error.key == "clients.no_answer":
        return ApiError(504, "web.service_silent", service=name, error=error)
    return ApiError(502, "web.service_failed", service=name, error=error, retry_after_s=_CONNECT_S)
