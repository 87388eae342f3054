"""What the readers of both languages share: a rule, and how numbers are written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

NUMBER = r"(?:\d+(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?)"
BOUND = r"(?<![\d.A-Za-z])"  # not inside a longer number or a name such as H264
TO = r"\s*(?:[-~–—]|至)+\s*"
TO_SIGNS = "-~–—至"
DIGITS = frozenset("0123456789")

Reader = Callable[[re.Match[str]], str] | str


class Rule(NamedTuple):
    """What matches `pattern` is said as `read` says: a function of the match, or a template."""

    pattern: re.Pattern[str]
    read: Reader
    signs: frozenset[str]
    """Characters; a text with none of them cannot match, and the rule is skipped. Empty: always tried."""


def rule(pattern: str, read: Reader, signs: str = "", flags: int = 0) -> Rule:
    """A rule; `signs`: every match contains one of these characters."""
    return Rule(re.compile(pattern, flags), read, frozenset(signs))


def apply(rules: Iterable[Rule], text: str) -> str:
    """`text` after every rule in turn: what one has put in words has no digits left for the next.

    No rule may put in a sign that a later one needs: which signs there are is looked up once.
    """
    characters = frozenset(text)
    for pattern, read, signs in rules:
        if not signs or not signs.isdisjoint(characters):
            text = pattern.sub(read, text)
    return text


def has_digits(text: str) -> bool:
    """Whether a rule about numbers can match."""
    return not DIGITS.isdisjoint(text)
