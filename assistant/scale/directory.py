"""Who is there: replicas say where they are, routers how much each has in hand. No I/O; one for a cluster.

A replica beats every second, and hears how much the routers have for it. A router waits here for changes. A node that
has not been heard of for some seconds is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Program = Literal["asr", "llm", "tts", "web"]
PROGRAMS: tuple[Program, ...] = ("asr", "llm", "tts", "web")

BEAT_S = 1.0
"""Between two beats of a replica."""
LOOK_S = 0.5
"""A router comes back at least so often, with what it has in hand."""
SILENT_S = 10.0
"""Without a beat for so long: gone. A busy machine may be late by seconds."""
_LINES = 1000  # of what the replicas' processes print, until a router has shown them


@dataclass(frozen=True)
class Member:
    """A replica: the process of one of our programs."""

    program: Program
    name: str
    """Ray Serve's own for it; the label of its metrics."""
    url: str
    """Where its process listens."""
    draining: bool = False
    """It ends what it has, and gets nothing new."""


@dataclass(frozen=True)
class Beat:
    """What a replica hears."""

    in_hand: int
    """Requests and open WebSockets that the routers have for it."""
    settled: bool
    """Every router knows its state."""
    stopping: bool
    """All of it ends: nothing is waited for."""


@dataclass(frozen=True)
class View:
    """What a router sees."""

    version: int
    members: tuple[Member, ...] | None
    """None: as before."""
    lines: tuple[str, ...]
    """Printed by replicas since it last looked."""


@dataclass
class _Router:
    seen: int
    in_hand: Mapping[str, int]
    heard_s: float


@dataclass
class Directory:
    """Its methods are called from one event loop. `clock`: seconds."""

    clock: Callable[[], float] = time.monotonic
    _members: dict[str, Member] = field(default_factory=dict)
    _heard_s: dict[str, float] = field(default_factory=dict)
    _routers: dict[str, _Router] = field(default_factory=dict)
    _lines: deque[str] = field(default_factory=lambda: deque(maxlen=_LINES))
    _version: int = field(default_factory=time.time_ns)  # after a restart, too, it is above those that routers know
    _swept_s: float = 0.0
    _stopping: bool = False
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def beat(self, member: Member, lines: Sequence[str] = ()) -> Beat:
        """`member` is there; `lines` were printed by its process."""
        if self._members.get(member.name) != member:
            self._members[member.name] = member
            self._change()
        self._heard_s[member.name] = self.clock()
        if lines:
            self._lines.extend(lines)
            self._changed.set()
        self._forget_silent()
        in_hand = sum(router.in_hand.get(member.name, 0) for router in self._routers.values())
        settled = all(router.seen >= self._version for router in self._routers.values())
        return Beat(in_hand, settled, self._stopping)

    def leave(self, name: str, lines: Sequence[str] = ()) -> None:
        """A replica has ended; `lines` were the last of its process."""
        self._lines.extend(lines)
        self._heard_s.pop(name, None)
        if self._members.pop(name, None) or lines:
            self._change()

    def stop(self) -> None:
        """All of it ends."""
        self._stopping = True

    def routers(self) -> list[str]:
        """Those that were here lately."""
        self._forget_silent()
        return list(self._routers)

    async def look(self, router: str, seen: int, in_hand: Mapping[str, int]) -> View:
        """What is new since version `seen` (0: all), waited for a moment. `in_hand`: replica -> what `router` has."""
        self._routers[router] = _Router(seen, in_hand, self.clock())
        self._forget_silent()
        if seen >= self._version and not self._lines:
            self._changed.clear()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._changed.wait(), LOOK_S)
        lines = tuple(self._lines)
        self._lines.clear()
        members = tuple(self._members.values()) if seen != self._version else None
        return View(self._version, members, lines)

    def _forget_silent(self) -> None:
        now_s = self.clock()
        if now_s - self._swept_s < BEAT_S:  # a thousand replicas beat a thousand times a second
            return
        self._swept_s, since_s = now_s, now_s - SILENT_S
        for name in [name for name, heard_s in self._heard_s.items() if heard_s < since_s]:
            self.leave(name)
        for name in [name for name, router in self._routers.items() if router.heard_s < since_s]:
            del self._routers[name]

    def _change(self) -> None:
        self._version += 1
        self._changed.set()
