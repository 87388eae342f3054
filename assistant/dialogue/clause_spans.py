"""Spans of a reply that no clause ends inside of: code, formulas, links, titles, tags, directions, rows, addresses.

A reply comes character by character, so a span is open for a while: what follows shows where it ends, or that what
looked like its beginning is only a sign.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from huiyin.services.common.text import HAN

_LONGEST_OPEN = 200  # characters: then it was not an opening but a sign
_ADDRESS = rf"(?:https?://|www\.)[^\s\u3000-\u303f\uff00-\uffef{HAN}<>]*"
_WHOLE_ADDRESS = rf"{_ADDRESS}(?<![.,;:!?'\")])"


class Span(NamedTuple):
    """Characters `start` to `end` (exclusive) of a text; while it is open, `end` is the end of the text so far."""

    start: int
    end: int
    is_open: bool


_LINE_OF_A_TABLE = r"[ \t]*\|[^\n]*"
_KINDS = {  # by the character that completes the beginning: what may go on in the text to come, and what is whole
    "`": (r"`[^`\n]*", r"`[^`\n]+`"),
    "$": (
        r"\$\$[^$]*\$?|(?<![\w$])\$(?:[^\s\d$][^$\n]*\$?)?",
        r"\$\$[^$]+\$\$|(?<![\w$])\$(?=[^\s\d$])[^$\n]*[^\s$]\$(?!\d)",
    ),
    "\\": (r"\\(?:[(\[](?:[^\\\n]|\\(?![)\]]))*)?", r"\\\(.+?\\\)|\\\[.+?\\\]"),
    "[": (r"\[[^\[\]\n]*(?:\](?:\([^()\s]*)?)?", r"\[[^\[\]\n]*\](?:\([^()\s]*\))?"),
    "《": (r"《[^《》\n]*", r"《[^《》\n]*》"),
    "<": (r"<[^<>\n]*", r"</?[A-Za-z|][^<>\n]*>"),
    "【": (rf"【[A-Za-z{HAN} ]{{0,24}}", rf"【[A-Za-z{HAN} ]{{1,24}}】"),  # 【laughs】
    "*": (r"(?<!\w)\*(?:[a-z][a-z' ,-]{0,60}\*?)?", r"(?<!\w)\*[a-z][a-z' ,-]{0,60}\*(?!\w)"),  # *laughs, then nods*
    "|": (_LINE_OF_A_TABLE, _LINE_OF_A_TABLE),
    "/": (_ADDRESS, _WHOLE_ADDRESS),
    ".": (_ADDRESS, _WHOLE_ADDRESS),
}
_OPEN = {opener: re.compile(rf"(?:{may_go_on})\Z") for opener, (may_go_on, _) in _KINDS.items()}
_WHOLE = {opener: re.compile(whole) for opener, (_, whole) in _KINDS.items()}
OPENERS = frozenset(_KINDS)
_BEFORE = {"/": ("http:/", "https:/"), ".": ("www",)}  # what stands before the last character of a beginning


def span_at(text: str, at: int, *, final: bool) -> Span | None:
    """The span whose beginning the opener at `at` completes; None where it is only a sign.

    `final`: no more text comes.
    """
    start = _start(text, at) if text[at] in "|/." else at
    if start is None:
        return None
    if not final and len(text) - start <= _LONGEST_OPEN and _OPEN[text[at]].match(text, start):
        return Span(start, len(text), is_open=True)
    whole = _WHOLE[text[at]].match(text, start)
    return Span(start, whole.end(), is_open=False) if whole else None


def _start(text: str, at: int) -> int | None:
    """Where a span begins whose beginning ends with the opener at `at`: with the one of https:// or www. or a table."""
    if text[at] == "|":
        line = text.rfind("\n", 0, at) + 1
        return None if text[line:at].strip(" \t") else line
    for beginning in _BEFORE[text[at]]:
        if text.endswith(beginning, 0, at):
            return at - len(beginning)
    return None
