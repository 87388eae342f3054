"""A breaker: what fails again and again is left alone for a while, so that nobody waits for it.

Pure but for the lock; the clock is given. Closed: asked as usual. Open: skipped, until its rest is over. Then one
request is the trial: when it is answered the breaker closes, when not there is another rest (M. Nygard, "Release It!").
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, Generic, Literal, TypeVar

State = Literal["closed", "open", "half-open"]

Failure = TypeVar("Failure", bound=Exception)

LONGEST_REST_S = 600.0  # whatever Retry-After says: a wrong date must not shut somebody out for a day


class Breaker(Generic[Failure]):
    """Opens after `failures` in a row, for `rest_s`; at once when the other side itself says for how long. Thread-safe.

    Each rest in a row is `growth` times as long as the one before, up to `longest_rest_s`.

    Whoever is admitted says how it went: `succeeded`, `failed`, or `abandoned` when nothing was learnt.
    """

    def __init__(
        self,
        failures: int,
        rest_s: float,
        clock: Callable[[], float] = time.monotonic,
        *,
        growth: float = 1.0,
        longest_rest_s: float = LONGEST_REST_S,
    ) -> None:
        self._most, self._first_rest_s, self._rest_s, self._clock = failures, rest_s, rest_s, clock
        self._growth, self._longest_rest_s = growth, longest_rest_s
        self._lock = threading.Lock()
        self._failures = 0
        self._until = 0.0
        self._open = False
        self._trial = False
        self.last: Failure | None = None
        """The failure that is not made up for yet, None when all is well."""

    @property
    def wait_s(self) -> float:
        """Seconds until it may be asked again, 0 when it may be now."""
        return max(0.0, self._until - self._clock()) if self._open else 0.0

    @property
    def state(self) -> State:
        """Where it stands."""
        if not self._open:
            return "closed"
        return "open" if self.wait_s else "half-open"

    def admit(self) -> bool:
        """Whether it may be asked now. After a rest, one caller may: the trial."""
        with self._lock:
            if self._open:
                if self.wait_s or self._trial:
                    return False
                self._trial = True
            return True

    def succeeded(self) -> None:
        """It answered."""
        with self._lock:
            self._failures, self._open, self._trial, self.last = 0, False, False, None
            self._rest_s = self._first_rest_s

    def abandoned(self) -> None:
        """Nobody waited for its answer, or it was not asked after all."""
        with self._lock:
            self._trial = False

    def failed(self, failure: Failure, wish_s: float | None = None) -> None:
        """It did not answer as it should; `wish_s` is its own wish to be left alone for so long."""
        with self._lock:
            self._failures += 1
            self.last = failure
            if wish_s is None and self._failures < self._most and not self._trial:
                return
            rest_s = self._rest_s if wish_s is None else min(wish_s, self._longest_rest_s)
            self._until = max(self._until, self._clock() + rest_s)
            self._rest_s = min(self._growth * self._rest_s, self._longest_rest_s)
            self._open, self._trial = True, False

    def facts(self) -> Mapping[str, Any]:
        """For /ready and /system."""
        return {
            "breaker": self.state,
            "failures": self._failures,
            "retry_after_s": round(self.wait_s, 1),
            "last_failure": str(self.last) if self.last else None,
        }
