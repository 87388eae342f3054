"""What a history is made of: items, each with an id, and the turns that they form."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from huiyin.assistant.dialogue.mood import Mood
from huiyin.assistant.dialogue.tokens import message_tokens

NO_MOOD = Mood()


@dataclass(frozen=True, kw_only=True)
class Item:
    """An entry of a history. `id` is unique in it and stays; '' before the item is added."""

    id: str = ""


@dataclass(frozen=True)
class UserItem(Item):
    """What the user said, and how it sounded. `other_voice`: another person said it, as the voice is not theirs."""

    text: str
    mood: Mood = NO_MOOD
    other_voice: bool = False


@dataclass(frozen=True)
class AssistantItem(Item):
    """What the user heard of a reply, '' when it was stopped before its first word. It ends a turn."""

    text: str
    interrupted: bool = False


@dataclass(frozen=True)
class ToolCall(Item):
    """The model calls the tool `name`; `arguments` is JSON text. Its `id` names the call."""

    name: str
    arguments: str


@dataclass(frozen=True)
class ToolResult(Item):
    """What came of the tool call whose id is `call_id`."""

    call_id: str
    output: str


@dataclass(frozen=True)
class SystemNote(Item):
    """Something that the model should know from here on, said by neither side."""

    text: str


KINDS: dict[str, Callable[..., Item]] = {
    "user": UserItem,
    "assistant": AssistantItem,
    "tool_call": ToolCall,
    "tool_result": ToolResult,
    "system_note": SystemNote,
}
"""Name of a kind, as it is written to disk -> its class."""


@dataclass
class Turn:
    """What the user said, '' before a greeting, and what they heard of the reply, '' when it was stopped before its
    first word, or none was made. `mood`: how the user sounded; `items`: all of the turn, in order."""

    user: str
    heard: str = ""
    interrupted: bool = False
    mood: Mood = NO_MOOD
    items: tuple[Item, ...] = field(default=(), compare=False, repr=False)


def turns_of(items: Iterable[Item]) -> list[Turn]:
    """The turns that are over: each ends with an `AssistantItem`. Items after the last one belong to none yet."""
    turns: list[Turn] = []
    group: list[Item] = []
    for item in items:
        group.append(item)
        if isinstance(item, AssistantItem):
            turns.append(turn_of(group))
            group = []
    return turns


def turn_of(items: Iterable[Item]) -> Turn:
    """These items as one turn, whether or not there has been a reply."""
    items = tuple(items)
    user = [item for item in items if isinstance(item, UserItem)]
    words, mood = "\n".join(item.text for item in user), user[-1].mood if user else NO_MOOD
    heard = [item for item in items if isinstance(item, AssistantItem)] or [AssistantItem("")]
    return Turn(words, heard[-1].text, heard[-1].interrupted, mood, items)


def item_tokens(item: Item) -> int:
    """Tokens of the chat message that this item becomes, estimated as in `tokens`."""
    match item:
        case UserItem(text) | AssistantItem(text) | SystemNote(text) | ToolResult(_, text):
            return message_tokens(text)
        case ToolCall(name, arguments):
            return message_tokens(f"{name} {arguments}")
    return 0
