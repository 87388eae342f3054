"""What a text is to a voice: whether there is anything to say, and in which language. Pure functions."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

from huiyin.services.common.text import HAN, is_chinese

Language = Literal["zh", "en"]

_OTHER_SCRIPT = re.compile(rf"[^\W\d_A-Za-zÀ-ɏḀ-ỿ{HAN}]")


def speakable(text: str) -> bool:
    """Whether there is a letter or a digit of any script in it."""
    return any(unicodedata.category(c)[0] in "LN" for c in text)


def language(text: str) -> Language:
    """'zh' when there is any Chinese in it: only a Chinese voice can say that; else 'en'."""
    return "zh" if is_chinese(text) else "en"


def zh_and_en(text: str) -> str:
    """`text` without the letters of scripts that the local voices cannot read."""
    return _OTHER_SCRIPT.sub("", text)
