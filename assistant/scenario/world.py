"""Time, virtual or real: a heap of things to come, done one after the other by one thread."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable

_LONGEST_WAIT_S = 0.1  # the real clock is looked at so often where nothing is to come


class World:
    """Virtual time: the clock jumps to the next thing; nothing sleeps.

    Things due at the same time happen in the order in which they were asked for.
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    @property
    def now(self) -> float:
        """Seconds since the start."""
        return self._now

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
        self._now, _, do = heapq.heappop(self._due)
        do()
        return True


class RealWorld(World):
    """Real time: `step` waits until the next thing is due. `at` and `after` may be called from any thread."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock`: seconds since the start, never going back."""
        super().__init__()
        self._clock = clock
        self._changed = threading.Condition()

    @property
    def now(self) -> float:
        """Seconds since the start."""
        return self._clock()

    def at(self, at_s: float, do: Callable[[], None]) -> None:
        """Do something then, or soon where that is past."""
        with self._changed:
            super().at(at_s, do)
            self._changed.notify()

    def step(self) -> bool:
        """Wait for the next thing and let it happen; True: in real time something may always come."""
        with self._changed:
            wait_s = min(self._due[0][0] - self.now, _LONGEST_WAIT_S) if self._due else _LONGEST_WAIT_S
            if wait_s > 0:
                self._changed.wait(wait_s)
                return True
            _, _, do = heapq.heappop(self._due)
        do()
        return True
