"""Streams of server-sent events, as a test reads them."""

from __future__ import annotations

_FIELD = "data: "


def events_in(stream: str) -> list[str]:
    """The data of each event of a whole stream. Raises AssertionError for anything else."""
    *events, rest = stream.split("\n\n")
    assert not rest and all(event.startswith(_FIELD) for event in events), stream
    return [event.removeprefix(_FIELD) for event in events]
