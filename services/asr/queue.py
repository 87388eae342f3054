"""One model, many callers: they take turns, first come, first served."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from services.common.errors import ApiError


class ModelQueue:
    """Lets one caller at a time use the model, in the order in which they came.

    A turn is one piece of a recording, so a short request waits for a piece of a long one, not for all of it.
    """

    def __init__(self, wait_s: float, max_waiting: int) -> None:
        """A caller waits at most `wait_s` for a first turn; at most `max_waiting` wait at once."""
        self._wait_s, self._max_waiting = wait_s, max_waiting
        self._lock = threading.Lock()
        self._line: deque[threading.Event] = deque()  # the head has the model
        self._turn_s = 0.5  # how long the last turn took; a guess until there was one

    @contextmanager
    def turn(self, *, accepted: bool = False) -> Iterator[None]:
        """The model is the caller's inside this block.

        `accepted`: a request that had a turn already is not turned away half-way. Raises ApiError 429 `busy`.
        """
        ticket = threading.Event()
        with self._lock:
            if not accepted and len(self._line) > self._max_waiting:
                raise self._busy(len(self._line))
            self._line.append(ticket)
            self._line[0].set()
        try:
            if not ticket.wait(None if accepted else self._wait_s):
                raise self._busy(len(self._line))
            started = time.perf_counter()
            yield
            self._turn_s = time.perf_counter() - started
        finally:
            with self._lock:
                self._line.remove(ticket)
                if self._line:
                    self._line[0].set()

    def _busy(self, waiting: int) -> ApiError:
        return ApiError(
            429,
            "busy",
            f"the recogniser is busy: {waiting} requests are before this one",
            "try again after the seconds in Retry-After",
            retry_after_s=waiting * self._turn_s,
        )
