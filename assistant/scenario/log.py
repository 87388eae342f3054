"""What a run leaves behind: its moments, what was said when, and what left the loudspeaker."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from huiyin.assistant.conversation.trace import AUDIBLE
from huiyin.assistant.dialogue.history import Message
from huiyin.assistant.dialogue.items import Turn
from huiyin.assistant.ports import BLOCK, SAMPLE_RATE
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.scenario.hearing import ScriptedUtterance, Span
from huiyin.assistant.scenario.moments import Moment
from huiyin.assistant.scenario.script import Step
from huiyin.assistant.scenario.scripted_tools import MadeCall
from huiyin.assistant.turns.machine import State

BLOCK_S = BLOCK / SAMPLE_RATE


@dataclass(frozen=True)
class PlayedBlock:
    """A block that left the loudspeaker."""

    at_s: float
    power: float  # mean square of int16 samples
    first_s: float | None  # its first audible sample, seconds on the clock
    last_s: float | None  # its last

    @property
    def is_empty(self) -> bool:
        """Whether there was nothing to play: all samples are zero."""
        return self.power == 0.0


@dataclass
class Log:
    """Filled while a scenario runs."""

    moments: list[Moment] = field(default_factory=list)
    utterances: list[ScriptedUtterance] = field(default_factory=list)
    unheard: list[Span] = field(default_factory=list)  # when nothing that was said reached the microphone
    floor: list[tuple[float, State]] = field(default_factory=list)  # whose turn it has been, since when
    steps: list[tuple[float, Step]] = field(default_factory=list)  # when each began
    blocks: list[PlayedBlock] = field(default_factory=list)
    history: list[Turn] = field(default_factory=list)
    prompts: list[tuple[float, int, list[Message]]] = field(default_factory=list)  # (seconds, generation, messages)
    styles: list[tuple[float, str]] = field(default_factory=list)  # (seconds, style of the reply that was asked for)
    calls: list[MadeCall] = field(default_factory=list)  # of tools
    start_s: float = 0.0  # of the script; what the assistant said before was a greeting
    end_s: float = 0.0
    recording: Pcm16 | None = None  # shape (2, n): microphone, loudspeaker; where there was sound
    people: Pcm16 | None = None  # shape (n,): what people said, before it was in a room; where an agent was played to

    def add_block(self, at_s: float, samples: Pcm16) -> PlayedBlock:
        """A block handed to the loudspeaker at `at_s`."""
        floats = samples.astype(np.float32)
        power = float(np.dot(floats, floats)) / len(floats)
        audible = np.flatnonzero(np.abs(floats) > AUDIBLE)
        first_s, last_s = (float(at_s + audible[i] / SAMPLE_RATE) if len(audible) else None for i in (0, -1))
        block = PlayedBlock(at_s, power, first_s, last_s)
        self.blocks.append(block)
        return block

    def named(self, name: str, since_s: float = 0.0, until_s: float = float("inf")) -> Iterator[Moment]:
        """The moments of this name from `since_s` up to `until_s`."""
        return (m for m in self.moments if m.name == name and since_s <= m.at_s < until_s)

    def first(self, name: str, since_s: float = 0.0, until_s: float = float("inf")) -> Moment | None:
        """The first of them."""
        return next(self.named(name, since_s, until_s), None)

    def silent_from(self, since_s: float) -> float:
        """When the loudspeaker's last sample before the next silence was played; `since_s` where it was silent then."""
        last_s = since_s
        for block in self.blocks:
            if block.at_s + BLOCK_S <= since_s:
                continue
            if block.last_s is None:
                return last_s
            last_s = max(last_s, block.last_s)
        return last_s

    def power(self, start_s: float, end_s: float) -> float:
        """Mean square at the loudspeaker between two times; what was not played is silence."""
        total = sum(block.power for block in self.blocks if start_s <= block.at_s < end_s)
        return total / max(1, round((end_s - start_s) / BLOCK_S))
