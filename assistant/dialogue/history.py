"""The conversation as the user heard it, item by item.

Not as it was generated: a reply that the user cut short is remembered up to the last word that was played, so that
neither "go on" nor "what did you say?" refers to words that the user never heard.

The model is sent as much of it as fits. What no longer fits is dropped many turns at a time: the prompt then begins
with the same words for many turns, and the model's prompt cache keeps hitting.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypedDict, TypeVar

from huiyin.assistant.dialogue.items import (
    NO_MOOD,
    AssistantItem,
    Item,
    SystemNote,
    ToolCall,
    ToolResult,
    Turn,
    UserItem,
    item_tokens,
    turn_of,
    turns_of,
)
from huiyin.assistant.dialogue.language import language_of
from huiyin.assistant.dialogue.mood import Mood
from huiyin.assistant.dialogue.tools import CalledTool
from huiyin.configs.errors import HuiyinError
from huiyin.services.common.text import HAN

Role = Literal["system", "user", "assistant", "tool"]
AnyItem = TypeVar("AnyItem", bound=Item)

GO_ON = {"zh": "（请继续）", "en": "(Go on.)"}
"""What a reply to a reply answers."""
RECENT_TURNS = 40  # how the user sounded, and in which language, still matters for so long
_UNIT = re.compile(rf"[{HAN}]|[^\s{HAN}]+|\s+")
_LAST_UNITS = 9  # characters, or words and the spaces between: enough to know the place again
_NOTES = {"zh": "（你刚才说到“{}”时被打断了）", "en": "(You were interrupted after “{}”)"}
_OTHER_VOICE = {"zh": "（这是另一个人在说话，不是用户）", "en": "(Another person says this, not the user)"}
_OPENINGS = {"zh": "（对话开始了）", "en": "(The conversation begins)"}  # what a greeting answers: roles must alternate
_REDUCED = 0.6  # of the limit, once it is exceeded: the next time is then many turns away
_STOPS = "，,。.！!？?；;：:、…—- "


class CalledFunction(TypedDict):
    """`arguments` is JSON text."""

    name: str
    arguments: str


class MessageToolCall(TypedDict):
    """A tool call within a message of the assistant."""

    id: str
    type: Literal["function"]
    function: CalledFunction


class _Text(TypedDict):
    role: Role
    content: str


class Message(_Text, total=False):
    """A chat message in OpenAI's form. `tool_calls` is for the role assistant, `tool_call_id` for the role tool."""

    tool_calls: list[MessageToolCall]
    tool_call_id: str


class HistoryError(HuiyinError):
    """An item that the history does not have, or cannot take."""


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


