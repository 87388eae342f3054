"""Random input for minutes instead of a number of examples: what `make fuzz` and CI run."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, seed, settings
from hypothesis.strategies import SearchStrategy

MINUTES = float(os.environ.get("FUZZ_MINUTES", "2"))
"""For each fuzzer; 0: one round."""

_ROUND = 200  # examples; each round has another seed, so a failure names the seed with which it comes again


def for_minutes(check: Callable[[Any], object], examples: SearchStrategy[Any], minutes: float = MINUTES) -> int:
    """Call `check` with examples until the time is over; a failure is shrunk and raised. Gives how many there were."""
    end_s, tried = time.monotonic() + 60 * minutes, 0

    def counted(example: Any) -> None:
        nonlocal tried
        tried += 1
        check(example)

    limits = settings(
        max_examples=_ROUND, derandomize=False, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    for number in count():
        seed(number)(limits(given(examples)(counted)))()
        if time.monotonic() >= end_s:
            break
    return tried
