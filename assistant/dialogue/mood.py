"""How the user sounds, or by their words feels, in one line for the language model.

Emotion tags are often wrong (docs/asr.md), so a doubtful one is not mentioned. A clear one becomes one bracketed line
in front of the user's last words, in their language, with what to do about it: it is never in the system prompt or the
history, so that the prompt's beginning stays as it is and caches keep hitting.

What lasts for several turns is mentioned again only when it has become a trend, and when it is over: a model that reads
"sad" before every message talks of nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Source = Literal["voice", "words"]

LEAST_CONFIDENCE = 0.6  # of an emotion worth mentioning: below, one in three is wrong even on acted speech
LEAST_EVENT_CONFIDENCE = 0.5  # of a sound event worth mentioning: more likely than not
TREND_TURNS = 3  # so many turns in a row make a trend, mentioned once

_CANNOT_TELL = ("", "other", "unknown")  # does not even end a trend
_CALM = ("neutral", *_CANNOT_TELL)  # nothing to say
_EMOTIONS = {
    "happy": {"zh": "很开心", "en": "happy"},
    "sad": {"zh": "很难过", "en": "sad"},
    "angry": {"zh": "很生气", "en": "angry"},
    "fearful": {"zh": "很害怕", "en": "frightened"},
    "disgusted": {"zh": "很反感", "en": "disgusted"},
    "surprised": {"zh": "很惊讶", "en": "surprised"},
}
_EVENTS = {
    "laughter": {"zh": "用户在笑", "en": "the user laughs"},
    "crying": {"zh": "用户在哭", "en": "the user is crying"},
    "cough": {"zh": "用户在咳嗽", "en": "the user coughs"},
    "sneeze": {"zh": "用户打了个喷嚏", "en": "the user sneezes"},
    "applause": {"zh": "有人在鼓掌", "en": "people applaud"},
    "music": {"zh": "旁边放着音乐", "en": "music is playing"},
    "singing": {"zh": "用户在唱歌", "en": "the user sings"},
}
# The first time, as a trend, when it is over; then what to do about it.
_SOUNDS = {
    "voice": {"zh": "用户听起来{}", "en": "the user sounds {}"},
    "words": {"zh": "从话里看，用户{}", "en": "by their words, the user is {}"},
}
_TREND = {
    "voice": {"zh": "用户一直听起来{}", "en": "the user has sounded {} for a while"},
    "words": {"zh": "从话里看，用户一直{}", "en": "by their words, the user has been {} for a while"},
}
_OVER = {"zh": "用户听起来平静些了", "en": "the user sounds calmer now"}
_ADVICE = {
    "gentle": {
        "zh": "先体谅，再帮忙；不要提起这一行",
        "en": "acknowledge it first, then help; do not mention this line",
    },
    "glad": {"zh": "一起高兴；不要提起这一行", "en": "share the mood; do not mention this line"},
    "plain": {"zh": "自然地回应；不要提起这一行", "en": "answer naturally; do not mention this line"},
}
_GENTLE = ("sad", "angry", "fearful", "disgusted", "crying")
_GLAD = ("happy", "laughter")


@dataclass(frozen=True)
class Mood:
    """How one turn sounded: (label, confidence 0..1) of the emotion, None: unknown; labels of sound events. `source`:
    what the emotion is known by."""

    emotion: tuple[str, float] | None = None
    events: tuple[str, ...] = ()
    source: Source = "voice"

    @property
    def clear(self) -> str:
        """The emotion if it is sure enough and one to speak of, else ''."""
        label = self.sure
        return "" if label in _CALM else label

    @property
    def sure(self) -> str:
        """The emotion, calm ones too, if it is sure enough, else ''."""
        return self.emotion[0] if self.emotion and self.emotion[1] >= LEAST_CONFIDENCE else ""


def mood_line(now: Mood, before: Sequence[Mood], language: str) -> str:
    """The line for the model, '' when there is nothing to say.

    `before`: how the earlier turns sounded, oldest first; `language`: 'zh' or 'en', the user's.
    """
    facts, tone = _emotion(now, before, language)
    last_events = before[-1].events if before else ()
    for label in dict.fromkeys(now.events):
        if label in _EVENTS and label not in last_events:  # music goes on: it is mentioned when it begins
            facts.append(_EVENTS[label][language])
            tone = tone or label
    if not facts:
        return ""
    advice = _ADVICE[_advice_for(tone)][language]
    if language == "zh":
        return f"（{'，'.join(facts)}。{advice}。）"
    return f"({_capitalised('; '.join(facts))}. {_capitalised(advice)}.)"


def _advice_for(label: str) -> str:
    if label in _GENTLE:
        return "gentle"
    return "glad" if label in _GLAD else "plain"


def _capitalised(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]


def in_a_row(label: str, before: Sequence[Mood]) -> int:
    """How many turns in a row were `label`, counted back from the last; turns without a known emotion do not count."""
    count = 0
    for earlier in reversed(_known(before)):
        if earlier != label:
            break
        count += 1
    return count


def _known(moods: Sequence[Mood]) -> list[str]:
    """The emotions, calm ones too, of the turns that have a known one."""
    return [mood.sure for mood in moods if mood.sure not in _CANNOT_TELL]


def _emotion(now: Mood, before: Sequence[Mood], language: str) -> tuple[list[str], str]:
    """(the facts to state about the emotion, its label)."""
    label = now.clear
    if not label:
        known = _known(before)
        has_eased = now.sure == "neutral" and known and known[-1] in _GENTLE
        return ([_OVER[language]], "") if has_eased else ([], "")
    row = in_a_row(label, before) + 1
    if label not in _EMOTIONS or row not in (1, TREND_TURNS):
        return [], ""
    template = _SOUNDS if row == 1 else _TREND
    return [template[now.source][language].format(_EMOTIONS[label][language])], label
