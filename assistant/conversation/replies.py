"""What is known of replies that are not yet committed: their clauses, what they answer, and what was heard of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from huiyin.assistant.dialogue.history import HeardClause, Message
from huiyin.assistant.dialogue.persona import reply_language
from huiyin.assistant.dialogue.style import Style
from huiyin.assistant.dialogue.tools import CalledTool
from huiyin.assistant.ports import SAMPLE_RATE
from huiyin.assistant.ports.port import Loudspeaker

_SLOWEST_SPEECH_S = {"zh": 0.35, "en": 0.09}  # a character: bounds the length of a clause still being synthesised


@dataclass
class Reply:
    """One of them."""

    texts: dict[int, str] = field(default_factory=dict)  # clause -> text
    messages: list[Message] = field(default_factory=list)
    language: str = ""
    style: Style = "neutral"
    has_failed: bool = False  # what it still says was made beforehand
    calls: tuple[CalledTool, ...] = ()  # that observers know of


class Replies:
    """By generation; one that is unknown begins when it is asked for."""

    def __init__(self) -> None:
        self._replies: dict[int, Reply] = {}

    def __getitem__(self, generation: int) -> Reply:
        return self._replies.setdefault(generation, Reply())

    def forget(self, generation: int) -> None:
        """This reply and older ones are over."""
        for old in [number for number in self._replies if number <= generation]:
            del self._replies[old]

    def heard(self, generation: int, loudspeaker: Loudspeaker) -> list[HeardClause]:
        """The clauses that were played, with how much of each the user heard."""
        heard, spans = loudspeaker.heard(generation)
        clauses = []
        for span in spans:
            text = self[generation].texts.get(span.clause, "")
            length = span.end - span.start
            if not span.ended:
                longest_s = len(text) * _SLOWEST_SPEECH_S[reply_language("", text)]
                length = max(length, round(longest_s * SAMPLE_RATE))
            share = (min(heard, span.end) - span.start) / length if length else 1.0
            clauses.append(HeardClause(text, min(1.0, max(0.0, share)), span.characters(heard)))
        return clauses