class History:
    """Items in order. Those before `start` are no longer sent; `summary`, unless '', stands for them."""

    def __init__(self, items: Iterable[Item] = (), start: int = 0, summary: str = "") -> None:
        """`items` have ids."""
        self._items = {item.id: item for item in items}
        self._added = len(self._items)  # how many ever were
        self._uncommitted: dict[str, None] = {}  # ids of the items after the last turn that was committed, in order
        self.start, self.summary = start, summary
        self.on_edit: Callable[[str, Item | None, str | None], None] = _unobserved
        """Called when an item was changed or added by another hand than `commit`: its id; the item, None: deleted; the
        id of the item that it was put after, None: the last."""

    @property
    def items(self) -> list[Item]:
        """All of them, in order."""
        return list(self._items.values())

    @property
    def turns(self) -> list[Turn]:
        """The turns that are over, in order."""
        return turns_of(self._items.values())

    def last_turns(self, count: int = RECENT_TURNS) -> list[Turn]:
        """The last of the turns that are over, in order: what it costs does not grow with the conversation."""
        items: list[Item] = []
        ends = 0
        for item in reversed(self._items.values()):
            ends += isinstance(item, AssistantItem)
            if ends > count:
                break
            items.append(item)
        return turns_of(reversed(items))

    @property
    def mood(self) -> Mood:
        """How the user sounded in the turn that is not over yet; unknown where they have said nothing in it."""
        for item in reversed(self._items.values()):
            if isinstance(item, AssistantItem):
                break
            if isinstance(item, UserItem):
                return item.mood
        return NO_MOOD

    def users_words(self) -> str:
        """The last that the user said, '' before they said anything."""
        said = (item.text for item in reversed(self._items.values()) if isinstance(item, UserItem) and item.text)
        return next(said, "")

    def commit(
        self,
        user: str,
        clauses: Sequence[HeardClause] | None,
        *,
        interrupted: bool,
        mood: Mood = NO_MOOD,
        calls: Iterable[CalledTool] = (),
        other_voice: bool = False,
    ) -> Turn:
        """Add what the user said and heard, and the tools that were called. The turn with all items since the last.

        `user`: what they said, '' where nothing was or its item has already been added; `mood`: how. `clauses`: of the
        reply, None where nothing was to be spoken: without a reply to its end the turn is not over (`turns`).
        `other_voice`: see `UserItem`.
        """
        if user := user.strip():
            self._add(UserItem(user, mood, other_voice))
        if clauses is not None:
            self._add(AssistantItem(heard_text(clauses), interrupted))
        for call in calls:
            self._add(ToolCall(call.name, call.arguments, id=call.call_id))
        turn = turn_of(self._items[item_id] for item_id in self._uncommitted)
        self._uncommitted.clear()
        return turn

    def add(self, item: AnyItem, after: str | None = None) -> AnyItem:
        """Add an item at the end, or after the one whose id is `after`, '' for the beginning. Returns it with its id.

        An item without an id gets the next one: item_1, item_2, … Raises HistoryError.
        """
        item = self._add(item, after)
        if isinstance(item, AssistantItem):  # it ends a turn
            self._uncommitted.clear()
        self.on_edit(item.id, item, after)
        return item

    def _add(self, item: AnyItem, after: str | None = None) -> AnyItem:
        self._added += 1
        if not item.id:
            while (next_id := f"item_{self._added}") in self._items:
                self._added += 1
            item = replace(item, id=next_id)
        elif item.id in self._items:
            raise HistoryError("history.same_id", id=item.id)
        if after is None or after == next(reversed(self._items), ""):
            self._items[item.id] = item
            self._uncommitted[item.id] = None
            if isinstance(item, ToolCall):
                self._move_results(item.id)
        else:
            at = self._index(after) + 1 if after else 0
            items = self.items
            items.insert(at, item)
            self._items = {each.id: each for each in items}
            self.start += at < self.start
        return item

    def get(self, item_id: str) -> Item:
        """The item with this id. Raises HistoryError."""
        return self.items[self._index(item_id)]

    def truncate(self, item_id: str, heard: str) -> AssistantItem:
        """Leave of a reply what was `heard` of it. Returns what it is now. Raises HistoryError."""
        item = self.get(item_id)
        if not isinstance(item, AssistantItem):
            raise HistoryError("history.not_a_reply", id=item_id)
        item = replace(item, text=heard, interrupted=item.interrupted or heard != item.text)
        self._items[item_id] = item
        self.on_edit(item_id, item, None)
        return item

    def delete(self, item_id: str) -> None:
        """Remove an item. Raises HistoryError."""
        self.start -= self._index(item_id) < self.start
        del self._items[item_id]
        self._uncommitted.pop(item_id, None)
        self.on_edit(item_id, None, None)

    def _move_results(self, call_id: str) -> None:
        """A tool may be done before its call is committed: its result is put behind it."""
        for item in self.items[self.start :]:
            if isinstance(item, ToolResult) and item.call_id == call_id:
                self._items[item.id] = self._items.pop(item.id)
                if item.id in self._uncommitted:
                    self._uncommitted[item.id] = self._uncommitted.pop(item.id)

    def _index(self, item_id: str) -> int:
        if item_id not in self._items:
            raise HistoryError("history.unknown_item", id=item_id)
        return list(self._items).index(item_id)

    # -- what is sent

    def surplus(self, limit: HistoryLimit) -> list[Turn]:
        """The turns that have to go, oldest first: none within the limit, else down to 60 % of it."""
        sent = self.items[self.start :]
        turns = turns_of(sent)
        tokens = sum(map(item_tokens, sent))
        if tokens <= limit.tokens and len(turns) <= limit.turns:
            return []
        for count, turn in enumerate(turns):
            remaining = len(turns) - count
            if tokens <= _REDUCED * limit.tokens and remaining <= _REDUCED * limit.turns:
                return turns[:count]
            if remaining == 1 and tokens <= limit.tokens and limit.turns:
                return turns[:count]  # the last turn is sent as long as it fits at all
            tokens -= sum(map(item_tokens, turn.items))
        return turns

    def forget(self, turns: int, summary: str = "") -> None:
        """Send so many of the oldest turns no more; `summary` stands for all that are not sent."""
        self.start += sum(len(turn.items) for turn in turns_of(self.items[self.start :])[:turns])
        self.summary = summary

    def opening(self, language: str) -> str | None:
        """What stands for the user's words where the assistant is to speak and nothing is there to be answered, in
        `language` while nothing was said; None where something is."""
        messages = self.messages()
        if all(message["role"] == "system" for message in messages):
            return _OPENINGS[language]
        last = messages[-1]
        return GO_ON[language_of(last["content"])] if last["role"] == "assistant" else None

    def messages(self, following: str | None = None) -> list[Message]:
        """The items that are sent as chat messages, then the user's words `following`, roles alternating as chat
        templates want it.

        An interrupted reply ends where it was cut off, and a line in front of what the user said next says so: a mark
        in the reply itself (a dash, say) taught a small model to break off its own sentences. A tool call stands with
        its result, and not before there is one; behind what the assistant said while it waited for it.
        """
        messages: list[Message] = []
        sent = _calls_behind_words(self.items[self.start :])
        outputs = {item.call_id: item.output for item in sent if isinstance(item, ToolResult)}
        if following is not None:
            sent.append(UserItem(following))
        cut_off = ""  # the last reply, if it was cut off
        for item in sent:
            match item:
                case UserItem(text, other_voice=other_voice):
                    _add(messages, "user", _interruption(cut_off, text) + by_other_voice(text, other_voice=other_voice))
                    cut_off = ""
                case AssistantItem(text, interrupted):
                    _open(messages, text)
                    cut_off = text.rstrip(_STOPS) if interrupted else ""
                    if text:
                        _add(messages, "assistant", cut_off or text)
                case ToolCall() if item.id in outputs:
                    _open(messages, item.arguments)
                    _add_call(messages, item, outputs[item.id])
                case SystemNote(text):
                    messages.append({"role": "system", "content": text})
        return messages


