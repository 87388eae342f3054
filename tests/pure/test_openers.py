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


def test_they_take_turns_and_none_comes_twice_in_a_row() -> None:
    openers = Openers()
    said = [openers.choose(SHIPPED, "en", "question", lambda text: True) for _ in range(4)]
    assert said == ["Well,", "Let me see,", "Well,", "Let me see,"]
    assert openers.choose(SHIPPED, "en", "remark", lambda text: True) == "I see,"
    assert openers.choose(SHIPPED, "en", "remark", lambda text: True) == "", "there is no other"
    assert openers.choose(SHIPPED, "en", "gentle", lambda text: True) == ""
    assert openers.choose(SHIPPED, "zh", "question", lambda text: True) == ""


def test_one_without_sound_is_not_chosen() -> None:
    assert Openers().choose(SHIPPED, "en", "question", lambda text: text != "Well,") == "Let me see,"


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
