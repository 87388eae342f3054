"""English words of two readings: which is meant, where the reader's own tagger goes wrong (`homographs.toml`)."""

from __future__ import annotations

import re
from pathlib import Path

from huiyin.configs.tables import read_table

_RULES = [
    (word, phonemes, re.compile(rf"(?P<before>{before})\b(?P<word>{word})\b(?={after})", re.I))
    for before, word, after, phonemes in read_table(Path(__file__).with_name("homographs.toml"))["rules"]
]


def with_readings(text: str) -> str:
    """`text` with the phonemes of such words beside them, as hibari's reader takes them: [word](/phonemes/).

    >>> with_readings("lead pipes lead on")
    '[lead](/lˈɛd/) pipes lead on'
    """
    lower = text.lower()
    for word, phonemes, pattern in _RULES:
        if word in lower:
            text = pattern.sub(rf"\g<before>[\g<word>](/{phonemes}/)", text)
    return text
