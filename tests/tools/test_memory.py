"""What is remembered of the user, and found again by their words."""

from __future__ import annotations

import stat
import sys
from datetime import datetime
from pathlib import Path

import pytest

from huiyin.assistant.dialogue.situation import Situation
from huiyin.assistant.tools.memory import Memory

FACTS = [
    "我姐姐叫小红，住在成都。",
    "我对花生过敏。",
    "我的车牌是沪A12345。",
    "我每周三晚上练瑜伽。",
    "My brother Tom lives in Leeds.",
    "I am allergic to cats.",
    "My favourite colour is green.",
    "I work as a nurse at the children's hospital.",
]


@pytest.fixture
def memory(tmp_path: Path) -> Memory:
    memory = Memory(tmp_path / "memory.db", "P")
    for fact in FACTS:
        memory.keep(fact)
    return memory


@pytest.mark.parametrize(
    ("words", "best"),
    [
        ("姐姐住在哪里？", 0),
        ("我能吃花生吗", 1),
        ("车牌号多少", 2),
        ("瑜伽是哪天", 3),
        ("Where does my brother live?", 4),
        ("Is a cat a good pet for me?", 5),
        ("Paint it in my favourite colour", 6),
        ("which hospital", 7),
    ],
)
def test_words_find_the_fact_that_fits(memory: Memory, words: str, best: int) -> None:
    assert memory.find(words)[0].text == FACTS[best]


@pytest.mark.parametrize("words", ["", "Tell me a story.", "what is that", "好的", "“”—*()", 'cat" OR "1', "NEAR(a b)"])
def test_words_that_fit_nothing_find_nothing_or_at_least_do_no_harm(memory: Memory, words: str) -> None:
    found = memory.find(words)
    assert found == [] or "cat" in words


def test_a_character_that_many_facts_have_finds_nothing_by_itself(memory: Memory) -> None:
    for who in ("爸爸", "妈妈", "小丽", "老王", "阿强", "小明"):
        memory.keep(f"{who}喜欢爬山")
    assert memory.find("讲讲火山吧") == []
    assert memory.find("谁喜欢爬山？") and memory.find("我的车在哪？")[0].text == FACTS[2]


def test_a_fact_is_kept_once_for_each_persona(memory: Memory, tmp_path: Path) -> None:
    memory.keep(FACTS[5].upper())
    assert len(memory.all()) == len(FACTS)
    assert Memory(tmp_path / "memory.db", "Other").all() == []


def test_what_is_forgotten_is_nowhere_in_the_file(memory: Memory, tmp_path: Path) -> None:
    memory.forget(memory.find("brother")[0].id)
    assert memory.find("brother") == []
    content = (tmp_path / "memory.db").read_bytes()
    assert b"Leeds" not in content and b"leed" not in content


@pytest.mark.skipif(sys.platform == "win32", reason="no such permissions")
def test_only_the_user_can_read_it(memory: Memory, tmp_path: Path) -> None:
    assert stat.S_IMODE((tmp_path / "memory.db").stat().st_mode) == 0o600


def test_nothing_is_made_by_looking(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "none" / "memory.db", "P")
    assert memory.find("cats") == [] and memory.all() == []
    assert not (tmp_path / "none").exists()


def test_the_model_is_told_what_fits_and_no_more_than_some_words(memory: Memory) -> None:
    def recall(words: str) -> list[str]:
        return [fact.text for fact in memory.find(words)]

    situation = Situation(datetime(2026, 1, 15), recall=recall)
    assert situation.memory_line("Where does my brother live?") == "(You remember: My brother Tom lives in Leeds.)"
    assert situation.memory_line("我姐姐呢") == "（你记得：我姐姐叫小红，住在成都。）"
    assert situation.memory_line("Tell me a story.") == ""
    memory.keep("word " * 60)
    assert situation.memory_line("word") == "", "a fact that is too long is no reason to read for seconds"
