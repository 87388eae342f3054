"""What tools can change of the conversation in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation.http_stages import HttpVoice
from huiyin.assistant.conversation.loop import Conversation
from huiyin.assistant.conversation.persona_files import load_persona, names
from huiyin.assistant.tools.own import ToolError


class TalkControls:
    """As `tools.builtin.control.Controls`. `conversation` and `services` are set once they are there."""

    def __init__(self, persona: str) -> None:
        """`persona`: the one that it begins with."""
        self._first = persona
        self.conversation: Conversation | None = None
        self.services: Services | None = None  # those that speak

    @property
    def personas(self) -> Sequence[str]:
        """As `Controls.personas`."""
        return tuple(dict.fromkeys([self._first, *names()]))

    def end(self) -> None:
        """As `Controls.end`."""
        self._now.end_after_next_words()

    def set_persona(self, name: str) -> None:
        """As `Controls.set_persona`."""
        if name not in self.personas:
            raise ToolError("tools.no_persona", name=name, names=self.personas)
        persona = load_persona(name)
        conversation = self._now
        voice = HttpVoice(self.services, persona.voice, conversation.name) if self.services else None
        conversation.world.at(0.0, lambda: conversation.session.configure(persona=persona, voice=voice))

    @property
    def _now(self) -> Conversation:
        if self.conversation is None:
            raise ToolError("tools.not_begun")
        return self.conversation
