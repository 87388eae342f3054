"""What the readers of both languages share: a rule, and how numbers are written."""

from __future__ import annotations

import re
from collections.abc import Callable

Rule = tuple[re.Pattern[str], Callable[[re.Match[str]], str]]

NUMBER = r"(?:\d+(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?)"
BOUND = r"(?<![\d.A-Za-z])"  # not inside a longer number or a name such as H264
TO = r"\s*(?:[-~–—]|至)+\s*"


def rule(pattern: str, read: Callable[[re.Match[str]], str] | str, flags: int = 0) -> Rule:
    """What matches `pattern` is said as `read` says: a function of the match, or a template."""
    return re.compile(pattern, flags), (read if callable(read) else lambda match: match.expand(read))


def apply(rules: list[Rule], text: str) -> str:
    """`text` after every rule in turn: what one has put in words has no digits left for the next."""
    for pattern, read in rules:
        text = pattern.sub(read, text)
    return text
