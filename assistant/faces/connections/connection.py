"""One client's WebSocket: what it sends goes to its session, one message at a time, and what the session says goes out.

One task reads and one writes. A client that does not read what it is sent is disconnected, as memory must not fill.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Protocol

from aiohttp import WSCloseCode, WSMsgType, web

from huiyin.assistant.faces.connections.lifetime import Lifetime
from huiyin.assistant.faces.connections.wire import WireError

_MOST_BYTES = 8 * 2**20  # that wait to be sent: minutes of sound
_LINGER_S = 5.0  # for a client to read what is queued, and to close
_TEXT = (WSMsgType.TEXT, WSMsgType.BINARY)


class Talk(Protocol):
    """A session, as its connection sees it."""

    def receive(self, message: str | bytes) -> None:
        """What the client sends. Whatever is wrong with it, the session goes on."""

    def expire(self, why: WireError) -> None:
        """The session ends: tell the client why."""

    def close(self) -> None:
        """The connection has ended."""


class Connection:
    """`send` may be called before `run`; both in the event loop's thread."""

    def __init__(
        self, socket: web.WebSocketResponse, abort: Callable[[], None], *, idle_s: float, lasts_s: float
    ) -> None:
        """`abort` cuts the connection. `idle_s`: a client that sends nothing for so long is left; `lasts_s`: as long as
        it may stay.
        """
        self._socket, self._abort = socket, abort
        self._lifetime = Lifetime(idle_s=idle_s, lasts_s=lasts_s, expire=self._expire)
        self._session: Talk | None = None
        self._waiting: deque[str] = deque()
        self._bytes = 0
        self._news = asyncio.Event()
        self._is_ending = False
        self._ends: WSCloseCode = WSCloseCode.OK
        self._why = b""

    def send(self, message: str) -> None:
        """Queue a message."""
        if self._is_ending:
            return
        self._waiting.append(message)
        self._bytes += len(message)
        self._news.set()
        if self._bytes > _MOST_BYTES:
            self._is_ending = True
            self._waiting.clear()
            self._abort()

    def end(self, code: WSCloseCode = WSCloseCode.OK, why: bytes = b"") -> None:
        """Close it once what is queued has been sent."""
        if not self._is_ending:
            self._is_ending, self._ends, self._why = True, code, why
            self._news.set()
            asyncio.get_running_loop().call_later(_LINGER_S, self._abort)

    def go_away(self) -> None:
        """The server stops."""
        self.end(WSCloseCode.GOING_AWAY)

    async def run(self, session: Talk) -> None:
        """Carry messages until one side leaves."""
        loop = asyncio.get_running_loop()
        writer = loop.create_task(self._write())
        reader = loop.create_task(self._read(session))
        self._session = session
        self._lifetime.start()
        try:
            await asyncio.wait({writer, reader}, return_when=asyncio.FIRST_COMPLETED)
            if reader.done():
                self.end()
                await writer
        finally:
            self._lifetime.stop()
            for task in (writer, reader):
                task.cancel()
            await asyncio.wait({writer, reader})

    async def turn_away(self, message: str, code: WSCloseCode) -> None:
        """Tell the client why it cannot stay, and close."""
        self.send(message)
        self.end(code)
        await self._write()

    async def _read(self, session: Talk) -> None:
        while True:
            message = await self._socket.receive()
            if message.type not in _TEXT:
                return  # the client has left, or broken the protocol
            self._lifetime.touch()
            session.receive(message.data)
            await asyncio.sleep(0)  # `receive` does not wait for what has come already: others have their turn

    async def _write(self) -> None:
        with contextlib.suppress(ConnectionError):  # the client has left
            while self._waiting or not self._is_ending:
                if not self._waiting:
                    self._news.clear()
                    await self._news.wait()
                    continue
                text = self._waiting.popleft()
                self._bytes -= len(text)
                await self._socket.send_str(text)
            await self._socket.close(code=self._ends, message=self._why)

    def _expire(self, why: WireError) -> None:
        assert self._session
        self._session.expire(why)
        self.end()
