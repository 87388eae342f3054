"""What a depth is: the way of the people's speech to the conversation, and of the assistant's to the loudspeaker."""

from __future__ import annotations

from typing import Protocol

from huiyin.assistant.conversation.session import Ear
from huiyin.assistant.conversation.stages import Judge
from huiyin.assistant.ports.port import Pcm16, Port
from huiyin.assistant.scenario.hearing import ScriptedUtterance
from huiyin.assistant.scenario.script import Step


class Depth(Port, Protocol):
    """A port with a script before its microphone."""

    @property
    def ear(self) -> Ear | None:
        """What turns its sound into speech events; None: it posts them itself."""

    @property
    def by_sound(self) -> Judge | None:
        """What judges the sound of a turn, where the script does not."""

    def say(self, step: Step) -> ScriptedUtterance:
        """Let a step begin now."""

    def fail(self, fault: str, lasts_s: float) -> None:
        """Let the sound device fail now, in one of the ways of `device_faults`; a clock that jumps is the world's."""

    def speak(self, text: str) -> Pcm16:
        """The assistant's voice, where no service speaks."""

    def recording(self) -> Pcm16 | None:
        """Shape (2, n): microphone, loudspeaker; None where there is no sound."""
