"""How the reply is spoken: the user's mood decides the style of the voice, as it decides what is asked of the model.

The styles are those of the speech service's `emotion`: how the voice should sound, not how the user does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from huiyin.assistant.dialogue.mood import TREND_TURNS, Mood, in_a_row

Style = Literal["neutral", "gentle", "cheerful", "calm", "serious"]

_STYLES: dict[str, Style] = {
    "sad": "gentle",
    "fearful": "gentle",
    "angry": "calm",
    "disgusted": "calm",
    "happy": "cheerful",
}
_EVENT_STYLES: dict[str, Style] = {"crying": "gentle", "laughter": "cheerful"}


def speaking_style(now: Mood, before: Sequence[Mood]) -> Style:
    """The style of the answer to a user who sounds like this; `before`: their earlier turns, oldest first.

    A user who cries is spoken to gently whatever else was recognised. Anger is met with calm, and when it lasts with
    seriousness: being soothed for the third time annoys. A voice does not leap: after a sad turn it is calm before it
    is neutral again, and a turn of unknown mood is answered like the one before it.
    """
    if "crying" in now.events:
        return "gentle"
    if now.clear:
        if now.clear == "angry" and in_a_row("angry", before) + 1 >= TREND_TURNS:
            return "serious"
        return _STYLES.get(now.clear, "neutral")
    for event in now.events:
        if event in _EVENT_STYLES:
            return _EVENT_STYLES[event]
    last: Style = speaking_style(before[-1], before[:-1]) if before and _tells(before[-1]) else "neutral"
    if now.sure == "neutral":
        return "calm" if last == "gentle" else "neutral"
    return last


def _tells(mood: Mood) -> bool:
    """Whether this turn's own sound says how to answer it."""
    return bool(mood.clear) or any(event in _EVENT_STYLES for event in mood.events)
