"""Which of the known names was meant by one that is not known."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from huiyin.configs.messages import Message

_LEAST_LIKENESS = 0.5  # of 0..1 as difflib counts it: half of the letters in common


def nearest(word: str, names: Iterable[str], key: str = "settings.near") -> Message | str:
    """The name that comes closest to `word`, in the words of the message `key`; '' where none does."""
    close = difflib.get_close_matches(word, list(names), n=1, cutoff=_LEAST_LIKENESS)
    return Message(key, name=close[0]) if close else ""