def by_other_voice(words: str, *, other_voice: bool = True) -> str:
    """`words` as the model reads them: with a line before those that another person said."""
    return f"{_OTHER_VOICE[language_of(words)]}\n{words}" if other_voice and words else words


def _calls_behind_words(items: list[Item]) -> list[Item]:
    """The items, with each tool call behind what the assistant said before its result came: these words and the call
    are one message, and what comes next answers the result."""
    ordered: list[Item] = []
    calls: list[Item] = []  # that wait for their results
    for item in items:
        if isinstance(item, ToolCall):
            calls.append(item)
            continue
        if not isinstance(item, AssistantItem):
            ordered += calls
            calls = []
        ordered.append(item)
    return ordered + calls


def _unobserved(item_id: str, item: Item | None, after: str | None) -> None: ...


def _interruption(cut_off: str, following: str) -> str:
    """The line that says where the last reply was cut off, in the language of what the user said next; '' if not.

    Before that is known it is that of the reply: so the line is read ahead while the user still speaks.
    """
    if not cut_off:
        return ""
    last = "".join(_UNIT.findall(cut_off)[-_LAST_UNITS:]).strip()
    return _NOTES[language_of(following or cut_off)].format(last) + "\n"


def _open(messages: list[Message], answer: str) -> None:
    """Where the user has said nothing yet: what a greeting answers."""
    if all(message["role"] == "system" for message in messages):
        _add(messages, "user", _OPENINGS[language_of(answer)] if answer else "")


def _add(messages: list[Message], role: Role, content: str) -> None:
    if messages and messages[-1]["role"] == role:
        messages[-1]["content"] += "\n" + content
    else:
        messages.append({"role": role, "content": content})


def _add_call(messages: list[Message], call: ToolCall, output: str) -> None:
    if not messages or messages[-1]["role"] != "assistant":  # else the call belongs to what was said before it
        messages.append({"role": "assistant", "content": ""})
    function: CalledFunction = {"name": call.name, "arguments": call.arguments}
    messages[-1]["tool_calls"] = [{"id": call.id, "type": "function", "function": function}]
    messages.append({"role": "tool", "content": output, "tool_call_id": call.id})
