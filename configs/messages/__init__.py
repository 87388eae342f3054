"""Every sentence that tells a person what went wrong, in one table: key -> words.

A file a room of the house (``asr.toml``), a table a message: ``asr.unknown_language`` is ``[unknown_language]`` in
``asr.toml``, with the columns ``en`` (what happened) and ``hint_en`` (what to do). Facts stand in braces and are
formatted by `str.format`:

    {wait_s:.0f}, {name!r}      a number rounded, a text in quotation marks
    {names}, {commands: and }   a list joined with commas, or with what stands after the colon
    {error}                     another error: its own message
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path

from huiyin.configs.tables import read_table

_FOLDER = Path(__file__).parent


def text(key: str, facts: Mapping[str, object], language: str = "en") -> str:
    """What happened. Raises KeyError for an unknown key or a missing fact."""
    return _fill(_entry(key)[language], facts)


def hint(key: str, facts: Mapping[str, object], language: str = "en") -> str:
    """What to do about it; '' where the table has nothing."""
    return _fill(_entry(key).get(f"hint_{language}", ""), facts)


@cache
def table(room: str) -> dict[str, dict[str, str]]:
    """The messages of one file."""
    return read_table(_FOLDER / f"{room}.toml")


def rooms() -> list[str]:
    """The files there are."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def _entry(key: str) -> dict[str, str]:
    room, _, name = key.partition(".")
    return table(room)[name]


def _fill(words: str, facts: Mapping[str, object]) -> str:
    return words.format(**{k: _List(v) if isinstance(v, (list, tuple)) else v for k, v in facts.items()})


class _List:
    """A fact of several: its format is what stands between them."""

    def __init__(self, items: Sequence[object]) -> None:
        self._items = items

    def __format__(self, between: str) -> str:
        return (between or ", ").join(map(str, self._items))

    def __repr__(self) -> str:
        return repr(self._items)
