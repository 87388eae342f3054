"""One client's WebSocket among others on the event loop."""

from __future__ import annotations

import asyncio

import aiohttp

from huiyin.assistant.faces.connections.connection import Connection
from tests.support.limits import PATIENCE_S


def test_a_client_that_sends_without_pause_leaves_others_their_turn() -> None:
    messages = 50

    class Flood:
        left = messages

        async def receive(self) -> aiohttp.WSMessage:
            self.left -= 1
            return aiohttp.WSMessage(aiohttp.WSMsgType.CLOSE if self.left < 0 else aiohttp.WSMsgType.TEXT, "", None)

        async def close(self, **reason: object) -> None: ...

    class Session:
        received = 0

        def receive(self, message: str) -> None:
            self.received += 1

    async def talk() -> None:
        session, other = Session(), 0
        client = Connection(Flood(), lambda: None, idle_s=PATIENCE_S, lasts_s=PATIENCE_S)  # type: ignore[arg-type]
        running = asyncio.ensure_future(client.run(session))  # type: ignore[arg-type]
        while not running.done():
            await asyncio.sleep(0)
            other += 1
        assert session.received == messages and other >= messages

    asyncio.run(talk())
