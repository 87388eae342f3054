"""What units, signs and letters are called, in Chinese and English: ``words.toml``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

from huiyin.configs.layers import read_toml

_WORDS = read_toml(Path(__file__).with_name("words.toml"))


def called(table: str, language: Literal["zh", "en"]) -> dict[str, Any]:
    """The names in a table of the file, by sign; signs without a name in `language` are left out."""
    return {sign: names[language] for sign, names in _WORDS[table].items() if language in names}


def one_of(signs: Iterable[str]) -> str:
    """A pattern for any of them, the longest first."""
    return "|".join(map(re.escape, sorted(signs, key=len, reverse=True)))
