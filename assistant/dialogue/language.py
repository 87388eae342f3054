"""Which of the two languages a text is in."""

from __future__ import annotations

import re

_CJK = re.compile(r"[\u3400-\u9fff]")


def language_of(text: str) -> str:
    """'zh' when `text` has any Chinese character (mixed text is spoken by the Chinese voice), else 'en'."""
    return "zh" if _CJK.search(text) else "en"
