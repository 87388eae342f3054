"""What the model is shown of a tool's output: text that it can read, and nothing that it could take for more."""

from __future__ import annotations

import re

# Chat templates mark speakers and calls so, and a tokenizer reads such a mark in a text as the mark itself: an output
# could end its own message and begin one of the user.
_MARKS = re.compile(
    r"<\|[^|<>]{0,40}\|>|<｜[^｜<>]{0,40}｜>"
    r"|</?\s*(?:tool_calls?|tool_response|function|tools|think|s|im_start|im_end)\b[^>]{0,80}>"
    r"|\[/?(?:INST|TOOL_CALLS|TOOL_RESULTS|AVAILABLE_TOOLS)\]|<</?SYS>>",
    re.I,
)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_BLANKS = re.compile(r"[ \t]{3,}|\n{3,}")
_CUT = " […]"


def shown_output(output: str, limit: int) -> str:
    """`output` without marks of chat templates and control characters, `limit` characters at most. Never empty."""
    text = _CONTROL.sub("", output.replace("\r\n", "\n"))
    while (cleaned := _MARKS.sub(" ", text)) != text:  # what is left could form a new one
        text = cleaned
    text = _BLANKS.sub(lambda blank: "\n\n" if "\n" in blank[0] else " ", text).strip()
    if len(text) > limit:
        text = text[: max(0, limit - len(_CUT))].rstrip() + _CUT
    return text or "(no output)"
