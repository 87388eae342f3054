"""Everyday English words (`common_words.txt`), which are not misheard names.

Words that occur often in "Pride and Prejudice" or in the manuals of Vim and Python, and everyday things, without their
regular endings.
"""

from __future__ import annotations

import functools
from pathlib import Path

_WORDS = frozenset(Path(__file__).with_name("common_words.txt").read_text(encoding="utf-8").split())


@functools.lru_cache(maxsize=20_000)
def is_common(word: str) -> bool:
    """Whether `word`, with or without a regular ending (-s, -ed, -ing ...), is an everyday word."""
    plain = word.lower().replace("'", "").replace("\u2019", "")
    return plain in _WORDS or any(stem in _WORDS for stem in _stems(plain))


def _stems(word: str) -> list[str]:
    stems = []
    for ending in ("s", "es", "ed", "ing", "er", "est", "ly"):
        stem = word[: -len(ending)]
        if len(stem) >= 2 and word.endswith(ending):
            stems += [stem, stem + "e", stem[:-1] if stem[-1] == stem[-2] else stem]
            stems.append(stem[:-1] + "y" if stem.endswith("i") else stem)
    return stems
