"""A circuit breaker (M. Nygard, "Release It!"): what fails again and again is skipped for a cooldown.

Pure but for the lock; the clock is a parameter. Closed: every request is admitted. Open: none is, until the cooldown is
over. Half-open: one request is, as a trial; its answer closes the circuit, its failure starts another cooldown.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Generic, Literal, TypeVar

State = Literal["closed", "open", "half-open"]

Failure = TypeVar("Failure", bound=Exception)

MAX_COOLDOWN_S = 600.0  # also for Retry-After: a wrong date must not keep an upstream out for a day


class CircuitBreaker(Generic[Failure]):
    """Opens for `cooldown_s` after `threshold` failures in a row, or at once for as long as a Retry-After asks for.

    Each cooldown in a row is `growth` times as long as the one before, up to `max_cooldown_s`. Thread-safe.
    After each admitted request one of `succeeded`, `failed` and `abandoned` must be called.
    """

    def __init__(
        self,
        threshold: int,
        cooldown_s: float,
        clock: Callable[[], float] = time.monotonic,
        *,
        growth: float = 1.0,
        max_cooldown_s: float = MAX_COOLDOWN_S,
    ) -> None:
        self._threshold, self._clock = threshold, clock
        self._first_cooldown_s = self._cooldown_s = cooldown_s
        self._growth, self._max_cooldown_s = growth, max_cooldown_s
        self._lock = threading.Lock()
        self._failures = 0
        self._open_until = 0.0
        self._open = False
        self._trial = False
        self.last: Failure | None = None
        """The last failure; None after an answer."""

    @property
    def wait_s(self) -> float:
        """Seconds until the next request is admitted, 0 when one would be now."""
        return max(0.0, self._open_until - self._clock()) if self._open else 0.0

    @property
    def state(self) -> State:
        """The circuit's state."""
        if not self._open:
            return "closed"
        return "open" if self.wait_s else "half-open"

    def admit(self) -> bool:
        """Whether a request may be made now. After a cooldown one may: the trial."""
        with self._lock:
            if self._open:
                if self.wait_s or self._trial:
                    return False
                self._trial = True
            return True

    def succeeded(self) -> None:
        """The request was answered."""
        with self._lock:
            self._failures, self._open, self._trial, self.last = 0, False, False, None
            self._cooldown_s = self._first_cooldown_s

    def abandoned(self) -> None:
        """The request was not made, or given up before its answer. No effect after `succeeded` or `failed`."""
        with self._lock:
            self._trial = False

    def failed(self, failure: Failure, retry_after_s: float | None = None) -> None:
        """The request failed; `retry_after_s` is the cooldown that the other side asks for."""
        with self._lock:
            self._failures += 1
            self.last = failure
            if retry_after_s is None and self._failures < self._threshold and not self._trial:
                return
            cooldown_s = self._cooldown_s if retry_after_s is None else min(retry_after_s, self._max_cooldown_s)
            self._open_until = max(self._open_until, self._clock() + cooldown_s)
            self._cooldown_s = min(self._growth * self._cooldown_s, self._max_cooldown_s)
            self._open, self._trial = True, False

    def facts(self) -> Mapping[str, Any]:
        """For /ready and /system."""
        return {
            "breaker": self.state,
            "failures": self._failures,
            "retry_after_s": round(self.wait_s, 1),
            "last_failure": str(self.last) if self.last else None,
        }
