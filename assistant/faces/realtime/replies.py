"""What is known of each reply of the conversation, until it is committed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from huiyin.assistant.conversation.heard import heard_clauses
from huiyin.assistant.dialogue.history import heard_text, join_clauses
from huiyin.assistant.dialogue.items import AssistantItem, Turn, UserItem
from huiyin.assistant.dialogue.tools import CalledTool
from huiyin.assistant.faces.realtime.items import WireItem
from huiyin.assistant.faces.realtime.parts import Request
from huiyin.assistant.faces.realtime.response import Response
from huiyin.assistant.ports.port import ClauseSpan
from huiyin.assistant.turns.events import Transcript


@dataclass
class Reply:
    """From the first request for it to its commitment. `generation` is its number."""

    generation: int
    texts: dict[int, str] = field(default_factory=dict)
    """Clause -> its text, as written."""
    places: dict[int, int] = field(default_factory=dict)
    """Clause whose words the client has -> where they begin in the transcript."""
    is_spoken: bool = False
    """It answers speech."""
    is_asked: bool = False
    """The model has been asked for it."""
    transcript: Transcript | None = None
    """Of that speech."""
    seconds: float = 0.0
    """Of that speech."""
    is_told: bool = False
    """The client has these words."""
    user: WireItem | None = None
    """What it answers."""
    request: Request | None = None
    """What it is made from."""
    response: Response | None = None
    """As which it is sent; None: the client does not know of it."""
    calls: tuple[CalledTool, ...] = ()
    """Functions to be called when what it says has been sent."""
    called: dict[str, WireItem] = field(default_factory=dict)
    """Id of a call -> its item."""
    timed: dict[int, int] = field(default_factory=dict)
    """Place of a span of its sound -> how many of the words there the client has the times of."""
    failure: str = ""
    """Why a stage failed."""
    is_unheard: bool = False
    """That stage was the recogniser: there are no words."""
    release: Callable[[], None] | None = None
    """To be called when its items have their entries in the history."""

    def add_apology(self, text: str) -> None:
        """It ends with these words."""
        self.texts[max(self.texts, default=-1) + 1] = text

    def say(self, response: Response, clause: int) -> None:
        """Send the words of a clause, once."""
        if clause in self.places or clause not in self.texts:
            return
        text = self.texts[clause]
        whole = join_clauses([response.text, text])
        self.places[clause] = len(whole) - len(text)
        response.say(whole[len(response.text) :])

    def say_until(self, response: Response, spans: list[ClauseSpan], until: int) -> None:
        """Send the words of the clauses that begin before this sample of its sound."""
        for span in spans:
            if span.start < until:
                self.say(response, span.clause)

    def text_until(self, spans: list[ClauseSpan]) -> Callable[[int], str]:
        """Samples of its sound -> the words that are heard by then."""
        texts = {clause: text for clause, text in self.texts.items() if clause in self.places}
        return lambda samples: heard_text(heard_clauses(texts, samples, spans))

    def enter(self, words: str, turn: Turn) -> None:
        """It has been committed: its items have these entries. `words`: what it answers."""
        entries = {type(item): item.id for item in turn.items}  # the last of each kind
        if self.user and words.strip():
            self.user.history_id = entries.get(UserItem, "")
        if self.response and self.response.message:
            self.response.message.history_id = entries.get(AssistantItem, "")
        for call_id, item in self.called.items():
            item.history_id = call_id
