"""Which opener suits a user's words."""

from __future__ import annotations

import pytest

from huiyin.assistant.conversation.persona_files import load_persona
from huiyin.assistant.dialogue.openers import Openers, kind_of
from huiyin.assistant.dialogue.persona import Persona, PersonaError
from huiyin.assistant.dialogue.style import Style

SHIPPED = {"en": {"question": ("Well,", "Let me see,"), "remark": ("I see,",)}}


@pytest.mark.parametrize(
    ("text", "language", "style", "kind"),
    [
        ("What is the capital of France?", "en", "neutral", "question"),
        ("what is the capital of france", "en", "cheerful", "question"),
        ("Tell me a story", "en", "neutral", "question"),
        ("And how tall is it", "en", "neutral", "question"),
        ("I like Madrid.", "en", "neutral", "remark"),
        ("Somewhat better today", "en", "neutral", "remark"),
        ("Is it far?", "en", "gentle", "gentle"),
        ("法国的首都是哪里", "zh", "neutral", "question"),
        ("给我讲个故事吧。", "zh", "neutral", "question"),
        ("你会做饭吗。", "zh", "neutral", "question"),
        ("今天下班有点累。", "zh", "neutral", "remark"),
        ("我没考过。", "zh", "calm", "gentle"),
    ],
)
def test_a_question_is_thought_about_and_a_sad_user_met_gently(
    text: str, language: str, style: Style, kind: str
) -> None:
    assert kind_of(text, language, style) == kind


def lasts_s(text: str) -> float:
    return 0.1 * len(text)


def test_they_take_turns_and_none_comes_twice_in_a_row() -> None:
    openers = Openers(lasts_s)
    said = [openers.choose(SHIPPED, "en", "question", fits_s=2.0) for _ in range(4)]
    assert said == ["Well,", "Let me see,", "Well,", "Let me see,"]
    assert openers.choose(SHIPPED, "en", "remark", fits_s=2.0) == "I see,"
    assert openers.choose(SHIPPED, "en", "remark", fits_s=2.0) == "", "there is no other"
    assert openers.choose(SHIPPED, "en", "gentle", fits_s=2.0) == ""
    assert openers.choose(SHIPPED, "zh", "question", fits_s=2.0) == ""


def test_one_that_would_delay_the_reply_is_left_for_a_later_one() -> None:
    openers = Openers(lasts_s)
    shipped = {"en": {"question": ("Let me see,", "Well now,", "Well,")}}
    said = [openers.choose(shipped, "en", "question", fits_s) for fits_s in (0.9, 0.9, 2.0, 0.0, 0.0)]
    assert said == ["Well now,", "Well,", "Let me see,", "Well,", "Well now,"]


def test_one_without_sound_is_not_chosen() -> None:
    openers = Openers(lambda text: 0.0 if text == "Well," else 1.0)
    assert [openers.choose(SHIPPED, "en", "question", fits_s) for fits_s in (0.0, 2.0)] == ["Let me see,", ""]


@pytest.mark.parametrize("name", ["huiyin", "echo", "tutor"])
def test_every_persona_of_ours_has_two_of_each_kind_in_its_languages(name: str) -> None:
    persona = load_persona(name)
    for language, kinds in persona.openers.items():
        assert all(len(set(texts)) >= 2 for texts in kinds.values()), (name, language)
        assert set(kinds) == {"question", "remark", "gentle"}
    assert set(persona.openers) == set(persona.apologies)
    prepared = persona.all_prepared()
    assert len(prepared) == len(set(prepared)) and set(persona.all_apologies()) < set(prepared)


@pytest.mark.parametrize("openers", [{"en": {"question": "Well,"}}, {"en": {"question": [""]}}, {"en": {"sad": []}}])
def test_a_file_that_lists_them_wrongly_is_refused(openers: dict[str, object]) -> None:
    with pytest.raises(PersonaError):
        Persona.from_dict({"name": "P", "system": "You are P.", "openers": openers})
