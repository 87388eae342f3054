"""Thoughts taken out of a whole text that is to be read aloud or shown.

Wider than the LLM service's stream filter (`services/llm/think.py`), which passes on everything but `<think>` because
its callers may want it: here any of the tags that models think in goes, with attributes or without.
"""

from __future__ import annotations

import re

_TAGS = "think|thinking|thought|reasoning"
_BLOCK = re.compile(rf"<({_TAGS})\b[^<>]*>.*?(?:</\1\s*>|\Z)", re.S | re.I)  # one that is cut short goes to the end
_OPENED_BY_PROMPT = re.compile(rf"\A.*</(?:{_TAGS})\s*>", re.S | re.I)  # all before the closing tag is thought


def without_thoughts(text: str) -> str:
    """`text` without thoughts: closed, cut short at its end, or opened before its beginning. Linear in its length."""
    return _OPENED_BY_PROMPT.sub("", _BLOCK.sub("", text))
