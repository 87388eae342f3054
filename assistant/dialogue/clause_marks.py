"""Punctuation that may end a clause, and when it does: not inside of 3.14 or 10:30, and not after Dr. or "1."."""

from __future__ import annotations

import re

from huiyin.services.common.text import HAN_CHARACTER

SENTENCE_END = "。！？!?；;\n…"
CLAUSE_END = "，,、：:" + SENTENCE_END
MARKS = frozenset(CLAUSE_END + ".")

_CLOSERS = "”’」』）)】\"'*_`" + SENTENCE_END  # what still belongs to the clause before it
_QUOTES = (("“", "”"), ("「", "」"), ("『", "』"))

_MONTHS = "Jan|Feb|Aug|Sept|Oct|Nov|Dec"
_DAY = re.compile(
    rf"\b(?:{_MONTHS}|January|February|March|April|May|June|July|August|September|October|November|December)"
    r"\.? \d{1,2}(?:st|nd|rd|th)?,\Z"
)  # the year may follow
_ABBREVIATION = re.compile(
    r"(?:\b(?:Mr|Mrs|Ms|Dr|St|Mt|Prof|Jr|Sr|vs|etc|e\.g|i\.e|U\.S|No|approx|Fig|Inc|Ltd|Ave|a\.m|p\.m"
    rf"|{_MONTHS})|\b[A-Z]|^\s*\d{{1,2}}|\n[ \t]*\d{{1,2}})\.\Z"  # "1." counts the lines of a list
)
_LONGEST_ABBREVIATION = 24  # characters: "September 30th,", or "1." and the blanks before it


def after_closers(text: str, at: int) -> int:
    """Where the closing quotes, brackets and marks end that follow the mark at `at`."""
    return len(text) - len(text[at + 1 :].lstrip(_CLOSERS))


def next_decides(text: str, at: int, *, may_be_the_end: bool) -> bool:
    """Whether what follows the mark at `at`, the last of `text`, may change where the clause ends.

    That is a closing quote, or the rest of 3.14. Elsewhere nothing is waited for: a token is 60 ms. Nor is a quote
    where there may be no more text.
    """
    if may_be_the_end:
        return _follows_digit(text, at) or not is_stop(text, at, len(text))
    if text[at] in ".:" or (text[at] in ",：" and _follows_digit(text, at)):
        return True
    return _has_open_quote(text)


def ends_with_a_stop(text: str) -> bool:
    """Whether `text` ends with a full stop outside of quotes, whose mark may follow."""
    return text.endswith(".") and not _has_open_quote(text)


def is_stop(text: str, at: int, end: int) -> bool:
    """Whether the mark at `at`, with closing marks up to `end`, ends something: not in 3.14, 1,000, 9:30 or file.txt.

    At the end of the text it does, unless it is the mark of an abbreviation or of a day.
    """
    following = text[end] if end < len(text) else " "
    if text[at] == "：":
        return not (_follows_digit(text, at) and following.isdigit())
    if text[at] not in ".,:":
        return True
    if not (following.isspace() or HAN_CHARACTER.match(following)):
        return False
    exception = {".": _ABBREVIATION, ",": _DAY}.get(text[at])
    return not (exception and exception.search(text, max(0, at - _LONGEST_ABBREVIATION), at + 1))


def up_to_last_stop(text: str) -> str:
    """`text` without the sentence that it ends in the middle of; '' where there is no other."""
    for at in range(len(text) - 1, -1, -1):
        if text[at] in SENTENCE_END + ".":
            end = after_closers(text, at)
            if is_stop(text, at, end):
                return text[:end]
    return ""


def _has_open_quote(text: str) -> bool:
    return text.count('"') % 2 == 1 or any(text.count(begin) > text.count(end) for begin, end in _QUOTES)


def _follows_digit(text: str, at: int) -> bool:
    return text[at - 1 : at].isdigit()
