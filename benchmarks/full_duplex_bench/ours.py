"""What `huiyin bench agent` measured of a conversation, and its recording."""

from __future__ import annotations

import json
import wave
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from huiyin.assistant.ports import BLOCK, SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16

REPORT, SOUND, PEOPLE = "report.json", "conversation.wav", "people.wav"
STOPS = ("interruption", "stop")
"""Families whose second turn wants the agent to fall silent."""


@dataclass(frozen=True)
class Recording:
    """One conversation. Times in seconds on its clock."""

    folder: Path
    report: dict[str, Any]

    @property
    def name(self) -> str:
        """Of the agent and the conversation."""
        return f"{self.folder.parent.name}.{self.folder.name}"

    @property
    def language(self) -> str:
        """Its code: the first part of the conversation's name, as in en-interruption-2."""
        return str(self.report["name"]).split("-")[0]

    @property
    def family(self) -> str:
        """What it asks of an agent."""
        return str(self.report["name"]).split("-")[1]

    @cached_property
    def sound(self) -> Pcm16:
        """Shape (2, n): what people said, before it was in a room, and what the loudspeaker was given, on one clock.

        In the file the loudspeaker is a block early: what comes in answer to a block of the microphone stands beside
        it, and is played while the next is recorded.
        """
        people, (_, loudspeaker) = _samples(self.folder / PEOPLE)[0], _samples(self.folder / SOUND)
        loudspeaker = np.concatenate([np.zeros(BLOCK, np.int16), loudspeaker])
        length = min(len(people), len(loudspeaker))
        return np.stack([people[:length], loudspeaker[:length]])

    def user(self, turn: int) -> tuple[float, float]:
        """When a turn (from 1) begins and ends."""
        starts, ends = (
            next(each["at_s"] for each in self.report["moments"] if (each["moment"], each["turn"]) == (name, turn))
            for name in ("user starts", "user ends")
        )
        return starts, ends

    def figure_s(self, metric: str) -> float | None:
        """A figure in ms of the report, in seconds; None where there was nothing to measure."""
        value = self.report["metrics"][metric]
        return None if value is None else value / 1000

    def responses(self) -> list[tuple[float, float]]:
        """(end of a turn, response latency) of each turn that was answered, and not cut into."""
        latencies = {1: self.figure_s("response latency ms")}
        if self.family == "interruption":
            latencies[2] = self.figure_s("response latency after interruption ms")
        return [(self.user(turn)[1], latency_s) for turn, latency_s in latencies.items() if latency_s is not None]

    def overlap(self) -> tuple[float, float] | None:
        """(beginning of an interruption, how long both speak): until the agent falls silent, or the user does."""
        stop_s = self.figure_s("stop latency p50 ms")
        if self.family not in STOPS or stop_s is None:
            return None
        starts_s, ends_s = self.user(2)
        return starts_s, min(stop_s, ends_s - starts_s)

    def took_turn(self) -> bool:
        """Whether the agent took the turn that the family is about; in a pause: took it too soon."""
        if self.family == "pause":
            return bool(self.report["metrics"]["cut-off rate"])
        if self.family == "interruption":
            return self.figure_s("response latency after interruption ms") is not None
        return bool(self.report["metrics"]["takeover rate"])


def recordings(folder: Path) -> list[Recording]:
    """Those below a folder that `huiyin bench agent --sound` wrote. Ends the program where there are none."""
    paths = [path for path in sorted(folder.rglob(REPORT)) if (path.parent / PEOPLE).is_file()]
    if not paths:
        raise SystemExit(f"no recordings below {folder}; make some: huiyin bench agent --sound --out {folder} …")
    return [Recording(path.parent, json.loads(path.read_text(encoding="utf-8"))["scenarios"][0]) for path in paths]


def _samples(path: Path) -> Pcm16:
    """Shape (channels, n), int16."""
    with wave.open(str(path)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())
    return samples.T.astype(np.int16)


def seconds(sound: Pcm16, start_s: float = 0.0, end_s: float | None = None) -> Pcm16:
    """Part of a sound (int16, 16 kHz)."""
    return sound[round(start_s * SAMPLE_RATE) : None if end_s is None else round(end_s * SAMPLE_RATE)]
