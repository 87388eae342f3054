"""Removes `<think>…</think>` from a reply that comes in pieces. Pure: text in, text out.

Reasoning models write their thoughts into the reply; they belong neither in speech nor in the history. A tag may be
split between pieces, thoughts may be nested, and in a reply that was cut short they may have no end.
"""

from __future__ import annotations

import re

_OPEN = "<think>"
_CLOSE = "</think>"
_TAG = re.compile(r"</?think>", re.IGNORECASE)


class ThinkFilter:
    """One reply: `feed` each piece, then `end`; both return text without thoughts. `whole` does both."""

    def __init__(self) -> None:
        self._depth = 0
        self._pending = ""  # the possible beginning of a tag
        self._trim = False  # blanks after a thought are left out

    @property
    def idle(self) -> bool:
        """A piece without '<' would pass unchanged: no tag is pending, no thought open or just over."""
        return not (self._depth or self._pending or self._trim)

    def feed(self, piece: str) -> str:
        """The text that is certain after `piece`."""
        text = self._pending + piece
        shown = ""
        at = 0
        for tag in _TAG.finditer(text):
            shown += self._visible(text[at : tag.start()])
            at = tag.end()
            if tag.group().lower() == _OPEN:
                self._depth += 1
            else:
                # One too many where the chat template opened the thought in the prompt: only the tag is removed.
                self._depth = max(0, self._depth - 1)
            self._trim = True
        end = at + _tag_start(text[at:])
        self._pending = text[end:]
        return shown + self._visible(text[at:end])

    def end(self) -> str:
        """What might have been the beginning of a tag."""
        text, self._pending = self._pending, ""
        return self._visible(text)

    def whole(self, text: str) -> str:
        """The same for a reply in one piece."""
        return self.feed(text) + self.end()

    def _visible(self, text: str) -> str:
        if self._depth:
            return ""
        if self._trim:
            text = text.lstrip()
            self._trim = not text
        return text


def _tag_start(text: str) -> int:
    """Where an incomplete tag begins at the end of `text`; its length without one."""
    at = text.rfind("<")
    if at >= 0:
        tail = text[at:].lower()
        if _OPEN.startswith(tail) or _CLOSE.startswith(tail):
            return at
    return len(text)
