"""How long a client may stay: as long as a session lasts, and not while it says nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from huiyin.assistant.faces.connections.wire import WireError


class Lifetime:
    """Of one session, from `start` to `stop`. All calls in the event loop's thread."""

    def __init__(self, *, idle_s: float, lasts_s: float, expire: Callable[[WireError], None]) -> None:
        """`expire` is called once with the reason: `lasts_s` have passed, or `idle_s` without a `touch`."""
        self._idle_s, self._lasts_s, self._expire = idle_s, lasts_s, expire
        self._touched_s = 0.0
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def start(self) -> None:
        """The client is there."""
        self.touch()
        loop = asyncio.get_running_loop()
        self._timers["lasts"] = loop.call_later(self._lasts_s, self._end, WireError("connections.session_expired"))
        self._watch()

    def touch(self) -> None:
        """The client has sent something."""
        self._touched_s = asyncio.get_running_loop().time()

    def stop(self) -> None:
        """The client has left."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        left_s = self._touched_s + self._idle_s - loop.time()
        if left_s <= 0:
            self._end(WireError("connections.session_idle"))
        else:
            self._timers["idle"] = loop.call_later(left_s, self._watch)

    def _end(self, why: WireError) -> None:
        self.stop()
        self._expire(why)
