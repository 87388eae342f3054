"""Which of the two languages a text is in, and the reminder to answer in it."""

from __future__ import annotations

import re

from huiyin.services.common.text import is_chinese

_LATIN_WORD = re.compile(r"[A-Za-z]+(?:['’][A-Za-z]+)?")
_LEAST_WORDS = 2  # "OK" alone, or a name, is said in any language
_HINTS = {"zh": "（请用中文回答。）", "en": "(Answer in English.)"}


def language_of(text: str) -> str:
    """'zh' when `text` has any Chinese character (mixed text is spoken by the Chinese voice), else 'en'."""
    return "zh" if is_chinese(text) else "en"


def language_hint(user: str, last_reply: str, replies_in: str) -> str:
    """A line for the model where it would slip into the wrong language, else ''.

    `replies_in`: 'zh', 'en', 'user' for the language of the user's own words, or '' where that is not known. With the
    system prompt alone, the embedded 1.5B model answered English in Chinese after a Chinese turn; with this line it
    does not. So it stands where the language changes. Words of both languages in one sentence change nothing.
    """
    spoken = language_of(user)
    if not replies_in:
        return ""
    if spoken == "zh" and _LATIN_WORD.search(user):
        return ""
    if spoken == "en" and len(_LATIN_WORD.findall(user)) < _LEAST_WORDS:
        return ""
    if replies_in == "user":
        return _HINTS[spoken] if last_reply and language_of(last_reply) != spoken else ""
    return _HINTS[replies_in] if spoken != replies_in else ""
