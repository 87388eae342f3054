"""How long something is, in words for the ear."""

from __future__ import annotations

from datetime import timedelta

_UNITS = (
    ("天", "day", timedelta(days=1)),
    ("小时", "hour", timedelta(hours=1)),
    ("分钟", "minute", timedelta(minutes=1)),
    ("秒", "second", timedelta(seconds=1)),
)


def span_in_words(span: timedelta, language: str) -> str:
    """A span of time by its largest unit, rounded: "two hours" as "2 hours", 2小时."""
    for zh, en, unit in _UNITS:
        count = round(span / unit)
        if span >= unit or unit == _UNITS[-1][2]:
            return f"{count}{zh}" if language == "zh" else f"{count} {en}{'' if count == 1 else 's'}"
    raise AssertionError("seconds are the last")
