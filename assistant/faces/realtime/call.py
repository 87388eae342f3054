"""One client's WebRTC call: its session from the opening of the data channel until one side leaves."""

from __future__ import annotations

import asyncio
import logging

from huiyin.assistant.faces.connections.lifetime import Lifetime
from huiyin.assistant.faces.connections.wire import WireError, new_id
from huiyin.assistant.faces.realtime.peer import Peer
from huiyin.assistant.faces.realtime.playout import FRAME_S, Playout
from huiyin.assistant.faces.realtime.session import RealtimeSession
from huiyin.assistant.ports.port import Pcm16

log = logging.getLogger(__name__)

_CONNECT_S = 20.0  # from the answer to the data channel
_LATE_S = 0.2  # a frame that is later is not caught up with: the machine stood still
_ASKS_S = 1.0  # the network's delay is looked up so often


class Call:
    """`send` and `playout` are for its session, which `run` begins and ends."""

    def __init__(self, *, idle_s: float, lasts_s: float) -> None:
        """As for `Connection`: sound counts as something that the client sends."""
        self.id = new_id("rtc")
        self.peer, self.playout = Peer(), Playout()
        self._lifetime = Lifetime(idle_s=idle_s, lasts_s=lasts_s, expire=self._expire)
        self._session: RealtimeSession | None = None
        self._pacing: asyncio.Task[None] | None = None
        self._over = asyncio.Event()
        self.peer.on_open, self.peer.on_gone = self._begin, self.end
        self.peer.on_message, self.peer.on_sound = self._receive, self._hear

    def send(self, message: str) -> None:
        """Tell the client."""
        self.peer.send(message)

    def end(self) -> None:
        """Hang up."""
        self._over.set()

    def go_away(self) -> None:
        """The server stops."""
        self.end()

    async def run(self, session: RealtimeSession) -> None:
        """Carry the session until one side leaves; then all of it is closed."""
        self._session = session
        waits = asyncio.get_running_loop().call_later(_CONNECT_S, self._give_up)
        try:
            await self._over.wait()
        finally:
            waits.cancel()
            self._lifetime.stop()
            self._session = None
            if self._pacing:
                self._pacing.cancel()
                await asyncio.wait({self._pacing})
            session.close()
            await self.peer.close()

    def _begin(self) -> None:
        """The data channel is open. The client's first event may have come with it."""
        if self._session and not self._over.is_set():
            self._session.start()
            self._lifetime.start()
            self._pacing = asyncio.ensure_future(self._pace())

    def _give_up(self) -> None:
        if self._pacing is None:
            log.info("the client of the call %s did not connect", self.id)
            self.end()

    async def _pace(self) -> None:
        """Give out a frame every 20 ms."""
        loop = asyncio.get_running_loop()
        next_s = asks_s = loop.time()
        try:
            while True:
                now_s = loop.time()
                self.peer.play(self.playout.frame(now_s))
                if now_s >= asks_s:
                    asks_s = now_s + _ASKS_S
                    self.playout.set_delay(await self.peer.delay_s())
                next_s = max(next_s + FRAME_S, now_s - _LATE_S)
                await asyncio.sleep(max(0.0, next_s - loop.time()))
        except Exception:
            log.exception("a call's sound could not be sent")
            self.end()

    def _receive(self, message: str | bytes) -> None:
        if self._session and self._pacing:
            self._lifetime.touch()
            self._session.receive(message)

    def _hear(self, samples: Pcm16) -> None:
        if self._session and self._pacing:
            self._lifetime.touch()
            self._session.hear(samples)

    def _expire(self, why: WireError) -> None:
        if self._session:
            self._session.expire(why)
        self.end()
