"""What tools can change of the conversation in the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from huiyin.assistant.clients.services import Services
from huiyin.assistant.conversation.http_stages import HttpVoice
from huiyin.assistant.conversation.loop import Conversation
from huiyin.assistant.conversation.persona_files import load_persona, names
from huiyin.assistant.ports.player import Player
from huiyin.assistant.tools.own import ToolError


class TalkControls:
    """As `tools.builtin.control.Controls`. `conversation` and `services` are set once they are there."""

    def __init__(self, persona: str, player: Player | None = None) -> None:
        """`persona`: the one that it begins with; `player`: what its replies sound from, if they do."""
        self._first, self._player = persona, player
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
    def volume_percent(self) -> int | None:
        """As `Controls.volume_percent`."""
        return None if self._player is None else round(self._player.gain * 100)

    def set_volume(self, percent: int) -> None:
        """As `Controls.set_volume`."""
        if self._player is not None:
            self._player.gain = percent / 100

    @property
    def _now(self) -> Conversation:
        if self.conversation is None:
            raise ToolError("tools.not_begun")
        return self.conversation
