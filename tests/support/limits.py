"""How long a test waits for what must happen, before it calls that a failure."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 120.0
"""Seconds. Of HTTP requests, threads, processes and conditions alike: what a busy machine may take, not what is
expected. A test that passes never waits so long; one that states how long something takes uses the clock of the object
under test, or an order of events."""

_POLL_S = 0.005


def until(happened: Callable[[], object], what: str = "it never happened") -> None:
    """Wait for what must happen in another thread or process. Raises AssertionError, with `what`, after PATIENCE_S."""
    end_s = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < end_s, what
        time.sleep(_POLL_S)
