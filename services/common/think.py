"""Removes thoughts from a whole text that is to be spoken or shown.

The LLM service's stream filter (`services/llm/think.py`) removes `<think>` only, as its callers may use the other tags;
here every tag that models use for thoughts counts, with attributes or without.
"""

from __future__ import annotations

import re

_TAGS = "think|thinking|thought|reasoning"
_BLOCK = re.compile(rf"<({_TAGS})\b[^<>]*>.*?(?:</\1\s*>|\Z)", re.S | re.I)  # without an end: all of the rest
_OPENED_BY_PROMPT = re.compile(rf"\A.*</(?:{_TAGS})\s*>", re.S | re.I)  # all before the closing tag is thought


def without_thoughts(text: str) -> str:
    """`text` without thoughts, also with only one of their tags in it. Linear in its length."""
    return _OPENED_BY_PROMPT.sub("", _BLOCK.sub("", text))
