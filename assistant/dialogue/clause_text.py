"""What of a reply is shown, and what of it can be said.

A clause is the reply's own text, as it is shown and remembered: how it is said is the speech service's business. Only
thoughts and a recogniser's tags are taken out, and what cannot be spoken is not a clause.
"""

from __future__ import annotations

import html
import re
import unicodedata

from huiyin.services.common.directions import without_directions, without_kaomoji
from huiyin.services.common.text import HAN, HAN_CHARACTER
from huiyin.services.common.think import without_thoughts

_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9'’.-]*")

_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^)]{0,500}\)")
_DIRECTION = re.compile(rf"[\[【][A-Za-z{HAN} ]{{1,24}}[\]】]|(?<!\w)\*[a-z]+\*(?!\w)")  # [laughs]: any in brackets
_LINE_MARK = re.compile(r"^[ \t\u3000]*(?:#{1,6}\s+|[-*+•]\s+|>\s*)", re.M)
_EMPHASIS_MARKS = "*_`~#|\\"
_EMPHASIS = re.compile(rf"[{re.escape(_EMPHASIS_MARKS)}]+|<[^<>]{{0,500}}>")
_PICTOGRAPH = re.compile(
    "[\U0001f000-\U0001faff\u2600-\u27bf\u2b00-\u2bff\u200d\ufe0e\ufe0f\U000e0020-\U000e007f\u20e3]|[\u2190-\u21ff]"
)
_CODE_BLOCK = re.compile(r"```.*?(?:```|\Z)", re.S)
_SPACES = re.compile(r"[ \t\u3000]+")

FENCE = "```"
_LONGEST_CODE = 2000  # characters; it is shown and remembered, and sent to be called "a code block"


def weight(text: str) -> tuple[int, int]:
    """(Chinese characters, English words or numbers) in `text`."""
    return len(HAN_CHARACTER.findall(text)), len(_WORD.findall(text))


class RunningWeight:
    """The weight of a text that is read character by character, without code, links, tags and directions."""

    _JOINING = frozenset("'’.-" + _EMPHASIS_MARKS)  # a word goes on after these: don't, 3.14, un*believ*able

    def __init__(self) -> None:
        self.chars = 0
        self.words = 0
        self._in_word = False

    def add(self, char: str) -> None:
        """Counts one more character."""
        if char.isascii() and char.isalnum():
            if not self._in_word:
                self.words += 1
            self._in_word = True
        elif char not in self._JOINING:
            self._in_word = False
            if HAN_CHARACTER.match(char):
                self.chars += 1


def speakable(text: str) -> str:
    """The words of `text`, without code and marks; '' when nothing in it can be said."""
    text = _LINK.sub(r"\1", _CODE_BLOCK.sub(" ", without_thoughts(html.unescape(text))))
    text = _LINE_MARK.sub("", _DIRECTION.sub("", without_directions(without_kaomoji(text))))
    text = _PICTOGRAPH.sub("", _EMPHASIS.sub("", text))
    text = _SPACES.sub(" ", text.replace("\n", " ")).strip()
    return text if any(weight(text)) or any(map(str.isalpha, text)) else ""


def shown(text: str) -> str:
    """`text` as it is shown and remembered: no thoughts, no tags of a recogniser, no invisible characters."""
    visible = (
        c for c in without_thoughts(text) if c in "\n\t\u200d" or unicodedata.category(c) not in ("Cc", "Cs", "Cf")
    )
    return "".join(visible).strip()


def shown_code(block: str) -> str:
    """A code block, which begins with a fence, as it is shown: closed, and not longer than the speech service takes."""
    block = shown(block)
    body = block[: -len(FENCE)] if block.endswith(FENCE) and len(block) > len(FENCE) else block
    if len(body) > _LONGEST_CODE:
        body = body[:_LONGEST_CODE] + "…\n"
    return body + FENCE if body.endswith("\n") or "\n" not in body else f"{body}\n{FENCE}"
