"""What the readers of both languages share: rules, and how numbers are written."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import NamedTuple

NUMBER = r"\d+(?:(?:,\d{3})+(?!\d))?(?:\.\d+)?"
BOUND = r"(?<![\d.A-Za-z])"  # not inside a longer number or a name such as H264
TO = r"\s*(?:[-~–—]|至)+\s*"
TO_SIGNS = "-~–—至"
_DIGITS = frozenset("0123456789")

Reader = Callable[[re.Match[str]], str] | str


class Rule(NamedTuple):
    """What matches `pattern` is said as `read` says: a function of the match, or a template."""

    pattern: re.Pattern[str]
    read: Reader
    signs: frozenset[str]
    """Every match contains one of these characters; empty: nothing is known of it."""


def rule(pattern: str, read: Reader, signs: str = "", flags: int = 0) -> Rule:
    """A rule with its pattern compiled."""
    return Rule(re.compile(pattern, flags), read, frozenset(signs))


class Rules:
    """Rules in their order. One whose signs a text lacks is not tried: a text has few of them.

    No rule may put in a sign that a later one needs: which signs there are is looked up once.
    """

    def __init__(self, *rules: Rule) -> None:
        self._rules = rules
        self._signs = frozenset("".join("".join(each.signs) for each in rules))
        self._tried_with = functools.lru_cache(maxsize=256)(self._select)

    def apply(self, text: str) -> str:
        """`text` after every rule in turn: what one has put in words has no digits left for the next."""
        for each in self._tried_with(self._signs.intersection(text)):
            text = each.pattern.sub(each.read, text)
        return text

    def _select(self, signs: frozenset[str]) -> list[Rule]:
        return [each for each in self._rules if not each.signs or each.signs & signs]


def has_digits(text: str) -> bool:
    """Whether a rule about numbers can match."""
    return not _DIGITS.isdisjoint(text)
