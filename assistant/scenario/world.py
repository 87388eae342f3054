"""Virtual time: a heap of things to come. The clock jumps to the next of them; nothing sleeps."""

from __future__ import annotations

import heapq
from collections.abc import Callable


class World:
    """`now` in seconds. Things due at the same time happen in the order in which they were asked for."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def at(self, at_s: float, do: Callable[[], None]) -> None:
        """Do something then, or now where that is past."""
        self._count += 1
        heapq.heappush(self._due, (max(at_s, self.now), self._count, do))

    def after(self, delay_s: float, do: Callable[[], None]) -> None:
        """Do something so many seconds from now."""
        self.at(self.now + delay_s, do)

    def step(self) -> bool:
        """Let the next thing happen; whether there was one."""
        if not self._due:
            return False
        self.now, _, do = heapq.heappop(self._due)
        do()
        return True
