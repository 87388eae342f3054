"""A WebSocket to an agent: whatever goes wrong with it is an `AgentError`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp

from huiyin.assistant.scenario.agents.line import AgentError, first_of
from huiyin.configs.messages import Message

_START_LIMIT_S = 20.0


Take = Callable[[str | bytes], None]
"""Gets each message that comes. Raises AgentError."""


class AgentSocket:
    """One connection. `connect` comes first; `put` and `close` may come at any time."""

    def __init__(self) -> None:
        self._url = ""
        self._outbox: asyncio.Queue[str | bytes] = asyncio.Queue()
        self._http: aiohttp.ClientSession | None = None
        self._socket: Any = None  # aiohttp's, whose type has a parameter in some of its releases

    async def connect(self, url: str, key: str = "") -> None:
        """Raises AgentError."""
        self._url = url
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None, connect=_START_LIMIT_S))
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        try:
            self._socket = await self._http.ws_connect(url, headers=headers, max_msg_size=0)
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
            raise AgentError("agents.no_session", url=url, why=error or Message("agents.no_connection")) from error

    def put(self, data: str | bytes) -> None:
        """Have a text or a binary message sent."""
        self._outbox.put_nowait(data)

    async def begin(self, take: Take, is_ready: Callable[[], bool]) -> None:
        """Send what waits, and receive until the agent is ready. Raises AgentError, also where that takes too long."""
        try:
            await asyncio.wait_for(self._begin(take, is_ready), _START_LIMIT_S)
        except asyncio.TimeoutError as error:
            raise AgentError("agents.no_session", url=self._url, why=Message("agents.no_session_in_time")) from error

    async def carry(self, take: Take) -> None:
        """Send and receive until cancelled. Raises AgentError when the agent closes the connection."""
        await first_of(self._receive_until(take, lambda: False), self._send_all())

    async def close(self) -> None:
        """Raises nothing."""
        if self._socket is not None:
            await self._socket.close()
        if self._http is not None:
            await self._http.close()

    async def _begin(self, take: Take, is_ready: Callable[[], bool]) -> None:
        while not self._outbox.empty():
            await self._send_next()
        await self._receive_until(take, is_ready)

    async def _receive_until(self, take: Take, is_over: Callable[[], bool]) -> None:
        while not is_over():
            take(await self._receive())

    async def _send_all(self) -> None:
        while True:
            await self._send_next()

    async def _send_next(self) -> None:
        data = await self._outbox.get()
        try:
            await (self._socket.send_str(data) if isinstance(data, str) else self._socket.send_bytes(data))
        except (aiohttp.ClientError, OSError) as error:
            raise AgentError("agents.closed") from error

    async def _receive(self) -> str | bytes:
        message = await self._socket.receive()
        if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            raise AgentError("agents.closed")
        data: str | bytes = message.data
        return data
