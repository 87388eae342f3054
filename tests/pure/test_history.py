"""How much of a conversation the model is sent: whole turns, in steps, with what stands for the rest."""

from __future__ import annotations

from itertools import pairwise

import pytest

from huiyin.assistant.conversation.trimming import history_limit
from huiyin.assistant.dialogue.history import RECENT_TURNS, HeardClause, History, HistoryLimit
from huiyin.assistant.dialogue.items import Turn, UserItem
from huiyin.assistant.dialogue.mood import Mood
from huiyin.assistant.dialogue.persona import Persona
from huiyin.assistant.dialogue.summary import summary_request
from huiyin.assistant.dialogue.tokens import estimated_tokens, message_tokens
from huiyin.configs.settings import load

PERSONA = Persona("P", "You are P.")


def say(history: History, user: str, reply: str = "好的。") -> None:
    history.commit(user, [HeardClause(reply, 1)], interrupted=False)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("", 0),
        ("你好", 2),
        ("你好，我叫小明。", 8),
        ("Hello", 2),
        ("How are you?", 5),
        ("internationalization", 5),
        ("1234", 4),
        ("😀", 3),
        ("don't", 2),
    ],
)
def test_tokens_are_estimated_rather_too_high(text: str, tokens: int) -> None:
    assert estimated_tokens(text) == tokens


def test_old_turns_go_whole_and_in_steps_so_that_the_prompt_begins_the_same_for_many_turns() -> None:
    history, limit = History(), HistoryLimit(tokens=400, turns=1000)
    beginnings, sizes = [], []
    for i in range(100):
        say(history, f"这是第{i}句话，说得不长。", "我听到了，请接着说吧。")
        history.forget(len(history.surplus(limit)))
        messages = PERSONA.messages(history, "然后呢？")[1:]
        beginnings.append(messages[0]["content"])
        sizes.append(sum(message_tokens(message["content"]) for message in messages[:-1]))
        assert messages[0]["role"] == "user" and len(messages) % 2, "turns go whole"
    steps = sum(after != before for before, after in pairwise(beginnings))
    assert max(sizes) <= 400
    assert min(sizes[20:]) > 0.5 * 400, "what fits is kept"
    assert steps <= 100 / 5, "a step is many turns away from the next"


def test_the_number_of_turns_is_a_limit_of_its_own() -> None:
    history, limit = History(), HistoryLimit(tokens=100_000, turns=10)
    counts = []
    for i in range(40):
        say(history, f"u{i}")
        history.forget(len(history.surplus(limit)))
        counts.append(len(history.messages()) // 2)
    assert max(counts) == 10 and min(counts[10:]) == 6


@pytest.mark.parametrize(
    ("tokens", "turns", "kept"),
    [(10, 100, 0), (0, 100, 0), (100, 0, 0), (100, 1, 1), (30, 100, 1), (100, 100, 2)],
)
def test_the_last_turn_is_kept_as_long_as_it_fits_at_all(tokens: int, turns: int, kept: int) -> None:
    history = History()
    say(history, "一二三四五六七")
    say(history, "一二三四五六七")  # 11 + 7 tokens a turn
    assert 2 - len(history.surplus(HistoryLimit(tokens, turns))) == kept


def test_what_is_no_longer_sent_is_still_remembered() -> None:
    history = History()
    for i in range(10):
        say(history, f"u{i}")
    history.forget(8)
    assert [turn.user for turn in history.turns] == [f"u{i}" for i in range(10)]
    assert [m["content"] for m in history.messages() if m["role"] == "user"] == ["u8", "u9"]


def test_a_turn_costs_no_more_after_a_long_day() -> None:
    class Long(History):
        @property
        def turns(self) -> list[Turn]:
            raise AssertionError("all turns of the day are looked at: 13 ms for 8000")

    history = Long()
    for number in range(100):
        say(history, f"question {number}", f"answer {number}")
    history.add(UserItem("not answered"))
    assert [turn.user for turn in history.last_turns(2)] == ["question 98", "question 99"]
    assert len(history.last_turns()) == RECENT_TURNS and len(history.last_turns(1000)) == 100
    assert PERSONA.messages(history, "hi", Mood(("sad", 0.9)))


def test_a_summary_stands_in_the_system_prompt() -> None:
    history = History()
    say(history, "我叫小明。")
    say(history, "今天好累。")
    history.forget(1, "用户叫小明。\n")
    assert PERSONA.messages(history, "我叫什么？") == [
        {"role": "system", "content": "You are P.\n\n这次对话前面的内容：用户叫小明。"},
        {"role": "user", "content": "今天好累。"},
        {"role": "assistant", "content": "好的。"},
        {"role": "user", "content": "我叫什么？"},
    ]


def test_a_summary_is_asked_for_in_the_language_of_most_turns_with_the_one_so_far() -> None:
    chinese = summary_request([Turn("我叫小明。", "你好。"), Turn("What?", ""), Turn("好的", "嗯")], "")
    assert chinese[0]["content"].endswith("\n\n用户：我叫小明。\n助手：你好。\n用户：What?\n用户：好的\n助手：嗯")
    english = summary_request([Turn("", "Hello."), Turn("I am Ann.", "Hi Ann.")], "The user is ill.")
    assert english[0]["content"].endswith(
        "\n\nNotes so far: The user is ill.\nAssistant: Hello.\nUser: I am Ann.\nAssistant: Hi Ann."
    )


def test_a_greeting_is_a_turn_that_answers_nothing() -> None:
    history = History()
    history.commit("", [HeardClause("你好，我是回音。", 1)], interrupted=False)
    assert PERSONA.messages(history, "你好")[1:] == [
        {"role": "user", "content": "（对话开始了）"},
        {"role": "assistant", "content": "你好，我是回音。"},
        {"role": "user", "content": "你好"},
    ]


def test_history_persona_question_and_reply_fit_the_embedded_model() -> None:
    for context in (512, 1024, 2048, 4096):
        settings = load(environ={}, overrides=[f"llm.context_tokens={context}", "talk.history_tokens=100000"])
        limit = history_limit(settings, PERSONA)
        taken = estimated_tokens(PERSONA.system) + settings.talk.max_reply_tokens
        assert limit.tokens == 64 or limit.tokens + taken + 512 <= context
    remote = load(environ={}, overrides=["llm.upstreams=http://127.0.0.1:1/v1", "talk.history_tokens=100000"])
    assert history_limit(remote, PERSONA).tokens == 100_000, "whose context nobody knows"
