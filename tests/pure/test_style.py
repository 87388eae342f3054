"""How the user sounds decides how the reply is spoken."""

from __future__ import annotations

import pytest

from huiyin.assistant.dialogue.mood import LEAST_CONFIDENCE, Mood
from huiyin.assistant.dialogue.style import speaking_style

SAD, ANGRY, HAPPY = Mood(("sad", 0.9)), Mood(("angry", 0.8)), Mood(("happy", 0.7))
NEUTRAL, NOTHING = Mood(("neutral", 0.9)), Mood()
CRIES, LAUGHS = Mood(None, ("crying",)), Mood(None, ("laughter",))


@pytest.mark.parametrize(
    ("now", "before", "style"),
    [
        (NOTHING, [], "neutral"),
        (NEUTRAL, [], "neutral"),
        (SAD, [], "gentle"),
        (Mood(("fearful", 0.9)), [], "gentle"),
        (ANGRY, [], "calm"),
        (Mood(("disgusted", 0.9)), [], "calm"),
        (HAPPY, [], "cheerful"),
        (Mood(("surprised", 0.9)), [], "neutral"),
        # as sure as it must be to be mentioned to the model, too
        (Mood(("sad", LEAST_CONFIDENCE)), [], "gentle"),
        (Mood(("sad", LEAST_CONFIDENCE - 0.01)), [], "neutral"),
        # anger that lasts is taken seriously; sadness is not
        (ANGRY, [ANGRY], "calm"),
        (ANGRY, [ANGRY, ANGRY], "serious"),
        (ANGRY, [ANGRY, NOTHING, ANGRY], "serious"),
        (ANGRY, [ANGRY, HAPPY, ANGRY], "calm"),
        (SAD, [SAD, SAD, SAD], "gentle"),
        # events, where the emotion says nothing; who cries is spoken to gently in any case
        (CRIES, [], "gentle"),
        (Mood(("happy", 0.9), ("crying",)), [], "gentle"),
        (LAUGHS, [], "cheerful"),
        (Mood(("sad", 0.9), ("laughter",)), [], "gentle"),
        (Mood(None, ("music", "cough", "applause")), [], "neutral"),
        # a voice does not leap: a turn that tells nothing is answered like the one before, but no longer than that
        (NOTHING, [SAD], "gentle"),
        (NOTHING, [LAUGHS], "cheerful"),
        (NOTHING, [ANGRY, ANGRY, ANGRY], "serious"),
        (NOTHING, [SAD, NOTHING], "neutral"),
        (Mood(("unknown", 0.9)), [SAD], "gentle"),
        (NEUTRAL, [SAD], "calm"),
        (NEUTRAL, [SAD, NEUTRAL], "neutral"),
        (NEUTRAL, [HAPPY], "neutral"),
        (NEUTRAL, [ANGRY], "neutral"),
    ],
)
def test_mood_and_what_came_before_make_the_style(now: Mood, before: list[Mood], style: str) -> None:
    assert speaking_style(now, before) == style
