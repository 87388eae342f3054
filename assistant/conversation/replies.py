"""What is known of replies that are not yet committed: their clauses, what they answer, and what was heard of them."""

from __future__ import annotations

from dataclasses import dataclass, field

from huiyin.assistant.conversation.heard import heard_clauses
from huiyin.assistant.dialogue.history import HeardClause, Message, heard_text
from huiyin.assistant.dialogue.style import Style
from huiyin.assistant.dialogue.tools import CalledTool
from huiyin.assistant.ports.port import Loudspeaker
from huiyin.assistant.turns.events import PlaybackStopped


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
        return heard_clauses(self[generation].texts, heard, spans)

    def stop(self, generation: int, loudspeaker: Loudspeaker, now_s: float) -> PlaybackStopped:
        """Let no more be heard of this reply. What was, in words that were heard whole."""
        loudspeaker.stop(generation)
        _, spans = loudspeaker.heard(generation)
        clauses = zip(spans, self.heard(generation, loudspeaker), strict=True)
        begun = [(span.clause, len(heard_text([clause]))) for span, clause in clauses if clause.share > 0]
        return PlaybackStopped(now_s, generation, *(begun[-1] if begun else (0, 0)))
