"""A stand-in for Microsoft's server that the real edge-tts client talks to."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from aiohttp import WSMsgType, web

from huiyin.services.tts.encode import encode
from huiyin.services.tts.sound import RATE
from tests.support.limits import PATIENCE_S

WORD_S = 0.3
_TICKS = 10_000_000  # a second
_FROZEN_S = 2.0  # eight times as long as the tests wait
_PIECE = 1440  # bytes of mp3 a message


@dataclass
class FakeEdge:
    """What the server does: `words` are spoken as tones of WORD_S; after `break_after` of them it hangs up."""

    words: list[str]
    level: float = 0.3
    """Peak of the tones."""
    break_after: int | None = None
    silent: bool = False
    """Accept, and never say anything."""
    frozen: bool = False
    """As silent, and the connection's end is not answered either."""
    status: int = 101
    """Of the answer to the connection: 403 refuses it."""
    ssml: list[str] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self.status != 101:
            return web.Response(status=self.status)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            if message.type == WSMsgType.TEXT and "Path:ssml" in message.data:
                self.ssml.append(message.data)
                if self.frozen:
                    await asyncio.sleep(_FROZEN_S)
                if self.silent:
                    continue
                await self._speak(socket)
                break
        return socket

    async def _speak(self, socket: web.WebSocketResponse) -> None:
        await socket.send_str("Path:turn.start\r\n\r\n{}")
        spoken = self.words if self.break_after is None else self.words[: self.break_after]
        tone = self.level * np.sin(2 * np.pi * 220 * np.arange(round(WORD_S * len(spoken) * RATE)) / RATE)
        sound = b"".join(encode(iter([tone.astype(np.float32)]), "mp3", RATE))
        for i, word in enumerate(spoken):
            place = {"Offset": int(i * WORD_S * _TICKS), "Duration": int(WORD_S * _TICKS), "text": {"Text": word}}
            metadata = {"Metadata": [{"Type": "WordBoundary", "Data": place}]}
            await socket.send_str("Path:audio.metadata\r\n\r\n" + json.dumps(metadata))
        header = b"X-RequestId:0\r\nPath:audio\r\nContent-Type:audio/mpeg\r\n"
        for at in range(0, len(sound), _PIECE):
            await socket.send_bytes(len(header).to_bytes(2, "big") + header + sound[at : at + _PIECE])
        if self.break_after is None:
            await socket.send_str("Path:turn.end\r\n\r\n{}")
        await socket.close()


@contextmanager
def running(fake: FakeEdge) -> Iterator[str]:
    """Serve; gives the address to put into `edge_tts.communicate.WSS_URL`."""
    loop = asyncio.new_event_loop()
    started = threading.Event()
    port = 0
    runner: web.AppRunner

    async def serve() -> None:
        nonlocal port, runner
        app = web.Application()
        app.router.add_get("/", fake.handle)
        runner = web.AppRunner(app, shutdown_timeout=0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        started.set()

    def run() -> None:
        loop.run_until_complete(serve())
        loop.run_forever()
        loop.run_until_complete(runner.cleanup())
        loop.close()

    thread = threading.Thread(target=run, name="fake-edge", daemon=True)
    thread.start()
    assert started.wait(PATIENCE_S)
    try:
        yield f"ws://127.0.0.1:{port}/?"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(PATIENCE_S)
