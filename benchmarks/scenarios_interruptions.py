"""Conversations for `benchmarks.scenarios`: a story, a backchannel, a noise, and an interruption.

Each is played at room depth in a room of its own. English is spoken by a real voice, Chinese in synthetic syllables.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from huiyin.assistant.scenario.api import Scenario, parse

ROOMS = 24
_LINES = {
    "en": {
        "voice": "hibari",
        "ask": "Tell me a story, please.",
        "story": "Once upon a time there was a lighthouse on a small island, far away from the coast. Nobody had lived "
        "in it for many years, and the lamp had long been dark. One winter a ship lost its way in the snow, and an old "
        "sailor saw a light where there had been none for as long as he could remember.",
        "backchannels": ("Mm-hmm.", "Uh-huh.", "Right.", "Okay."),
        "interruptions": (
            "Sorry, how tall was that lighthouse?",
            "Can you tell me another story?",
            "Wait, what was the name of the ship?",
            "No, I wanted a story about a dragon.",
        ),
    },
    "zh": {
        "voice": "formants",
        "ask": "给我讲个故事吧。",
        "story": "从前有一座灯塔，立在离海岸很远的小岛上。很多年没有人住过了，灯也早就不亮了。有一年冬天，"
        "一条船在大雪里迷了路，一个老水手忽然看见了亮光，可是那个地方，他从来没有见过灯。",
        "backchannels": ("嗯嗯。", "对。", "好的。", "是的。"),
        "interruptions": (
            "那座灯塔有多高？",
            "能不能换一个故事？",
            "等等，那条船叫什么名字？",
            "不是，我想听龙的故事。",
        ),
    },
}  # fmt: skip


def interruptions() -> Iterator[Scenario]:
    """A conversation in each of the rooms."""
    for number in range(ROOMS):
        chance = random.Random(number)
        language = "en" if number % 2 else "zh"
        lines: dict[str, Any] = _LINES[language]
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
                "reply": {"en": "All right.", "zh": "好的。"}[language],
            },
        ]
        scenario = {"depth": "room", "seed": number, "voice": lines["voice"], "room": room, "turns": turns}
        yield parse(scenario, name=f"{language}_interruption_{number}")
