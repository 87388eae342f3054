"""Every sentence that tells a person what went wrong, in one table: key -> words.

A file a room of the house (``asr.toml``), a table a message: ``asr.unknown_language`` is ``[unknown_language]`` in
``asr.toml``, with the columns ``en`` (what happened) and ``hint_en`` (what to do). Facts stand in braces and are
formatted by `str.format`: ``{wait_s:.0f}``, ``{name!r}``. A sequence is joined with commas: ``{names}``.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

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
    return dict(tomllib.loads((_FOLDER / f"{room}.toml").read_text(encoding="utf-8")))


def rooms() -> list[str]:
    """The files there are."""
    return sorted(path.stem for path in _FOLDER.glob("*.toml"))


def _entry(key: str) -> dict[str, str]:
    room, _, name = key.partition(".")
    return table(room)[name]


def _fill(words: str, facts: Mapping[str, object]) -> str:
    return words.format(**{name: _joined(value) for name, value in facts.items()})


def _joined(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else value
