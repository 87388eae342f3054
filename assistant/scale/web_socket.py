"""A WebSocket of a client passed on to a replica, message by message, until one side closes.

It stays with its replica: a live stream and a conversation are in its memory. Where the replica is to end, a
conversation is closed after the reply that it is in, with the code for "come again" (1012); others end by themselves,
or when the time for that is over.
"""

from __future__ import annotations

import contextlib
from typing import Any

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

from huiyin.assistant.scale.directory import Member
from huiyin.assistant.scale.members import Members, pins_of
from huiyin.services.common.errors import ApiError
from huiyin.services.common.routes import check_websocket, first_of, open_websocket

_MESSAGE_BYTES = 2**27  # the replica has limits of its own
_PING_S = 30.0  # a client whose network is gone says nothing
_RETRY_S = 2.0
_OF_THE_HANDSHAKE = ("Sec-WebSocket-Key", "Sec-WebSocket-Version", "Sec-WebSocket-Extensions")
_PROTOCOLS = "Sec-WebSocket-Protocol"
_TURN_ENDS = ('"response.done"', '"session.usage.updated"')  # Realtime's event, and Live's
_COMES_AGAIN = aiohttp.WSCloseCode.SERVICE_RESTART

Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse[bool]


class _Refused(Exception):
    """The replica's answer to a WebSocket that it does not open."""

    def __init__(self, answer: web.Response) -> None:
        super().__init__(answer.status)
        self.answer = answer


async def pass_socket(
    session: aiohttp.ClientSession, members: Members, request: web.Request, headers: CIMultiDict[str]
) -> web.StreamResponse:
    """Open it at a replica, then for the client, and pass on. Raises ApiError 503, 400."""
    check_websocket(request, _offered(request))
    while member := members.choose(pins_of(request.path, request.headers)):
        with members.passing_to(member):
            try:
                service = await _open(session, member, request, headers)
            except _Refused as refused:
                return refused.answer
            except aiohttp.ClientConnectorError:
                members.lose(member)
                continue
            except (aiohttp.ClientError, OSError) as error:
                raise ApiError(502, "ray.replica_lost", retry_after_s=_RETRY_S) from error
            async with service:
                chosen = (service.protocol,) if service.protocol else ()
                client = await open_websocket(
                    request, max_message_bytes=_MESSAGE_BYTES, protocols=chosen, ping_s=_PING_S
                )
                await _exchange(client, service, members, member)
                return client
    raise ApiError(503, "ray.no_replica", program=members.program, retry_after_s=_RETRY_S)


async def _open(
    session: aiohttp.ClientSession, member: Member, request: web.Request, headers: CIMultiDict[str]
) -> aiohttp.ClientWebSocketResponse[bool]:
    for name in (*_OF_THE_HANDSHAKE, _PROTOCOLS):
        headers.popall(name, None)

    async def check(answer: aiohttp.ClientResponse) -> None:
        if answer.status >= 400:
            kept = {name: answer.headers[name] for name in ("Content-Type", "Retry-After") if name in answer.headers}
            raise _Refused(web.Response(status=answer.status, body=await answer.read(), headers=kept))

    async with aiohttp.ClientSession(
        connector=session.connector, connector_owner=False, timeout=session.timeout, raise_for_status=check
    ) as checking:
        return await checking.ws_connect(
            member.url + request.path_qs, headers=headers, protocols=_offered(request), max_msg_size=0
        )


def _offered(request: web.Request) -> list[str]:
    offered = ",".join(request.headers.getall(_PROTOCOLS, ()))
    return [name for name in map(str.strip, offered.split(",")) if name]


async def _exchange(
    client: web.WebSocketResponse, service: aiohttp.ClientWebSocketResponse[bool], members: Members, member: Member
) -> None:
    """Pass messages both ways until one side closes, then close the other with its code."""
    code: int | None = None

    async def to_client() -> None:
        nonlocal code
        async for message in service:
            await _send(client, message)
            if members.is_draining(member) and _ends_a_turn(message):
                code = _COMES_AGAIN
                return

    async def to_service() -> None:
        async for message in client:
            await _send(service, message)

    try:
        with contextlib.suppress(ConnectionError):  # one side left while it was sent a message
            await first_of(to_service(), to_client())
    finally:
        await service.close()
        code = code or service.close_code or aiohttp.WSCloseCode.OK
        if code == aiohttp.WSCloseCode.ABNORMAL_CLOSURE:  # a word for this side alone, never sent
            code = _COMES_AGAIN
        await client.close(code=code)


def _ends_a_turn(message: Any) -> bool:
    is_text = message.type is aiohttp.WSMsgType.TEXT
    return is_text and any(event in message.data[:_HEAD] for event in _TURN_ENDS)


_HEAD = 200  # characters of an event, in which its type stands


async def _send(target: Socket, message: Any) -> None:
    if message.type is aiohttp.WSMsgType.TEXT:
        await target.send_str(message.data)
    elif message.type is aiohttp.WSMsgType.BINARY:
        await target.send_bytes(message.data)
