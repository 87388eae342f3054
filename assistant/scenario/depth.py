"""What a depth is, and the parts of the conversation that it works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from huiyin.assistant.ports import BLOCK
from huiyin.assistant.ports.player import Player
from huiyin.assistant.ports.port import Pcm16
from huiyin.assistant.scenario.hearing import ScriptedUtterance
from huiyin.assistant.scenario.script import Step
from huiyin.assistant.scenario.world import World
from huiyin.assistant.turns import events as ev


class DepthBackend(Protocol):
    """The way of the people's speech to the machine, and of the assistant's to the loudspeaker."""

    def say(self, step: Step) -> ScriptedUtterance:
        """Let a step begin now."""

    def speak(self, text: str) -> Pcm16:
        """The assistant's voice."""

    def cut(self, start_s: float, end_s: float) -> Pcm16:
        """The microphone's sound between two times, without echo."""

    def judge(self, start_s: float, end_s: float) -> float | None:
        """How complete the turn between two times sounds, 0..1; None: unknown."""

    def observe(self, at_s: float, what: object) -> None:
        """Something happened."""

    def recording(self) -> Pcm16 | None:
        """Shape (2, n): microphone, loudspeaker; None where there is no sound."""


@dataclass(frozen=True)
class DepthContext:
    """The parts of the conversation that a depth works with. `played` takes each block of the loudspeaker's."""

    world: World
    player: Player
    played: Callable[[Pcm16], None]
    post: Callable[[ev.Event], None]
    half_duplex: bool

    @property
    def microphone_muted(self) -> bool:
        """Whether half duplex mutes the microphone now: the assistant is playing."""
        return self.half_duplex and self.player.is_sounding

    def read_block(self) -> Pcm16:
        """The next block for the loudspeaker, which plays it now."""
        block = self.player.read(BLOCK)
        self.played(block)
        return block

    def post_progress(self) -> None:
        """Post how far playback has come."""
        if advanced := self.player.advanced():
            self.post(ev.PlaybackAdvanced(self.world.now, *advanced))
        generation = self.player.finished()
        if generation is not None:
            self.post(ev.PlaybackFinished(self.world.now, generation))
