"""Who the assistant is: its words to the model, its voice, and its apologies. One persona, one voice."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from assistant.dialogue.history import History, Message
from assistant.dialogue.language import language_of
from assistant.dialogue.mood import Mood, mood_line

_STAGES = ("asr", "llm", "tts")


class PersonaError(ValueError):
    """A persona file that cannot be used; the message says why."""


@dataclass(frozen=True)
class Persona:
    """`system` is the system prompt; `voice` a voice of the TTS service ('' lets the service choose);
    `apologies` maps language -> stage -> the sentence said when that stage fails."""

    name: str
    system: str
    voice: str = ""
    language: str = "zh"
    greeting: str = ""
    apologies: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Persona:
        """From a parsed TOML file. Raises PersonaError."""
        known = {"name", "system", "voice", "language", "greeting", "apologies"}
        unknown = set(data) - known
        if unknown:
            raise PersonaError(f"unknown key {sorted(unknown)[0]!r}; a persona has: {', '.join(sorted(known))}")
        for key in ("name", "system"):
            if not isinstance(data.get(key), str) or not data[key].strip():
                raise PersonaError(f"a persona needs {key!r}: a text that is not empty")
        return cls(**data)

    def apology(self, stage: str, language: str) -> str:
        """The sentence for a failed stage in the user's language."""
        table = self.apologies.get(language) or self.apologies.get(self.language) or {}
        return table.get(stage, "")

    def all_apologies(self) -> list[str]:
        """Every apology, so that their sound can be made before it is needed."""
        return [text for table in self.apologies.values() for stage in _STAGES if (text := table.get(stage))]

    def messages(self, history: History, user: str, last_turns: int, mood: Mood | None = None) -> list[Message]:
        """What is sent to the model: the system prompt and the history (a stable prefix, so that prompt caches
        keep hitting), then the user's words, with a line before them on how they sounded where that is worth one."""
        line = mood_line(mood, [turn.mood for turn in history.turns], language_of(user)) if mood and user else ""
        words = f"{line}\n{user}" if line else user
        return [{"role": "system", "content": self.system}, *history.messages(last_turns, words)]


def reply_language(transcript_language: str, text: str) -> str:
    """'zh' or 'en': the recogniser's word for it, else the script of the text."""
    return transcript_language if transcript_language in ("zh", "en") else language_of(text)
