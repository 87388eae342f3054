"""The conversation as it was heard.

Not as it was generated: a reply cut short by the user is remembered up to the word that was played, so that
neither "go on" nor "what did you say?" refers to words nobody heard.

The model is sent as much of it as fits. What no longer does goes in steps of many turns, not one a turn: the prompt
then begins with the same words for a long time, and the model's prompt cache keeps hitting.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from huiyin.assistant.dialogue.language import language_of
from huiyin.assistant.dialogue.mood import Mood
from huiyin.assistant.dialogue.tokens import message_tokens

Message = dict[str, str]
Role = Literal["user", "assistant"]

_NO_MOOD = Mood()
_UNIT = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]|[^\s\u3400-\u9fff\uf900-\ufaff]+|\s+")
_LAST_UNITS = 9  # characters, or words and the spaces between: enough to know the place again
_NOTES = {"zh": "（你刚才说到“{}”时被打断了）", "en": "(You were interrupted after “{}”)"}
_OPENINGS = {"zh": "（对话开始了）", "en": "(The conversation begins)"}  # what a greeting answers: roles must alternate
_KEPT = 0.6  # of the limit, when it is exceeded: the next step is then many turns away
_STOPS = "，,。.！!？?；;：:、…—- "


@dataclass(frozen=True)
class HeardClause:
    """A clause of a reply and the share of its sound that reached the loudspeaker, 0..1.

    `characters` of its text are in the words that were heard whole, where the voice tells when it says them.
    """

    text: str
    share: float
    characters: int | None = None


def heard_text(clauses: Iterable[HeardClause]) -> str:
    """The words of the clauses that were heard.

    A clause heard in part ends with the last word that was heard whole. Where the voice does not tell, it is cut in
    proportion: claiming too little is safer than remembering a word that was never said.
    """
    parts: list[str] = []
    for clause in clauses:
        if clause.share >= 1:
            parts.append(clause.text)
            continue
        units = _UNIT.findall(clause.text)
        reach = len(clause.text) * max(clause.share, 0.0)
        if clause.characters is not None:
            reach = _past_marks(clause.text, clause.characters)
        kept, length = [], 0
        for unit in units:
            length += len(unit)
            if length > reach:
                break
            kept.append(unit)
        parts.append("".join(kept).rstrip())  # after a voice that broke off an apology may have been heard
    return join_clauses(part for part in parts if part)


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
    """One exchange. `user` is '' for a greeting; `heard` when the reply was stopped before its first word.
    `mood`: how the user sounded."""

    user: str
    heard: str = ""
    interrupted: bool = False
    mood: Mood = _NO_MOOD


@dataclass
class History:
    """Turns in order. Those before `start` are not sent any more; `summary` says what they were about, if anything."""

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
        tokens, gone = sum(costs), 0
        if tokens <= limit.tokens and len(sent) <= limit.turns:
            return []
        while gone < len(sent) and (tokens > _KEPT * limit.tokens or len(sent) - gone > _KEPT * limit.turns):
            if gone == len(sent) - 1 and tokens <= limit.tokens and limit.turns:
                break  # the last turn is kept as long as it fits at all
            tokens -= costs[gone]
            gone += 1
        return sent[:gone]

    def forget(self, turns: int, summary: str = "") -> None:
        """Send so many of the oldest turns no more; `summary` stands for all that are not sent."""
        self.start += turns
        self.summary = summary

    def messages(self, following: str | None = None) -> list[Message]:
        """The turns that are sent as chat messages, roles alternating as chat templates want it, then the words
        `following`.

        An interrupted reply ends where it was cut off. That it was cut off stands in front of what the user said next:
        any mark in the reply itself (a dash, say) taught a small model to break off its own sentences.
        """
        messages: list[Message] = []
        note_after = ""
        for turn in [*self.turns[self.start :], *([] if following is None else [Turn(following)])]:
            said = turn.user or (_OPENINGS[language_of(turn.heard)] if turn.heard else "")
            _add(messages, "user", _interruption(note_after, turn.user) + said)
            note_after = turn.heard.rstrip(_STOPS) if turn.interrupted else ""
            if turn.heard:
                _add(messages, "assistant", note_after or turn.heard)
        return messages


def _interruption(heard: str, following: str) -> str:
    """The line that says where the last reply was cut off, in the language of what the user said next; '' if not."""
    if not heard or not following:
        return ""
    last = "".join(_UNIT.findall(heard)[-_LAST_UNITS:]).strip()
    return _NOTES[language_of(following)].format(last) + "\n"


def _add(messages: list[Message], role: Role, content: str) -> None:
    if messages and messages[-1]["role"] == role:
        messages[-1]["content"] += "\n" + content
    else:
        messages.append({"role": role, "content": content})
