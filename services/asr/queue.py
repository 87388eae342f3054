"""One model, many callers, in order.

A turn is one call of the engine, with a piece of a recording or a batch of pieces. So a short request waits for a piece
of a long file, never for all of it, and short requests go first. Files also wait while somebody talks on this machine,
or waits for a reply (`huiyin.services.common.live_work`), at most for their patience: then one piece goes.
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

_LONG_EVERY = 4  # turns, of which one goes to a long file if any waits: short requests must not starve it
_POLL_S = 0.1  # how often a waiting request checks that its caller is still there
_TURN_S = 0.5  # length of a turn before any was measured
_NEW_WEIGHT = 0.2  # how much the newest turn counts in the running mean of their lengths


@dataclass
class Caller:
    """A caller with one recording. Its pieces share one caller, which is `accepted` from its first turn on."""

    short: bool = True
    """An utterance of a conversation rather than a long file."""
    left: Callable[[], bool] = lambda: False
    """Whether the client is gone; called often."""
    deadline_s: float = 0.0
    """Longest time from `since` to the response; 0: unlimited."""
    since: float = field(default_factory=time.monotonic)
    accepted: bool = False
    """Whether it has had a turn; from then on it is never refused as busy."""
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
    """Lets `workers` callers at a time use the model, in two lanes (short, long), each first come, first served."""

    def __init__(
        self,
        wait_s: float,
        places: int,
        workers: int = 1,
        on_wait: Callable[[float], object] = lambda seconds: None,
        is_live: Callable[[], bool] = lambda: False,
        patience_s: float = math.inf,
    ) -> None:
        """A caller waits at most `wait_s` for its first turn; at most `places` callers run or wait.

        `on_wait` is called with the seconds that each turn had to wait. While `is_live` says that there is live work,
        long files wait, one piece for at most `patience_s`.
        """
        self._wait_s, self._places, self._workers, self._on_wait = wait_s, places, workers, on_wait
        self._lock = threading.Lock()
        self.running = 0
        """How many callers use the model now."""
        self._short: deque[threading.Event] = deque()
        self._long: deque[threading.Event] = deque()
        self._short_turns = 0  # in a row
        self._turn_s = _TURN_S
        self._is_live, self._patience_s = is_live, patience_s
        self._held_since: float | None = None  # when files first had to wait for live work, since the last piece of one

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
        return len(self._short) + len(self._long)

    @property
    def in_use(self) -> bool:
        """Whether a new turn would have to wait."""
        return self.running >= self._workers

    @contextmanager
    def turn(self, caller: Caller | None = None) -> Iterator[None]:
        """One turn of the model, inside this block.

        Without a `caller` it is a short request without deadline. Raises ApiError 429 `busy`, 504 `deadline`;
        ClientLeft.
        """
        caller = caller or Caller()
        asked_at = time.monotonic()
        self._wait(caller, asked_at)
        started_at = time.monotonic()
        try:
            self._on_wait(started_at - asked_at)
            yield
            self._turn_s += _NEW_WEIGHT * (time.monotonic() - started_at - self._turn_s)
        finally:
            with self._lock:
                self.running -= 1
                self._grant()

    def _wait(self, caller: Caller, asked_at: float) -> None:
        caller.check()
        ticket = threading.Event()
        lane = self._short if caller.short else self._long
        give_up_at = math.inf if caller.accepted else asked_at + self._wait_s
        with self._lock:
            if not caller.accepted and self.waiting + self.running >= self._places:
                raise self._busy()
            lane.append(ticket)
            self._grant()
        try:
            while not ticket.wait(max(0.0, min(_POLL_S, caller.remaining_s, give_up_at - time.monotonic()))):
                caller.check()
                if not caller.short and self._held_since is not None:
                    give_up_at = math.inf  # the model is not busy; others go first
                    with self._lock:
                        self._grant()  # they may have gone
                if time.monotonic() >= give_up_at:
                    raise self._busy()
        except BaseException:
            with self._lock:
                if ticket.is_set():  # granted just now
                    self.running -= 1
                    self._grant()
                else:
                    lane.remove(ticket)
            raise
        caller.accepted = True

    def _grant(self) -> None:
        """Gives free workers to waiting callers. The lock is held."""
        while self.running < self._workers and self.waiting:
            if self._long and (not self._short or self._short_turns >= _LONG_EVERY - 1) and self._files_may_run():
                self._short_turns, self._held_since = 0, None
                ticket = self._long.popleft()
            elif self._short:
                self._short_turns += 1
                ticket = self._short.popleft()
            else:
                return
            self.running += 1
            ticket.set()

    def _files_may_run(self) -> bool:
        if not self._is_live():
            self._held_since = None
            return True
        now = time.monotonic()
        self._held_since = now if self._held_since is None else self._held_since
        return now - self._held_since >= self._patience_s

    def _busy(self) -> ApiError:
        waiting = self.waiting
        wait_s = (waiting + 1) * self._turn_s / self._workers
        return ApiError(429, "asr.busy", waiting=waiting, retry_after_s=wait_s)
