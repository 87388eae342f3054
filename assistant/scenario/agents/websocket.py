"""A WebSocket to an agent: whatever goes wrong with it is an `AgentError`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import aiohttp

from huiyin.assistant.scenario.agents.line import AgentError

_START_LIMIT_S = 20.0


class AgentSocket:
    """One connection. `connect` comes first; `close` may come at any time."""

    def __init__(self) -> None:
        self._http: aiohttp.ClientSession | None = None
        self._socket: Any = None  # aiohttp's, whose type has a parameter in some of its releases

    async def connect(self, url: str, headers: Mapping[str, str]) -> None:
        """Raises AgentError."""
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=None, connect=_START_LIMIT_S))
        try:
            self._socket = await self._http.ws_connect(url, headers=headers, max_msg_size=0)
        except (aiohttp.ClientError, asyncio.TimeoutError, OSError) as error:
            raise AgentError("agents.no_session", url=url, why=error or "no connection in time") from error

    async def send(self, data: str | bytes) -> None:
        """A text or a binary message. Raises AgentError."""
        try:
            await (self._socket.send_str(data) if isinstance(data, str) else self._socket.send_bytes(data))
        except (aiohttp.ClientError, OSError) as error:
            raise AgentError("agents.closed") from error

    async def receive(self) -> str | bytes:
        """The next message. Raises AgentError where the agent closes the connection."""
        message = await self._socket.receive()
        if message.type not in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY):
            raise AgentError("agents.closed")
        data: str | bytes = message.data
        return data

    async def close(self) -> None:
        """Raises nothing."""
        if self._socket is not None:
            await self._socket.close()
        if self._http is not None:
            await self._http.close()
