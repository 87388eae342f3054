"""Conversations for `benchmarks.scenarios`: a story, a backchannel, a noise, and an interruption.

Each is played at room depth in a room of its own. English is spoken by a real voice, Chinese in synthetic syllables.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from benchmarks.sentences import TEXTS
from huiyin.assistant.scenario.api import Scenario, parse

ROOMS = 24


def interruptions() -> Iterator[Scenario]:
    """A conversation in each of the rooms."""
    for number in range(ROOMS):
        chance = random.Random(number)
        language = "en" if number % 2 else "zh"
        lines: dict[str, Any] = TEXTS["interruptions"][language]
        room = {
            "rt60_s": round(chance.uniform(0.2, 0.6), 2),
            "delay_ms": round(chance.uniform(20, 250)),
            "distance_m": round(chance.uniform(0.3, 1.0), 2),
            "echo_db": round(chance.uniform(-16, -8)),
            "drift_ppm": chance.choice((0, 0, 50, 100)),
            "noise_dbfs": round(chance.uniform(-70, -55)),
        }
        noise = chance.choice(("cough", "door", "click"))
        turns = [
            {"user": lines["ask"], "reply": lines["story"]},
            {
                "user": chance.choice(lines["backchannels"]),
                "means": "backchannel",
                "after": f"reply starts + {chance.randint(3000, 4500)} ms",
            },
            {"sound": noise, "after": f"user ends + {chance.randint(1500, 2500)} ms"},
            {
                "user": chance.choice(lines["interruptions"]),
                "after": f"user ends + {chance.randint(1500, 2500)} ms",
                "reply": lines["answer"],
            },
        ]
        scenario = {"depth": "room", "seed": number, "voice": lines["voice"], "room": room, "turns": turns}
        yield parse(scenario, name=f"{language}_interruption_{number}")
