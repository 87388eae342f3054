"""One model, many callers: who has it, who waits, and in which order.

A turn is one call of the engine: a piece of a recording, or a batch of pieces. So a short request waits for a piece of
a long file, never for all of it, and of those that wait the short ones go first.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from huiyin.services.common.errors import ApiError
from huiyin.services.common.watch import ClientLeft

_LONG_EVERY = 4  # of so many turns one is a long file's, if any waits: short requests are not all there is
_POLL_S = 0.1  # how often who waits looks whether its caller is still there
_TURN_S = 0.5  # how long a turn takes; a guess until there were some
_NEW_WEIGHT = 0.2  # of the last turn in the mean


@dataclass
class Caller:
    """Who wants turns for one recording. Pieces of it share one caller, which is `accepted` from its first turn on."""

    short: bool = True
    """A spoken turn rather than a long file."""
    left: Callable[[], bool] = lambda: False
    """Whether nobody waits for the answer any more; asked often."""
    deadline_s: float = 0.0
    """The answer must be there so long after `since`; 0: whenever."""
    since: float = field(default_factory=time.monotonic)
    accepted: bool = False
    """A request that had a turn is not turned away half-way."""
    reached_s: float = 0.0
    """How much of the recording is done."""

    @property
    def remaining_s(self) -> float:
        """Until the deadline."""
        return self.since + self.deadline_s - time.monotonic() if self.deadline_s else math.inf

    def check(self) -> None:
        """Raises ClientLeft, or ApiError 504 `deadline`."""
        if self.left():
            raise ClientLeft
        if self.remaining_s <= 0:
            raise ApiError(504, "asr.deadline", deadline_s=self.deadline_s, reached_s=self.reached_s)


class ModelQueue:
    """Lets `workers` callers at a time use the model. In each of two lanes who came first goes first."""

    def __init__(
        self, wait_s: float, places: int, workers: int = 1, waited: Callable[[float], object] = lambda seconds: None
    ) -> None:
        """A caller waits at most `wait_s` for its first turn; a new one finds at most `places` - 1 others.

        `waited` is told the seconds that each turn was waited for.
        """
        self._wait_s, self._places, self._workers, self._waited = wait_s, places, workers, waited
        self._lock = threading.Lock()
        self._running = 0
        self._lanes: dict[bool, deque[threading.Event]] = {True: deque(), False: deque()}  # short, long
        self._short_turns = 0  # in a row
        self._turn_s = _TURN_S

    @property
    def workers(self) -> int:
        """Turns at once."""
        return self._workers

    @workers.setter
    def workers(self, count: int) -> None:
        with self._lock:
            self._workers = count
            self._grant()

    @property
    def waiting(self) -> int:
        """How many callers wait now."""
        return sum(map(len, self._lanes.values()))

    @property
    def running(self) -> int:
        """How many have the model now."""
        return self._running

    @property
    def in_use(self) -> bool:
        """Whether a turn that is asked for now would have to wait."""
        return self._running >= self._workers

    @contextmanager
    def turn(self, caller: Caller | None = None, *, accepted: bool = False) -> Iterator[None]:
        """A worker of the model is the caller's inside this block.

        Without a `caller` it is a short request that nobody watches. Raises ApiError 429 `busy`, 504 `deadline`;
        ClientLeft.
        """
        caller = caller or Caller(accepted=accepted)
        started = time.monotonic()
        self._wait(caller, started)
        granted = time.monotonic()
        try:
            self._waited(granted - started)
            yield
            self._turn_s += _NEW_WEIGHT * (time.monotonic() - granted - self._turn_s)
        finally:
            with self._lock:
                self._running -= 1
                self._grant()

    def _wait(self, caller: Caller, started: float) -> None:
        caller.check()
        ticket, lane = threading.Event(), self._lanes[caller.short]
        with self._lock:
            if not caller.accepted and self.waiting + self._running >= self._places:
                raise self._busy()
            lane.append(ticket)
            self._grant()
        patience_s = math.inf if caller.accepted else self._wait_s
        try:
            while not ticket.wait(max(0.0, min(_POLL_S, caller.remaining_s, started + patience_s - time.monotonic()))):
                caller.check()
                if time.monotonic() - started >= patience_s:
                    raise self._busy()
        except BaseException:
            with self._lock:
                if ticket.is_set():  # granted just now, to nobody
                    self._running -= 1
                    self._grant()
                else:
                    lane.remove(ticket)
            raise
        caller.accepted = True

    def _grant(self) -> None:
        """Free workers to those who wait. With the lock held."""
        short, long = self._lanes[True], self._lanes[False]
        while self._running < self._workers and (short or long):
            if long and (not short or self._short_turns >= _LONG_EVERY - 1):
                self._short_turns = 0
                ticket = long.popleft()
            else:
                self._short_turns += 1
                ticket = short.popleft()
            self._running += 1
            ticket.set()

    def _busy(self) -> ApiError:
        waiting = self.waiting
        wait_s = (waiting + 1) * self._turn_s / self._workers
        return ApiError(429, "asr.busy", waiting=waiting, retry_after_s=wait_s)
