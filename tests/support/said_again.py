"""Scripted conversations in which the user says again what the assistant has just said: one of two that are offered, a
code that is read back, a sentence to be repeated. Forty of them (`tests/data/said_again.tsv`), at several moments."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from huiyin.assistant.scenario.api import Scenario, parse
from huiyin.assistant.scenario.script import speech_s

TABLE = Path(__file__).parents[1] / "data" / "said_again.tsv"
OVERLAP_S = 0.3  # of the answer with the end of the reply
_ECHO = {"echo_db": -6.0, "delay_ms": 100.0, "rt60_s": 0.4}
ROOMS: dict[str, tuple[dict[str, float], dict[str, str]]] = {
    "no echo": ({"echo_db": -90.0}, {}),
    "no echo, cancellation off": ({"echo_db": -90.0}, {"audio.echo": "off"}),
    "-6 dB, cancelled": (_ECHO, {}),
    "-6 dB, cancellation off": (_ECHO, {"audio.echo": "off"}),
}
"""Name -> what is set of the room, and of the settings."""
MOMENTS = ("over the end", "reply ends + 100 ms", "reply ends + 400 ms", "reply ends + 1500 ms")


def conversations(
    moment: str, room: Mapping[str, float] | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[Scenario]:
    """One for each row, in which the answer begins at `moment`.

    The made voice speaks, which is another for each: two with one voice that say the same are each other's echo.
    """
    with TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            before_ms = (speech_s(row["reply"]) - OVERLAP_S) * 1000
            after = f"reply starts + {before_ms:.0f} ms" if moment == MOMENTS[0] else moment
            answer = {
                "user": row["answer"],
                "after": after,
                "complete": 0.95,
                "reply": row["then"],
                "expect": [{"said": row["then"]}],
            }
            yield parse(
                {
                    "about": f"{row['kind']}: what is said again is an answer.",
                    "depth": ["text", "room"],
                    "room": dict(room or {}),
                    "settings": dict(settings or {}),
                    "turns": [{"user": row["user"], "complete": 0.98, "reply": row["reply"]}, answer],
                },
                name=row["answer"],
            )
