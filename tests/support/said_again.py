"""Scripted conversations in which the user says again what the assistant has just said: one of two that are offered, a
code that is read back, a sentence to be repeated. Forty of them (`tests/data/said_again.tsv`), at several moments."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path

from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.scenario import voices
from huiyin.assistant.scenario.api import Scenario, parse
from huiyin.assistant.scenario.script import MADE_VOICE, speech_s

TABLE = Path(__file__).parents[1] / "data" / "said_again.tsv"
OVERLAP_S = 0.3  # of the answer with the end of the reply
MOMENTS = ("over the end", "reply ends + 100 ms", "reply ends + 400 ms", "reply ends + 1500 ms")


def conversations(
    moment: str, *, voice: str = MADE_VOICE, room: Mapping[str, float] | None = None, settings: Mapping[str, str] = {}
) -> Iterator[Scenario]:
    """One for each row, in which the answer begins at `moment`. `voice`: that speaks at room depth."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            lasts_s = speech_s(row["reply"])
            if voice != MADE_VOICE:
                lasts_s = len(voices.say(row["reply"], "assistant", voice)) / SAMPLE_RATE
            after = f"reply starts + {(lasts_s - OVERLAP_S) * 1000:.0f} ms" if moment == MOMENTS[0] else moment
            answer = {
                "user": row["answer"],
                "after": after,
                "complete": 0.95,
                "reply": row["then"],
                "expect": [{"asked": {"contains": row["answer"]}}, {"said": row["then"]}],
            }
            yield parse(
                {
                    "about": f"{row['kind']}: what is said again is an answer.",
                    "depth": ["text", "room"],
                    "voice": voice,
                    "room": dict(room or {}),
                    "settings": dict(settings),
                    "turns": [{"user": row["user"], "complete": 0.98, "reply": row["reply"]}, answer],
                },
                name=row["answer"],
            )
