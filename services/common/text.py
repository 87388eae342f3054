"""Which script a character is of: bodies of character classes for regular expressions, and two questions about a text.

One definition for the whole project; imports nothing of it.
"""

from __future__ import annotations

import re

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f"
"""Chinese characters: unified ideographs, their extensions A to F, and compatibility ideographs."""
KANA = "\u3040-\u30fa\u30fc-\u30ff"
"""Japanese syllables, without the middle dot between them (U+30FB), which Chinese names use as well."""
HANGUL = "\uac00-\ud7af"
"""Korean syllables."""
UNSPACED = f"\u2e80-\u9fff{HAN}"
"""What is written without spaces between words: Chinese characters, their radicals, kana, and the marks beside them."""
FULL_WIDTH = "\uff00-\uffef"
"""Full-width Latin letters, digits and punctuation, and half-width kana."""
WIDE = UNSPACED + FULL_WIDTH
"""What has no space on either side."""

_FIRST_WIDE = "\u2e80"

HAN_CHARACTER = re.compile(f"[{HAN}]")


def is_chinese(text: str) -> bool:
    """Whether there is a Chinese character in `text`."""
    return HAN_CHARACTER.search(text) is not None


def count_han(text: str) -> int:
    """How many Chinese characters are in `text`."""
    return len(HAN_CHARACTER.findall(text))


def columns(text: str) -> int:
    """Its width in a fixed font: a Chinese character takes two columns."""
    return sum(2 if char >= _FIRST_WIDE else 1 for char in text)


def whole_characters(text: str) -> str:
    """`text` with "?" for each half of a character (a surrogate alone), which JSON can hold and no answer can."""
    return text.encode("utf-8", "replace").decode()
