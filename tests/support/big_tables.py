"""Tables of half a million objects that a test file makes once, such as the syntax trees of all modules."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class _Cached(Protocol):
    def cache_clear(self) -> None: ...


@contextmanager
def forgotten_afterwards(*tables: _Cached) -> Iterator[None]:
    """Python does not search the `tables`, functions with a cache, for garbage while they are in use, nor keep them."""
    gc.disable()
    try:
        yield
    finally:
        for table in tables:
            table.cache_clear()
        gc.enable()
