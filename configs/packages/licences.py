"""Which licences are allowed: an SPDX expression held against the list in `licences.toml`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from huiyin.configs.messages import language
from huiyin.configs.packages.parts import Part, row, table

_TOKEN = re.compile(r"\(|\)|[^\s()]+ WITH [^\s()]+|[^\s()]+")


def not_allowed(parts: Iterable[Part]) -> list[Part]:
    """Those whose licence is unknown or not on the list, and that are no exception."""
    allowed = frozenset(table()["allowed"])
    return [part for part in parts if not is_allowed(part.licence, allowed) and not row("exceptions", part.key)]


def exceptions(parts: Iterable[Part]) -> list[tuple[Part, str]]:
    """Those that are there though their licence is not on the list, and why, in the program's language."""
    allowed, reasons = frozenset(table()["allowed"]), "exceptions_zh" if language() == "zh" else "exceptions"
    return [(part, row(reasons, part.key)) for part in parts if not is_allowed(part.licence, allowed)]


def is_allowed(expression: str, allowed: Collection[str]) -> bool:
    """Whether one can choose to be bound by licences of `allowed` alone; '' is no licence."""
    tokens = _TOKEN.findall(expression)
    verdict, rest = _any_of(tokens, allowed)
    return bool(tokens) and not rest and verdict


# OR binds less than AND; brackets go first. Each returns its verdict and the tokens that follow.


def _any_of(tokens: list[str], allowed: Collection[str]) -> tuple[bool, list[str]]:
    verdict, rest = _all_of(tokens, allowed)
    while rest[:1] == ["OR"]:
        other, rest = _all_of(rest[1:], allowed)
        verdict = verdict or other
    return verdict, rest


def _all_of(tokens: list[str], allowed: Collection[str]) -> tuple[bool, list[str]]:
    verdict, rest = _one(tokens, allowed)
    while rest[:1] == ["AND"]:
        other, rest = _one(rest[1:], allowed)
        verdict = verdict and other
    return verdict, rest


def _one(tokens: list[str], allowed: Collection[str]) -> tuple[bool, list[str]]:
    if tokens[:1] == ["("]:
        verdict, rest = _any_of(tokens[1:], allowed)
        return verdict and rest[:1] == [")"], rest[1:]
    return tokens[:1] != [] and tokens[0] in allowed, tokens[1:]
