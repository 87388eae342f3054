"""What the assistant says by itself where tools are at work, unless its persona has words of its own."""

from __future__ import annotations

from collections.abc import Mapping

TOOL_WORDS: Mapping[str, Mapping[str, str]] = {
    "zh": {
        "waiting": "稍等，我在查。",
        "confirm": "“{}”，要我做吗？",
        "reminder": "提醒你：{}。",
        "late": "{}前该提醒你的：{}。",
        "again": "这条可能已经提醒过了：{}。",
    },
    "en": {
        "waiting": "One moment, I'm on it.",
        "confirm": "{}: shall I do that?",
        "reminder": "A reminder: {}.",
        "late": "This reminder was due {} ago: {}.",
        "again": "I may have told you this already: {}.",
    },
}
"""Language -> occasion -> sentence; {} stands for what it is about."""
OCCASIONS = tuple(TOOL_WORDS["en"])
