"""Which opener suits: the short word with which the assistant begins where its reply will not be there in time.

A persona lists them by language and kind. None of them promises anything: "sure," before "I cannot do that" is a lie.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence

from huiyin.assistant.dialogue.style import Style

KINDS = ("question", "remark", "gentle")
"""After what: a question or request, which is thought about; anything else, which was listened to; a user who is sad,
afraid or angry, whatever they say."""

_GENTLE: tuple[Style, ...] = ("gentle", "calm", "serious")

# What asks for something, in words: a recogniser often sets no question mark.
_ASKS_ZH = re.compile(
    r"[?？]|[吗呢]$|什么|怎么|怎样|为何|哪|谁|多少|几[点个岁天年月号]|多[大高长远久]|是不是|有没有|能不能|可不可以|要不要"
    r"|^(?:请|给我|帮我|帮忙|告诉我|跟我|教我|说说|讲讲|讲一?个|介绍|推荐|解释|想想)|(?:给我|帮我|请你|麻烦你)"
)
_ASKS_EN = re.compile(
    r"\?|^(?:and |so |but |well,? |ok(?:ay)?,? |sorry,? |please,? )*"
    r"(?:what|how|why|when|where|who|whose|which|is|are|am|was|were|do|does|did|can|could|will|would|shall|should|may|have|has"
    r"|tell|give|show|help|explain|describe|suggest|recommend|teach"
    r"|say|name|let's)\b|\bplease\b|\b(?:can|could|would) you\b",
    re.I,
)


def asks(text: str, language: str) -> bool:
    """Whether the user's words, in `language` ('zh' or 'en'), are a question or a request."""
    words = text.strip().rstrip("。.！!，,…～~ ")
    return bool((_ASKS_ZH if language == "zh" else _ASKS_EN).search(words))


def kind_of(text: str, language: str, style: Style) -> str:
    """Which of `KINDS` suits as a beginning of the reply to `text`, which is spoken in `style`."""
    if style in _GENTLE:
        return "gentle"
    return "question" if asks(text, language) else "remark"


class Openers:
    """Those of one conversation: they take turns, and none comes twice in a row."""

    def __init__(self, lasts_s: Callable[[str], float]) -> None:
        """`lasts_s`: of one, in seconds; 0 where its sound is not there."""
        self._lasts_s = lasts_s
        self._said: list[str] = []  # the newest last, each once

    def choose(
        self, openers: Mapping[str, Mapping[str, Sequence[str]]], language: str, kind: str, fits_s: float
    ) -> str:
        """One of a persona's `openers` of this kind, but not the last one again; '' without one.

        Where some take at most `fits_s` seconds, the one among them that was said longest ago, else the shortest.
        """
        others = [text for text in openers.get(language, {}).get(kind, ()) if text not in self._said[-1:]]
        there = {text: lasts_s for text in others if (lasts_s := self._lasts_s(text)) > 0}
        if not there:
            return ""
        fitting = [text for text in there if there[text] <= fits_s] or [min(there, key=lambda each: there[each])]
        text = min(fitting, key=lambda each: self._said.index(each) if each in self._said else -1)
        self._said = [*(each for each in self._said if each != text), text]
        return text
