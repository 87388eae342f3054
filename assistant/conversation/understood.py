"""A transcript with what its words tell of the user's mood, where the recogniser cannot hear any."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from huiyin.assistant.dialogue.feelings.judge import feeling_in
from huiyin.assistant.dialogue.language import language_of
from huiyin.assistant.dialogue.mood import Mood
from huiyin.assistant.turns.events import Transcript
from huiyin.configs.settings import TalkSettings

Understand = Callable[[Transcript], Transcript]


def understanding(settings: TalkSettings) -> Understand:
    """What is made of each transcript before anyone sees it."""
    return with_feeling if settings.emotion_from_words else only_words


def only_words(transcript: Transcript) -> Transcript:
    """The same; marks alone ("♪", "...") are what a recogniser makes of a noise: nothing was said."""
    return transcript if any(map(str.isalnum, transcript.text)) else replace(transcript, text="")


def with_feeling(transcript: Transcript) -> Transcript:
    """With an emotion from its words, where the recogniser gave none. In `facts` its source stands: "words"."""
    transcript = only_words(transcript)
    feeling = None if transcript.emotion else feeling_in(transcript.text, language_of(transcript.text))
    if feeling is None:
        return transcript
    label, confidence = feeling.label, round(feeling.confidence, 2)
    emotion = {"label": label, "confidence": confidence, "scores": {label: confidence}, "source": "words"}
    return replace(transcript, emotion=(label, confidence), facts={**transcript.facts, "emotion": emotion})


def mood_of(transcript: Transcript) -> Mood:
    """How the user feels, and by what that is known."""
    emotion = transcript.facts.get("emotion")
    is_read = isinstance(emotion, dict) and emotion.get("source") == "words"
    return Mood(transcript.emotion, transcript.events, "words" if is_read else "voice")
