"""Characters that no word decides for: what stands beside them does, by the rules of `context.toml`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huiyin.configs.tables import read_table
from huiyin.services.tts.mandarin.cutting import Token

_BEFORE = re.compile(r"(?:<(?P<kind>\w+)>)?(?P<text>[^<>]*)")
_AFTER = re.compile(r"(?P<text>[^<>]*)(?:<(?P<kind>\w+)>)?")
_EDGE = "edge"  # the class of no word: where the run begins or ends
_NEAR = 20  # characters in which `earlier` looks


@dataclass(frozen=True)
class _Class:
    """Words, and the first letters of parts of speech."""

    words: frozenset[str]
    tags: tuple[str, ...]

    def has(self, token: Token) -> bool:
        return token.word in self.words or token.tag.startswith(self.tags)


@dataclass(frozen=True)
class _Term:
    """Text beside a character, and the class of the word beyond it; either may be empty."""

    text: str
    kind: str


@dataclass(frozen=True)
class _Rule:
    reading: str
    before: tuple[_Term, ...]
    after: tuple[_Term, ...]
    earlier: tuple[str, ...]


class Run:
    """A run of Chinese characters, its tokens by where they start and end."""

    def __init__(self, text: str, tokens: Sequence[Token]) -> None:
        self.text = text
        self._starting = {token.start: token for token in tokens}
        self._ending = {token.end: token for token in tokens}

    def reading(self, token: Token) -> str | None:
        """The reading of a token of one character; None for a character without rules."""
        if token.word not in _RULES:
            return None
        fitting = (rule.reading for rule in _RULES[token.word] if self._fits(rule, token.start))
        return next(fitting, _USUAL[token.word])

    def _fits(self, rule: _Rule, at: int) -> bool:
        return (
            (not rule.before or any(self._stands_before(term, at) for term in rule.before))
            and (not rule.after or any(self._stands_after(term, at + 1) for term in rule.after))
            and (not rule.earlier or any(self.text.find(word, max(0, at - _NEAR), at) >= 0 for word in rule.earlier))
        )

    def _stands_before(self, term: _Term, end: int) -> bool:
        if not self.text.endswith(term.text, 0, end):
            return False
        end -= len(term.text)
        return not term.kind or _is(term.kind, self._ending.get(end), end == 0)

    def _stands_after(self, term: _Term, start: int) -> bool:
        if not self.text.startswith(term.text, start):
            return False
        start += len(term.text)
        return not term.kind or _is(term.kind, self._starting.get(start), start == len(self.text))


def _is(kind: str, token: Token | None, is_edge: bool) -> bool:
    if kind == _EDGE:
        return is_edge
    return token is not None and _CLASSES[kind].has(token)


def _class(members: Sequence[str]) -> _Class:
    tags = tuple(member[1:] for member in members if member.startswith("/"))
    return _Class(frozenset(member for member in members if not member.startswith("/")), tags)


def _terms(rule: dict[str, Any], side: str, pattern: re.Pattern[str]) -> tuple[_Term, ...]:
    terms = []
    for term in rule.get(side, ()):
        match = pattern.fullmatch(term)
        if match is None or (match["kind"] and match["kind"] not in {*_CLASSES, _EDGE}):
            raise ValueError(f"context.toml: {term!r} cannot stand in {side!r}")
        terms.append(_Term(match["text"], match["kind"] or ""))
    return tuple(terms)


def _rule(rule: dict[str, Any]) -> _Rule:
    earlier = tuple(rule.get("earlier", ()))
    return _Rule(rule["reading"], _terms(rule, "before", _BEFORE), _terms(rule, "after", _AFTER), earlier)


_TABLE = read_table(Path(__file__).with_name("context.toml"))
_CLASSES = {name: _class(members) for name, members in _TABLE["classes"].items()}
_RULES = {character: tuple(map(_rule, entry["rules"])) for character, entry in _TABLE["rules"].items()}
_USUAL: dict[str, str] = {character: entry["usual"] for character, entry in _TABLE["rules"].items()}

DEPENDS = frozenset(_RULES)
"""Characters whose reading depends on what stands beside them."""
