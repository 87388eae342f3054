"""Facts that the user told in passing, found by the language model when the conversation is over."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest

from huiyin.assistant.clients.services import Services
from huiyin.assistant.clients.stream import Stream
from huiyin.assistant.dialogue.history import Message
from huiyin.assistant.faces.cli.talk import _remember
from huiyin.assistant.tools.found_facts import facts_in, facts_request, find_facts
from huiyin.assistant.tools.memory import Memory
from tests.support.talk import SETTINGS

EN = ["My sister Anna lives in Leeds, should I take the train?", "I am allergic to peanuts, you know."]
ZH = ["我姐姐住在成都，我想去看她。", "我每周三晚上练瑜伽。"]


class Model(Services):
    """A language model with one answer."""

    def __init__(self, answer: str) -> None:
        super().__init__(SETTINGS)
        self._answer, self.asked = answer, list[Sequence[Message]]()

    def ask(self, messages: Sequence[Message], **rest: Any) -> Stream[Any]:
        self.asked.append(messages)

        async def give() -> AsyncGenerator[str, None]:
            yield self._answer

        return Stream(give)


@pytest.mark.parametrize(
    ("said", "answer", "facts"),
    [
        (EN, "- My sister Anna lives in Leeds.\n- I am allergic to peanuts.", ["My sister Anna lives in Leeds.",
         "I am allergic to peanuts."]),
        (ZH, "1. 我姐姐住在成都。\n2、我每周三晚上练瑜伽。", ["我姐姐住在成都。", "我每周三晚上练瑜伽。"]),
        (EN, "I am allergic to peanuts.\nI am allergic to peanuts.", ["I am allergic to peanuts."]),
        (EN, "none", []),
        (ZH, "无。", []),
        (EN, "", []),
        (EN, "Should I take the train?", []),
    ],
)  # fmt: skip
def test_facts_are_the_lines_of_the_answer(said: list[str], answer: str, facts: list[str]) -> None:
    assert find_facts(Model(answer), said) == facts


@pytest.mark.parametrize(
    "invented",
    ["My brother Tom works in Paris.", "I like jazz and old films.", "我对花生过敏。", "The user is planning holidays.",
     "word " * 100],
)  # fmt: skip
def test_what_the_user_did_not_say_is_no_fact(invented: str) -> None:
    assert list(facts_in(invented, "\n".join(EN))) == []


def test_the_model_is_asked_in_the_users_language_and_sees_their_words_alone() -> None:
    (message,) = facts_request(ZH[0])
    assert ZH[0] in message["content"] and "用户" in message["content"]
    model = Model("")
    assert find_facts(model, ["", " "]) == [] and model.asked == []


def test_what_is_found_is_kept_once_and_told(tmp_path: Any) -> None:
    memory, told = Memory(tmp_path / "memory.db", "P"), list[str]()
    for _ in range(2):
        _remember(Model("I am allergic to peanuts."), memory, EN, told.append)
    assert [fact.text for fact in memory.all()] == ["I am allergic to peanuts."]
    assert len([line for line in told if line.startswith("remembered: I am allergic to peanuts.")]) == 1
    assert told[-1] == "nothing new to remember"
    assert memory.find("Can I eat peanuts?")
