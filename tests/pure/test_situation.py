"""What the model is told of here and now, and when."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from huiyin.assistant.conversation.persona_files import load_persona
from huiyin.assistant.dialogue.history import HeardClause, History
from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.dialogue.situation import Situation
from huiyin.assistant.dialogue.tokens import estimated_tokens

AFTERNOON = datetime(2026, 3, 18, 14, 5)
UNCACHED_TOKENS = 8  # at most, where the words do not ask for the time


def talked() -> History:
    history = History()
    history.commit("Hello.", [HeardClause("Hello.", 1)], interrupted=False)
    return history


def test_date_place_and_abilities_are_told_in_each_language_of_the_persona() -> None:
    prompt = load_persona("huiyin").system_prompt(Situation(AFTERNOON, "Hamburg"))
    for told in (
        "2026年3月18日，星期三",
        "Wednesday, 18 March 2026",
        "用户在Hamburg。",
        "in Hamburg.",
        "别假装能做",
        "never pretend",
    ):
        assert told in prompt
    assert "用户在" not in load_persona("huiyin").system_prompt(Situation(AFTERNOON))


def test_tools_that_are_there_are_named_instead() -> None:
    for language in ("zh", "en"):
        told = Situation(AFTERNOON, tools=["lamp", "weather"]).told(language)
        assert "lamp, weather" in told and told != Situation(AFTERNOON).told(language)


def test_what_is_told_of_the_situation_stays_the_same_for_a_day_and_changes_with_it() -> None:
    persona, history = load_persona("huiyin"), talked()
    morning, next_day = (Situation(AFTERNOON + timedelta(hours=hours)) for hours in (-13, 10))
    prefixes = [persona.messages(history, "", situation=at) for at in (Situation(AFTERNOON), morning, next_day)]
    assert prefixes[0] == prefixes[1] != prefixes[2]


@pytest.mark.parametrize(
    "words", ["Tell me a story.", "我现在有点累。", "What happened this morning?", "Have you got time?", "今天几号？"]
)
def test_other_words_cost_hardly_a_token_that_is_not_in_the_cache(words: str) -> None:
    persona, history = load_persona("huiyin"), talked()
    warmed = persona.messages(history, "", situation=Situation(AFTERNOON))
    asked = persona.messages(history, words, situation=Situation(AFTERNOON))
    assert asked[:-1] == warmed[:-1]
    plain = persona.messages(history, words)[-1]["content"]
    assert estimated_tokens(asked[-1]["content"]) - estimated_tokens(plain) <= UNCACHED_TOKENS
    assert "14:05" not in asked[-1]["content"]


@pytest.mark.parametrize(
    "words", ["What time is it?", "Do you know what the time is?", "现在几点了？", "现在是什么时间", "几点几分了"]
)
def test_the_time_is_told_where_the_words_ask_for_it(words: str) -> None:
    persona, history = load_persona("huiyin"), talked()
    assert "14:05" in persona.messages(history, words, situation=Situation(AFTERNOON))[-1]["content"]
    history.commit(words, [HeardClause("Five past two.", 1)], interrupted=False)
    assert "14:05" not in str(persona.messages(history, "", situation=Situation(AFTERNOON))), "not in the history"


def test_instructions_of_others_are_left_as_they_are() -> None:
    messages = Persona("P", "You are P.").messages(History(), "What time is it?", situation=Situation(AFTERNOON))
    assert [message["content"] for message in messages] == ["You are P.", "What time is it?"]
