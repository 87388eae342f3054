"""The conversation as the user heard it.

Not as it was generated: a reply that the user cut short is remembered up to the last word that was played, so that
neither "go on" nor "what did you say?" refers to words that the user never heard.

The model is sent as much of it as fits. What no longer fits is dropped many turns at a time: the prompt then begins
with the same words for many turns, and the model's prompt cache keeps hitting.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from huiyin.assistant.dialogue.language import language_of
from huiyin.assistant.dialogue.mood import Mood
from huiyin.assistant.dialogue.tokens import message_tokens
from huiyin.services.common.text import HAN

Message = dict[str, str]
Role = Literal["user", "assistant"]

_NO_MOOD = Mood()
_UNIT = re.compile(rf"[{HAN}]|[^\s{HAN}]+|\s+")
_LAST_UNITS = 9  # characters, or words and the spaces between: enough to know the place again
_NOTES = {"zh": "（你刚才说到“{}”时被打断了）", "en": "(You were interrupted after “{}”)"}
_OPENINGS = {"zh": "（对话开始了）", "en": "(The conversation begins)"}  # what a greeting answers: roles must alternate
_REDUCED = 0.6  # of the limit, once it is exceeded: the next time is then many turns away
_STOPS = "，,。.！!？?；;：:、…—- "


@dataclass(frozen=True)
class HeardClause:
    """A clause of a reply and the share of its sound that reached the loudspeaker, 0..1.

    `characters`: how many of its text are in words that were heard whole; None where the voice does not time its words.
    """

    text: str
    share: float
    characters: int | None = None


def heard_text(clauses: Iterable[HeardClause]) -> str:
    """The words that the user heard. After a clause heard in part an apology may follow, where a voice failed."""
    parts = (clause.text if clause.share >= 1 else _whole_words(clause) for clause in clauses)
    return join_clauses(part for part in parts if part)


def _whole_words(clause: HeardClause) -> str:
    """The words of a clause that were heard whole.

    Where they are not timed, it is cut in proportion to its sound: remembering one word too few does less harm than
    remembering one that the user did not hear.
    """
    if clause.characters is None:
        reach = len(clause.text) * clause.share
    else:
        reach = _past_marks(clause.text, clause.characters)
    end = 0
    for unit in _UNIT.finditer(clause.text):
        if unit.end() > reach:
            break
        end = unit.end()
    return clause.text[:end].rstrip()


def _past_marks(text: str, end: int) -> int:
    """`end` of a word in `text`, moved behind the marks that follow it; 0 stays."""
    while 0 < end < len(text) and not text[end].isalnum():
        end += 1
    return end


def join_clauses(clauses: Iterable[str]) -> str:
    """Clauses as one text: a space between two that meet in Latin script, none in Chinese."""
    text = ""
    for clause in clauses:
        latin = text and clause and ord(text[-1]) < 0x2E80 and ord(clause[0]) < 0x2E80
        text += (" " if latin and not text[-1].isspace() else "") + clause
    return text


@dataclass(frozen=True)
class HistoryLimit:
    """How much of the history is sent to the model: estimated tokens, and turns."""

    tokens: int
    turns: int


@dataclass
class Turn:
    """What the user said, '' before a greeting, and what they heard of the reply, '' when it was stopped before its
    first word. `mood`: how the user sounded."""

    user: str
    heard: str = ""
    interrupted: bool = False
    mood: Mood = _NO_MOOD


@dataclass
class History:
    """Turns in order. Those before `start` are no longer sent; `summary`, unless '', stands for them."""

    turns: list[Turn] = field(default_factory=list)
    start: int = 0
    summary: str = ""

    def commit(self, user: str, clauses: Sequence[HeardClause], *, interrupted: bool, mood: Mood = _NO_MOOD) -> Turn:
        """Add a turn: what the user said and how, and what they heard in answer."""
        turn = Turn(user.strip(), heard_text(clauses), interrupted, mood)
        self.turns.append(turn)
        return turn

    def surplus(self, limit: HistoryLimit) -> list[Turn]:
        """The turns that have to go, oldest first: none within the limit, else down to 60 % of it."""
        sent = self.turns[self.start :]
        costs = [message_tokens(turn.user) + message_tokens(turn.heard) for turn in sent]
        tokens = sum(costs)
        if tokens <= limit.tokens and len(sent) <= limit.turns:
            return []
        for count, cost in enumerate(costs):
            remaining = len(sent) - count
            if tokens <= _REDUCED * limit.tokens and remaining <= _REDUCED * limit.turns:
                return sent[:count]
            if remaining == 1 and tokens <= limit.tokens and limit.turns:
                return sent[:count]  # the last turn is sent as long as it fits at all
            tokens -= cost
        return sent

    def forget(self, turns: int, summary: str = "") -> None:
        """Send so many of the oldest turns no more; `summary` stands for all that are not sent."""
        self.start += turns
        self.summary = summary

    def messages(self, following: str | None = None) -> list[Message]:
        """The turns that are sent as chat messages, roles alternating as chat templates want it, then the words
        `following`.

        An interrupted reply ends where it was cut off, and a line in front of what the user said next says so: a mark
        in the reply itself (a dash, say) taught a small model to break off its own sentences.
        """
        messages: list[Message] = []
        turns = self.turns[self.start :]
        if following is not None:
            turns = [*turns, Turn(following)]
        cut_off = ""  # the last reply, if it was cut off
        for turn in turns:
            user = turn.user
            if not user and turn.heard:
                user = _OPENINGS[language_of(turn.heard)]
            _add(messages, "user", _interruption(cut_off, turn.user) + user)
            cut_off = turn.heard.rstrip(_STOPS) if turn.interrupted else ""
            if turn.heard:
                _add(messages, "assistant", cut_off or turn.heard)
        return messages


def _interruption(cut_off: str, following: str) -> str:
    """The line that says where the last reply was cut off, in the language of what the user said next; '' if not."""
    if not cut_off or not following:
        return ""
    last = "".join(_UNIT.findall(cut_off)[-_LAST_UNITS:]).strip()
    return _NOTES[language_of(following)].format(last) + "\n"


def _add(messages: list[Message], role: Role, content: str) -> None:
    if messages and messages[-1]["role"] == role:
        messages[-1]["content"] += "\n" + content
    else:
        messages.append({"role": role, "content": content})
