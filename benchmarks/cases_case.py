"""One case of `benchmarks.cases`."""

from __future__ import annotations

from typing import NamedTuple


class Case(NamedTuple):
    """What was given, what is right in the words of who filed it, and what came out."""

    name: str
    given: str
    right: str
    got: str
    is_right: bool
