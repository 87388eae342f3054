"""Every sentence that tells a person what went wrong, in one table: key -> words.

A file a room of the house (``asr.toml``), a table a message: ``asr.unknown_language`` is ``[unknown_language]`` in
``asr.toml``, with the columns ``en`` (what happened) and ``hint_en`` (what to do). What the page shows has ``zh`` and
``hint_zh``, too; where they are missing, the reader gets English. Facts stand in braces and are formatted by
`str.format`:

    {wait_s:.0f}, {name!r}      a number rounded, a text in quotation marks
    {names}, {commands: and }   a list joined with commas, or with what stands after the colon
    {error}                     another error or message: its own words, in the same language
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Protocol, runtime_checkable

from huiyin.configs.tables import read_table

FOLDER = Path(__file__).parent
SEMICOLONS = {"en": "; ", "zh": "；"}
"""By language: what stands before a hint in one line with what happened."""
_own = "en"


@runtime_checkable
class _Keyed(Protocol):
    """An error, or a message."""

    key: str
    facts: dict[str, object]


class Message:
    """A sentence of the table with its facts, which becomes words where the reader's language is known."""

    def __init__(self, key: str, /, **facts: object) -> None:
        self.key, self.facts = key, facts

    def text(self, language: str = "") -> str:
        """What there is to say; `language` '': in the program's own."""
        return text(self.key, self.facts, language)

    def hint(self, language: str = "") -> str:
        """What to do about it; '' where nothing is to be done."""
        return hint(self.key, self.facts, language)

    def __str__(self) -> str:
        return self.text()


def speak(language: str) -> None:
    """From here on this program's own language is 'en' or 'zh': of all words for which none is asked for.

    A service, whose words are read by programs, stays with English.
    """
    global _own
    _own = language


def language() -> str:
    """The program's own."""
    return _own


def colon(language: str = "") -> str:
    """What separates a name from what is said of it, in `language`, '' for the program's own."""
    return "：" if (language or _own) == "zh" else ": "


def text(key: str, facts: Mapping[str, object], language: str = "") -> str:
    """What happened, in `language`, '' for the program's own. Raises KeyError for an unknown key or a missing fact."""
    language = language or _own
    row = _entry(key)
    return _fill(row.get(language, row["en"]), facts, language)


def said(key: str, /, **facts: object) -> str:
    """A sentence for the user, in the program's own language."""
    return text(key, facts)


def hint(key: str, facts: Mapping[str, object], language: str = "") -> str:
    """What to do about it; '' where the table has nothing."""
    language = language or _own
    row = _entry(key)
    return _fill(row.get(f"hint_{language}", row.get("hint_en", "")), facts, language)


def with_hint(key: str, facts: Mapping[str, object], language: str = "") -> str:
    """What happened and, where the table has it, what to do about it: one line."""
    language = language or _own
    return SEMICOLONS.get(language, SEMICOLONS["en"]).join(
        filter(None, (text(key, facts, language), hint(key, facts, language)))
    )


@cache
def table(room: str) -> dict[str, dict[str, str]]:
    """The messages of one file."""
    return read_table(FOLDER / f"{room}.toml")


def rooms() -> list[str]:
    """The files there are."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def _entry(key: str) -> dict[str, str]:
    room, _, name = key.partition(".")
    return table(room)[name]


def _fill(words: str, facts: Mapping[str, object], language: str) -> str:
    return words.format(**{name: _placed(fact, language) for name, fact in facts.items()})


def _placed(fact: object, language: str) -> object:
    if isinstance(fact, (list, tuple)):
        return _List([_placed(each, language) for each in fact], ", " if language == "en" else "、")
    if isinstance(fact, Message):
        return fact.text(language)
    if isinstance(fact, _Keyed) and language != _own:
        return text(fact.key, fact.facts, language)
    return of_the_system(fact, language) if language == "zh" and isinstance(fact, (str, OSError)) else fact


def of_the_system(words: str | OSError, language: str = "") -> str:
    """What the operating system says is wrong; itself where that is not known in `language` ('': the program's own)."""
    short = str((words.strerror if isinstance(words, OSError) else words) or words)
    return _system_words().get(short, short) if (language or _own) == "zh" else short


@cache
def _system_words() -> dict[str, str]:
    """The system's own words for an error, and FFmpeg's -> Chinese ones."""
    table = read_table(FOLDER / "zh" / "system.toml")
    own = {os.strerror(number): table[name] for number, name in errno.errorcode.items() if name in table}
    return {**own, **table["ffmpeg"]}


class _List:
    """A fact of several: its format is what stands between them."""

    def __init__(self, items: Sequence[object], between: str) -> None:
        """`between`: what stands between them, unless the format says something else."""
        self._items, self._between = items, between

    def __format__(self, between: str) -> str:
        return (between or self._between).join(map(str, self._items))

    def __repr__(self) -> str:
        return repr(self._items)
