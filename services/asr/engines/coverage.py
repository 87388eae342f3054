"""Whether a text is too short for its speech: a decoder may stop after the first of two sentences.

Measured on 140 recorded and synthesised sentences in zh and en, in letters a second of voice activity (a Chinese
character counts as three, as long as it takes to say): 9.8 the slowest, 15 the median.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher

from huiyin.services.common.text import HAN, HANGUL, KANA

_SLOWEST = 9.0  # letters a second
_USUAL = 13.0
_MISSING_S = 1.5  # of speech without text, at least: a hesitation has no words
_LONG_SIGN = re.compile(f"[{HAN}{KANA}{HANGUL}0-9]")
_LONG_LETTERS = 3
_WORD = re.compile(rf"[{HAN}{KANA}{HANGUL}]|[^\W{HAN}{KANA}{HANGUL}]+")  # of scripts without spaces, one character
_THINNER = 1.3  # times fewer letters a second than in the other half: something is missing
_SAME = 0.5  # of the words: a second decoding writes some of them otherwise
_CHANCE = 0.2  # of the words that two sentences have in common (的, "the")
_QUICKEST = 24.0  # letters a second


def letters(text: str) -> int:
    """How long it takes to say `text`, in Latin letters."""
    return sum(_LONG_LETTERS if _LONG_SIGN.match(char) else 1 for char in text if char.isalnum())


def is_too_short(text: str, speech_s: float) -> bool:
    """Whether words are likely to be missing from the text of so much speech."""
    count = letters(text)
    return count < _SLOWEST * speech_s and speech_s - count / _USUAL > _MISSING_S


def holds(text: str, part: str) -> bool:
    """Whether `text` has most of the words of `part`, in their order: then they are the same speech."""
    return _in_common(text, part) >= _SAME * len(_words(part))


def is_as_dense(text: str, part: str, other_s: float, part_s: float) -> bool:
    """Whether `text`, of `part_s` seconds of speech with the words `part` and `other_s` of other, is as full there."""
    count = letters(part)
    return _THINNER * (letters(text) - count) * part_s >= count * other_s


def is_of_the_other(text: str, part: str, other_s: float) -> bool:
    """Whether `text` is what was said in `other_s` seconds of speech beside the words `part`, and nothing of these."""
    if letters(text) > _QUICKEST * other_s or is_too_short(text, other_s):
        return False
    return _in_common(text, part) <= _CHANCE * len(_words(text))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _in_common(text: str, other: str) -> int:
    """How many words both have, in one order."""
    blocks = SequenceMatcher(None, _words(text), _words(other), autojunk=False).get_matching_blocks()
    return sum(block.size for block in blocks)
