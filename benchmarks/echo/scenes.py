"""Scenes to measure an echo path in: a room, an assistant that talks on and on, and a user who interrupts it.

Rooms are drawn by number, so that scene 5 is the same everywhere.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from huiyin.assistant.ports import BLOCK, SAMPLE_RATE
from huiyin.assistant.ports.level import SPEECH_DBFS
from huiyin.assistant.ports.port import Pcm16, Samples
from huiyin.assistant.ports.room import RoomSettings, SimulatedRoom

CONDITIONS = ("no drift", "100 ppm", "xruns")
SCENE_S = 44.0
FIRST_S = 15.0  # the cancellers learn the room; measured apart from what comes after
_BARGE_INS_S = ((1.5, 5.0), (9.0, 12.0), (18.0, 20.0), (26.0, 28.0), (35.0, 38.0))
_LONGEST_BARGE_IN_S = 2.5
_GAP_S = (0.15, 0.6)  # between the assistant's sentences
_FIRST_WORD_S = 0.5
_XRUNS_PER_MIN = 4.0


@dataclass(frozen=True)
class Speech:
    """What there is to say: float32, 16 kHz, level `SPEECH_DBFS`, without silence around it."""

    assistant: list[Samples]
    user: list[Samples]


@dataclass(frozen=True)
class Scene:
    """`mic` and `far_end` int16, `user` float32 in [-1, 1] as it arrives at the microphone, all of one length.

    `barge_ins` are (start, end) in seconds; `signal_to_echo_db` compares the user with the echo.
    """

    name: str
    mic: Pcm16
    far_end: Pcm16
    user: Samples
    barge_ins: list[tuple[float, float]]
    room: RoomSettings
    signal_to_echo_db: float


def draw_room(number: int, condition: str) -> tuple[RoomSettings, float]:
    """(room, signal-to-echo ratio in dB) number `number`: RT60 0.2-0.6 s, delay 20-250 ms, -5 to +10 dB."""
    rng = np.random.default_rng([number, 77])
    signal_to_echo_db, echo_db = rng.uniform(-5, 10), rng.uniform(-18, -6)
    noise_below_db = rng.uniform(20, 30)
    user_db = echo_db + signal_to_echo_db
    room = RoomSettings(
        rt60_s=rng.uniform(0.2, 0.6),
        distance_m=rng.uniform(0.3, 1.2),
        user_distance_m=rng.uniform(0.4, 1.0),
        delay_ms=rng.uniform(20, 250),
        echo_db=echo_db,
        user_db=user_db,
        noise_dbfs=SPEECH_DBFS + user_db - noise_below_db,
        drive=rng.uniform(0, 1),
        seed=number,
    )
    if condition == "100 ppm":
        room = replace(room, drift_ppm=100.0 if number % 2 else -100.0)
    elif condition == "xruns":
        room = replace(room, xruns_per_min=_XRUNS_PER_MIN)
    elif condition != "no drift":
        raise ValueError(f"no condition {condition!r}; there are {', '.join(CONDITIONS)}")
    return room, float(signal_to_echo_db)


def play_scene(number: int, condition: str, speech: Speech, seconds: float = SCENE_S) -> Scene:
    """Scene `number` in `condition` (one of `CONDITIONS`), played as fast as it goes."""
    settings, signal_to_echo_db = draw_room(number, condition)
    rng = np.random.default_rng([number, 5])
    far_end = _monologue(speech.assistant, round(seconds * SAMPLE_RATE), rng)
    room = SimulatedRoom(settings)
    times = [rng.uniform(*span) for span in _BARGE_INS_S]
    lines = [speech.user[rng.integers(len(speech.user))] for _ in times]
    blocks = iter(far_end[: len(far_end) // BLOCK * BLOCK].reshape(-1, BLOCK))
    room.connect(lambda mic: next(blocks))
    barge_ins: list[tuple[float, float]] = []
    for _ in range(len(far_end) // BLOCK):
        while times and room.now() >= times[0]:
            times.pop(0)
            barge_ins.append(room.say(lines.pop(0)[: round(_LONGEST_BARGE_IN_S * SAMPLE_RATE)]))
        room.step()
    mic, played = room.recording()
    return Scene(
        f"{condition} {number}", mic, played, room.user_at_microphone(), barge_ins, settings, signal_to_echo_db
    )


def _monologue(sentences: list[Samples], length: int, rng: np.random.Generator) -> Pcm16:
    out = np.zeros(length, np.float32)
    at = round(_FIRST_WORD_S * SAMPLE_RATE)
    while at < length:
        sentence = sentences[rng.integers(len(sentences))][: length - at]
        out[at : at + len(sentence)] = sentence
        at += len(sentence) + round(rng.uniform(*_GAP_S) * SAMPLE_RATE)
    return (out * 32767).astype(np.int16)
