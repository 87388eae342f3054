"""Five styles of speech, the words that select them, and what they change.

The changes are small on purpose: a friend who sounds a little slower and softer, not an actor. Kokoro and edge-tts
change pace and pitch, hibari its pace; the level changes for all (the table: docs/speech.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from huiyin.services.common.errors import ApiError
from huiyin.services.tts.voice_engine import VOICE_TABLE


@dataclass(frozen=True)
class Style:
    """What a style changes."""

    name: str
    pace: float = 1.0  # factor of the speed
    pitch: float = 0.0  # semitones
    level_db: float = 0.0


_TABLE: dict[str, dict[str, Any]] = VOICE_TABLE["styles"]
STYLES = {
    name: Style(name, **{key: value for key, value in table.items() if key != "for"}) for name, table in _TABLE.items()
}
NEUTRAL = STYLES["neutral"]
_STYLE_FOR = {word: name for name, table in _TABLE.items() for word in table["for"]}
EMOTIONS = [*STYLES, *_STYLE_FOR]
"""The words that select a style."""


def style_of(word: object) -> Style:
    """The style for a request's `emotion`. Raises ApiError 400 for an unknown word."""
    if not isinstance(word, str):
        raise ApiError(400, "tts.bad_emotion", styles=list(STYLES))
    name = word.strip().lower()
    style = STYLES.get(_STYLE_FOR.get(name, name))
    if style is None:
        emotions = [word for word in _STYLE_FOR if word]
        raise ApiError(400, "tts.unknown_emotion", emotion=word[:40], styles=list(STYLES), emotions=emotions)
    return style
