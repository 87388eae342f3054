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
_EDGE = frozenset({"edge", "end"})  # classes of no word: where the run begins or ends


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
    later: tuple[str, ...]


@dataclass(frozen=True)
class _Place:
    """A character in its run."""

    run: str
    start: int
    tokens: Sequence[Token]
    index: int
    """Of its token."""

    def fits(self, rule: _Rule) -> bool:
        before, after = self.run[: self.start], self.run[self.start + 1 :]
        return (
            (not rule.before or any(self._stands_before(term, before) for term in rule.before))
            and (not rule.after or any(self._stands_after(term, after) for term in rule.after))
            and (not rule.earlier or any(text in before for text in rule.earlier))
            and (not rule.later or any(text in after for text in rule.later))
        )

    def _stands_before(self, term: _Term, before: str) -> bool:
        if not before.endswith(term.text):
            return False
        end = len(before) - len(term.text)
        return not term.kind or self._is(term.kind, end == 0, [t for t in self.tokens if t.end == end])

    def _stands_after(self, term: _Term, after: str) -> bool:
        if not after.startswith(term.text):
            return False
        start = self.start + 1 + len(term.text)
        is_edge = start == len(self.run)
        return not term.kind or self._is(term.kind, is_edge, [t for t in self.tokens if t.start == start])

    @staticmethod
    def _is(kind: str, is_edge: bool, found: Sequence[Token]) -> bool:
        if kind in _EDGE:
            return is_edge
        return bool(found) and _CLASSES[kind].has(found[0])


def _class(members: Sequence[str]) -> _Class:
    tags = tuple(member[1:] for member in members if member.startswith("/"))
    return _Class(frozenset(member for member in members if not member.startswith("/")), tags)


def _terms(rule: dict[str, Any], side: str, pattern: re.Pattern[str]) -> tuple[_Term, ...]:
    found = [pattern.fullmatch(term) for term in rule.get(side, ())]
    return tuple(_Term(match["text"], match["kind"] or "") for match in found if match)


def _rule(rule: dict[str, Any]) -> _Rule:
    earlier, later = tuple(rule.get("earlier", ())), tuple(rule.get("later", ()))
    return _Rule(rule["reading"], _terms(rule, "before", _BEFORE), _terms(rule, "after", _AFTER), earlier, later)


_TABLE = read_table(Path(__file__).with_name("context.toml"))
_CLASSES = {name: _class(members) for name, members in _TABLE["classes"].items()}
_RULES = {character: tuple(map(_rule, entry["rules"])) for character, entry in _TABLE["rules"].items()}
_USUAL: dict[str, str] = {character: entry["usual"] for character, entry in _TABLE["rules"].items()}

DEPENDS = frozenset(_RULES)
"""Characters whose reading depends on what stands beside them."""


def in_context(run: str, tokens: Sequence[Token], index: int) -> str | None:
    """The reading of a token of one character; None for a character without rules."""
    token = tokens[index]
    if token.word not in _RULES:
        return None
    place = _Place(run, token.start, tokens, index)
    fitting = (rule.reading for rule in _RULES[token.word] if place.fits(rule))
    return next(fitting, _USUAL[token.word])
