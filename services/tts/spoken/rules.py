"""What the readers of both languages share: rules, and how numbers are written.

The rules of a language are rows of the TOML files in its folder, one kind a file: a pattern, what is said for it, and
perhaps signs of which every match has one. In a pattern ``{NAME}`` stands for another one, of the table `patterns` of
the file, of the folder's `patterns.toml` or of PATTERNS. The kinds are tried in the order in which the reader of the
language lists them, the rows of each in theirs: what one has put in words has no digits left for the next. What is said
is

    percent                            as it stands, or a template of `re.sub`
    {a:number} to {b:number}           groups of the match, put in words by a form; {cue} as it is, {0:digits} all of it
    date()                             what a reader makes of the match
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from huiyin.configs.tables import read_table
from huiyin.services.common.text import HAN
from huiyin.services.tts.spoken.formulas import SYMBOLS
from huiyin.services.tts.spoken.units import simple_units, unit_pattern

PATTERNS = {
    "NUMBER": r"\d+(?:(?:,\d{3})+(?!\d))?(?:\.\d+)?",
    "BOUND": r"(?<![\d.A-Za-z])",  # not inside a longer number or a name such as H264
    "TO": r"\s*(?:[-~–—]|至)+\s*",
    "TO_SIGNS": "-~–—至",
    "HAN": HAN,
}
_NAME = re.compile(r"\{([A-Z_]+)\}")
_GROUP = re.compile(r"\{(\w+):?(\w*)\}")
_DIGITS = frozenset("0123456789")

Form = Callable[[str], str]
"""Puts a group of a match in words."""
Reader = Callable[[re.Match[str]], str]
"""Puts a whole match in words."""


WORDS = {name: "|".join(words) for name, words in read_table(Path(__file__).with_name("words.toml")).items()}
"""Any of the words of a list, as a pattern."""


class Rule(NamedTuple):
    """What matches `pattern` is said as `read` says: a function of the match, or a template."""

    pattern: re.Pattern[str]
    read: Reader | str
    signs: frozenset[str]
    """Every match contains one of these characters; empty: nothing is known of it."""


def language_table(language: str, kinds: Iterable[str]) -> dict[str, Any]:
    """The files of a language's folder: the rows of each of `kinds` under `rules`, their other tables merged.

    A row may name the patterns of its own file, those of `patterns.toml` and PATTERNS, UNIT for any unit of measure,
    and SYMBOLS for the signs of mathematics.
    """
    folder = Path(__file__).with_name(language)
    files = {kind: read_table(folder / f"{kind}.toml") for kind in kinds}
    table: dict[str, Any] = {name: each for file in files.values() for name, each in file.items()}
    table["units"] = simple_units(table)
    shared = PATTERNS | {"UNIT": unit_pattern(table["units"]), "SYMBOLS": "".join(SYMBOLS)}
    table["patterns"] = shared | read_table(folder / "patterns.toml")
    table["rules"] = {
        kind: [_row(row, table["patterns"] | file.get("patterns", {})) for row in file["rules"]]
        for kind, file in files.items()
    }
    return table


def _row(row: Sequence[str], patterns: Mapping[str, str]) -> list[str]:
    """A row without names: its pattern, what is said, its signs."""
    pattern, words, *signs = row
    return [expanded(pattern, patterns), words, *(expanded(each, patterns) for each in signs)]


def expanded(pattern: str, patterns: Mapping[str, str]) -> str:
    """`pattern` with those that it names in place of their names."""
    return _NAME.sub(lambda name: expanded(patterns[name[1]], patterns), pattern)


class Rules:
    """Rules in their order. One whose signs a text lacks is not tried: a text has few of them.

    No rule may put in a sign that a later one needs: which signs there are is looked up once.
    """

    def __init__(
        self,
        rows: Iterable[Sequence[str]],
        forms: Mapping[str, Form],
        readers: Iterable[Reader] = (),
    ) -> None:
        """`readers` are known by the names of their functions, without the underscore."""
        named = {reader.__name__.lstrip("_"): reader for reader in readers}
        self._rules: list[Rule] = []
        for pattern, words, *signs in rows:
            read = named[words[:-2]] if words.endswith("()") else _template(words, forms)
            self._rules.append(Rule(re.compile(pattern), read, frozenset("".join(signs))))
        self._signs = frozenset("".join("".join(each.signs) for each in self._rules))
        self._tried_with = functools.lru_cache(maxsize=256)(self._select)

    def apply(self, text: str) -> str:
        """`text` after every rule in turn: what one has put in words has no digits left for the next."""
        for each in self._tried_with(self._signs.intersection(text)):
            text = each.pattern.sub(each.read, text)
        return text

    def _select(self, signs: frozenset[str]) -> list[Rule]:
        return [each for each in self._rules if not each.signs or each.signs & signs]


def _template(words: str, forms: Mapping[str, Form]) -> Reader | str:
    if "{" not in words:
        return words
    literals, groups, names = (_GROUP.split(words)[i::3] for i in range(3))
    parts = [
        (before, int(group) if group.isdecimal() else group, forms[name] if name else str)
        for before, group, name in zip(literals, groups, names, strict=False)
    ]

    def read(match: re.Match[str]) -> str:
        return "".join(before + form(match[group]) for before, group, form in parts) + literals[-1]

    return read


def has_digits(text: str) -> bool:
    """Whether a rule about numbers can match."""
    return not _DIGITS.isdisjoint(text)
