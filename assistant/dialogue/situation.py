"""What the assistant knows of here and now, and what it can do: told in the system prompt, so that it invents neither.

All of it but the time of day stands in the part of the prompt that stays the same for a whole day, which prompt caches
keep. The time is told only where the user's words ask for it: a slow machine reads 20 tokens a second.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from huiyin.assistant.dialogue.dates import dated
from huiyin.assistant.dialogue.language import language_of
from huiyin.assistant.dialogue.tokens import estimated_tokens

_PLACES = {"zh": "用户在{}。", "en": "The user is in {}."}
# It is not told to say "I can't": a small model then says so to every other question (3 of 20 such as "What should I
# cook for dinner?"; without, none). What it claims all the same is cut (`dialogue.claims`).
_NO_TOOLS = {
    "zh": "你是人工智能，没有联网：什么都能聊，但不知道天气和新闻，也开不了灯、设不了提醒、打不了电话，别假装能做。",
    "en": "You are an AI, not a human, and offline. Chat about anything and give advice; but you have no weather or"
    " news, and cannot switch lamps, set reminders, call or send messages: never pretend to.",
}
_TOOLS = {
    "zh": "你是人工智能，除了聊天，只能用这些工具：{}。别的事直说做不到；没用工具就别说做了。",
    "en": "You are an AI, not a human, and can talk and use these tools alone: {}. Say plainly that you can't do"
    " anything else; never claim an act without a call.",
}
_TIME = {"zh": "（现在{:%H:%M}。）", "en": "(It is {:%H:%M}.)"}
_ASKS_TIME = re.compile(
    r"几点|几分了|什么时间|多晚|[现这当].{0,4}时间|离.{1,12}还有多久"
    r"|\b(?:what(?:['’]s| is)? the time|what time|the time (?:is|it|now)|o['’]clock|how late"
    r"|how long (?:until|till))\b",
    re.I,
)
_REMEMBERED = {"zh": "（你记得：{}）", "en": "(You remember: {})"}
_BETWEEN = {"zh": "；", "en": "; "}
_MEMORY_TOKENS = 40  # read anew with each turn that they fit: 0.1 s, and 2 s on a slow machine


def nothing_known(words: str) -> Sequence[str]:
    """A `recall` of nobody."""
    return ()


@dataclass(frozen=True)
class Situation:
    """`at`: the user's local date and time; `place`: where they are, '' where that is not known; `tools`: the names of
    those that the model may call; `recall`: the user's words -> what is remembered that fits them, best first."""

    at: datetime
    place: str = ""
    tools: Sequence[str] = ()
    recall: Callable[[str], Sequence[str]] = nothing_known

    def told(self, language: str) -> str:
        """What is told of it in the system prompt, in 'zh' or 'en'; the same for a whole day."""
        lines = [dated(self.at, language)]
        if self.place:
            lines.append(_PLACES[language].format(self.place))
        lines.append(_TOOLS[language].format(", ".join(self.tools)) if self.tools else _NO_TOOLS[language])
        return ("" if language == "zh" else " ").join(lines)

    def memory_line(self, user: str) -> str:
        """The line that tells what is remembered and fits these words of the user; '' where nothing is."""
        kept: list[str] = []
        for fact in self.recall(user):
            if estimated_tokens(" ".join([*kept, fact])) > _MEMORY_TOKENS:
                break
            kept.append(fact)
        language = language_of(user)
        return _REMEMBERED[language].format(_BETWEEN[language].join(kept)) if kept else ""

    def time_line(self, user: str) -> str:
        """The line that tells the time, before words of the user that ask for it; '' before others."""
        return _TIME[language_of(user)].format(self.at) if _ASKS_TIME.search(user) else ""
