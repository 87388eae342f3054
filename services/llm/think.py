"""Takes `<think>…</think>` out of a reply that comes in pieces.

Pure: text in, text out. Reasoning models write their thoughts into the reply; they are neither for reading aloud nor
for the history. A tag may be split anywhere between two pieces, thoughts may be nested, and a reply that was cut short
may never close them: then the rest is thought.
"""

from __future__ import annotations

import re

_OPEN = "<think>"
_CLOSE = "</think>"
_TAG = re.compile(r"</?think>", re.IGNORECASE)


class ThinkFilter:
    """One reply: `feed` each piece, then `end`; both give the text that may be shown. `whole` does both."""

    def __init__(self) -> None:
        self._depth = 0
        self._held = ""  # the possible beginning of a tag
        self._trim = False  # blanks after a thought belong to nobody

    @property
    def idle(self) -> bool:
        """Nothing is held back, no thought is open or just over: a piece without '<' would pass unchanged."""
        return not (self._depth or self._held or self._trim)

    def feed(self, piece: str) -> str:
        """The part of the reply that `piece` makes certain."""
        text, self._held = self._held + piece, ""
        shown: list[str] = []
        at = 0
        for tag in _TAG.finditer(text):
            self._show(text[at : tag.start()], shown)
            at = tag.end()
            if tag.group().lower() == _OPEN:
                self._depth += 1
            else:
                # One too many happens where the template opened the thought in the prompt: the tag alone goes.
                self._depth = max(0, self._depth - 1)
            self._trim = True
        rest = text[at:]
        keep = _tag_start(rest)
        self._held = rest[keep:]
        self._show(rest[:keep], shown)
        return "".join(shown)

    def end(self) -> str:
        """What was held back and turned out to be no tag."""
        held, self._held = self._held, ""
        shown: list[str] = []
        self._show(held, shown)
        return "".join(shown)

    def whole(self, text: str) -> str:
        """A reply that came as one."""
        return self.feed(text) + self.end()

    def _show(self, text: str, shown: list[str]) -> None:
        if self._depth:
            return
        if self._trim:
            text = text.lstrip()
            self._trim = not text
        shown.append(text)


def _tag_start(text: str) -> int:
    """Where a tag begins that `text` ends in the middle of; its length when there is none."""
    at = text.rfind("<")
    if at >= 0:
        tail = text[at:].lower()
        if _OPEN.startswith(tail) or _CLOSE.startswith(tail):
            return at
    return len(text)
