"""Five styles of speech, the words that select them, and what they change.

The changes are small on purpose: a friend who sounds a little slower and softer, not an actor. Kokoro and edge-tts
change pace and pitch, hibari its pace; the level changes for all (the table: docs/speech.md).
"""

from __future__ import annotations

from dataclasses import dataclass

from huiyin.services.common.errors import ApiError


@dataclass(frozen=True)
class Style:
    """What a style changes."""

    name: str
    pace: float = 1.0  # factor of the speed
    pitch: float = 0.0  # semitones
    level_db: float = 0.0


NEUTRAL = Style("neutral")
STYLES = {
    style.name: style
    for style in (
        NEUTRAL,
        Style("gentle", pace=0.90, pitch=-0.7, level_db=-2.0),
        Style("cheerful", pace=1.07, pitch=1.3, level_db=1.0),
        Style("calm", pace=0.93, pitch=-0.8, level_db=-1.0),
        Style("serious", pace=0.95, pitch=-1.2),
    )
}
# How the user sounds -> how to answer: the recognisers' emotions and events, and other words.
_STYLE_FOR = {
    **dict.fromkeys(("", "other", "unknown", "default", "normal"), "neutral"),
    **dict.fromkeys(
        ("sad", "fearful", "crying", "hurt", "lonely", "tired", "worried", "anxious", "empathetic", "soft"), "gentle"
    ),
    **dict.fromkeys(("happy", "laughter", "surprised", "excited", "joyful", "glad", "friendly"), "cheerful"),
    **dict.fromkeys(("angry", "disgusted", "annoyed", "frustrated", "nervous", "relaxed"), "calm"),
    **dict.fromkeys(("formal", "newscast"), "serious"),
}


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
