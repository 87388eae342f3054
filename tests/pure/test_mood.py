"""How the user sounds becomes one line for the model, or none."""

from __future__ import annotations

import pytest

from huiyin.assistant.dialogue.history import HeardClause, History
from huiyin.assistant.dialogue.mood import Mood, mood_line
from huiyin.assistant.dialogue.persona import Persona

SAD, ANGRY, HAPPY = Mood(("sad", 0.9)), Mood(("angry", 0.8)), Mood(("happy", 0.7))
NEUTRAL, UNKNOWN, NOTHING = Mood(("neutral", 0.9)), Mood(("unknown", 0.9)), Mood()
GENTLE_ZH, GENTLE_EN = "先体谅，再帮忙；不要提起这一行", "Acknowledge it first, then help; do not mention this line"

TREND_ZH = f"（用户一直听起来很难过。{GENTLE_ZH}。）"
TREND_EN = f"(The user has sounded sad for a while. {GENTLE_EN}.)"


@pytest.mark.parametrize(
    ("now", "before", "zh", "en"),
    [
        (NOTHING, [], "", ""),
        (NEUTRAL, [], "", ""),
        (UNKNOWN, [], "", ""),
        (Mood(("other", 1.0)), [], "", ""),
        (Mood(("sad", 0.59)), [], "", ""),
        (SAD, [], f"（用户听起来很难过。{GENTLE_ZH}。）", f"(The user sounds sad. {GENTLE_EN}.)"),
        (ANGRY, [NOTHING], f"（用户听起来很生气。{GENTLE_ZH}。）", f"(The user sounds angry. {GENTLE_EN}.)"),
        (
            Mood(("fearful", 0.6)),
            [],
            f"（用户听起来很害怕。{GENTLE_ZH}。）",
            f"(The user sounds frightened. {GENTLE_EN}.)",
        ),
        (
            Mood(("disgusted", 1.0)),
            [NEUTRAL],
            f"（用户听起来很反感。{GENTLE_ZH}。）",
            f"(The user sounds disgusted. {GENTLE_EN}.)",
        ),
        (
            Mood(("surprised", 0.7)),
            [],
            "（用户听起来很惊讶。自然地回应；不要提起这一行。）",
            "(The user sounds surprised. Answer naturally; do not mention this line.)",
        ),
        (Mood(("bored", 0.9)), [], "", ""),
        (
            HAPPY,
            [],
            "（用户听起来很开心。一起高兴；不要提起这一行。）",
            "(The user sounds happy. Share the mood; do not mention this line.)",
        ),
        # said once, then as a trend, then no more
        (SAD, [SAD], "", ""),
        (SAD, [SAD, SAD], TREND_ZH, TREND_EN),
        (SAD, [SAD, SAD, SAD], "", ""),
        # what nobody can tell does not end a trend; another emotion does
        (SAD, [SAD, UNKNOWN, SAD], TREND_ZH, TREND_EN),
        (SAD, [SAD, HAPPY], f"（用户听起来很难过。{GENTLE_ZH}。）", f"(The user sounds sad. {GENTLE_EN}.)"),
        (
            NEUTRAL,
            [SAD],
            "（用户听起来平静些了。自然地回应；不要提起这一行。）",
            "(The user sounds calmer now. Answer naturally; do not mention this line.)",
        ),
        (NEUTRAL, [SAD, NEUTRAL], "", ""),
        (NEUTRAL, [HAPPY], "", ""),
        # events where they matter
        (
            Mood(None, ("laughter",)),
            [],
            "（用户在笑。一起高兴；不要提起这一行。）",
            "(The user laughs. Share the mood; do not mention this line.)",
        ),
        (Mood(None, ("crying",)), [], f"（用户在哭。{GENTLE_ZH}。）", f"(The user is crying. {GENTLE_EN}.)"),
        (
            Mood(("happy", 0.9), ("laughter", "laughter", "breath")),
            [],
            "（用户听起来很开心，用户在笑。一起高兴；不要提起这一行。）",
            "(The user sounds happy; the user laughs. Share the mood; do not mention this line.)",
        ),
        (
            Mood(None, ("cough",)),
            [],
            "（用户在咳嗽。自然地回应；不要提起这一行。）",
            "(The user coughs. Answer naturally; do not mention this line.)",
        ),
        (
            Mood(None, ("sneeze",)),
            [],
            "（用户打了个喷嚏。自然地回应；不要提起这一行。）",
            "(The user sneezes. Answer naturally; do not mention this line.)",
        ),
        (
            Mood(None, ("applause",)),
            [],
            "（有人在鼓掌。自然地回应；不要提起这一行。）",
            "(People applaud. Answer naturally; do not mention this line.)",
        ),
        (
            Mood(None, ("singing", "music")),
            [],
            "（用户在唱歌，旁边放着音乐。自然地回应；不要提起这一行。）",
            "(The user sings; music is playing. Answer naturally; do not mention this line.)",
        ),
        # an emotion decides what to do, whatever else is heard
        (
            Mood(("sad", 0.9), ("cough",)),
            [],
            f"（用户听起来很难过，用户在咳嗽。{GENTLE_ZH}。）",
            f"(The user sounds sad; the user coughs. {GENTLE_EN}.)",
        ),
        # what goes on is said when it begins, and again when it begins anew
        (Mood(None, ("music",)), [Mood(None, ("music",))], "", ""),
        (
            Mood(None, ("music",)),
            [Mood(None, ("music",)), NOTHING],
            "（旁边放着音乐。自然地回应；不要提起这一行。）",
            "(Music is playing. Answer naturally; do not mention this line.)",
        ),
        (Mood(None, ("breath", "noise", "speech")), [], "", ""),
    ],
)  # fmt: skip
def test_tags_and_what_came_before_make_the_line(now: Mood, before: list[Mood], zh: str, en: str) -> None:
    assert mood_line(now, before, "zh") == zh
    assert mood_line(now, before, "en") == en


def test_the_line_says_where_only_the_words_tell_it() -> None:
    read = Mood(("sad", 0.9), source="words")
    assert mood_line(read, [], "zh") == f"（从话里看，用户很难过。{GENTLE_ZH}。）"
    assert mood_line(read, [], "en") == f"(By their words, the user is sad. {GENTLE_EN}.)"
    assert mood_line(read, [read, SAD], "zh").startswith("（从话里看，用户一直很难过。")
    assert mood_line(SAD, [read], "en") == "", "it is the same mood"


def test_the_line_stands_before_the_last_words_and_nowhere_else() -> None:
    persona, history = Persona("P", "You are P."), History()
    history.commit("我没考过", [HeardClause("唉。", 1.0)], interrupted=False, mood=SAD)
    messages = persona.messages(history, "又没考过。", ANGRY)
    assert messages == [
        {"role": "system", "content": "You are P."},
        {"role": "user", "content": "我没考过"},
        {"role": "assistant", "content": "唉。"},
        {"role": "user", "content": f"（用户听起来很生气。{GENTLE_ZH}。）\n又没考过。"},
    ]


def test_the_line_is_in_the_language_of_the_words() -> None:
    persona = Persona("P", "You are P.")
    assert persona.messages(History(), "I failed again.", SAD)[-1]["content"].startswith("(The user sounds sad.")
    assert persona.messages(History(), "我又没考过。", SAD)[-1]["content"].startswith("（用户听起来很难过。")


def test_nothing_is_said_of_a_prompt_without_words() -> None:
    assert "(" not in Persona("P", "You are P.").messages(History(), "", SAD)[-1]["content"]
