"""The phrase that wakes the assistant, by how it sounds; and what sends it to sleep."""

from __future__ import annotations

import pytest

from huiyin.assistant.dialogue.wake_phrase import WakePhrase, WakePhraseError
from huiyin.assistant.turns.good_night import is_good_night

ZH, EN = WakePhrase("你好回音"), WakePhrase("Hey Huiyin")


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("你好回音，今天天气怎么样？", "今天天气怎么样？"),
        ("你好，回应。", ""),
        ("嗯，您好惠英", ""),
        ("ni hao hui yin 今天几号", "今天几号"),
        ("Ni hao, Huiyin, what's up?", "what's up?"),
        ("里好灰印开灯", "开灯"),
    ],
)
def test_a_chinese_phrase_is_heard_however_it_is_written(text: str, rest: str) -> None:
    end = ZH.end_in(text)
    assert end is not None and text[end:] == rest


@pytest.mark.parametrize(
    "text", ["", "你好", "你好欢迎", "你好吗回来了", "小爱同学", "今天天气很好你好回音", "Hello there", "123"]
)
def test_other_words_are_not_the_phrase(text: str) -> None:
    assert ZH.end_in(text) is None


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("Hey Huiyin, what's up?", "what's up?"),
        ("Hey, Hui Yin.", ""),
        ("Hey hooey yin tell me", "tell me"),
        ("Okay, hey huyin", ""),
    ],
)
def test_a_latin_phrase_is_heard_by_its_letters(text: str, rest: str) -> None:
    end = EN.end_in(text)
    assert end is not None and text[end:] == rest


@pytest.mark.parametrize("text", ["", "Hey Julian", "Hello there", "Hey, we win", "你好"])
def test_other_latin_words_are_not_the_phrase(text: str) -> None:
    assert EN.end_in(text) is None


@pytest.mark.parametrize("phrase", ["", "你好", "hey", "回音"])
def test_a_phrase_that_is_too_short_is_refused(phrase: str) -> None:
    with pytest.raises(WakePhraseError, match="too short"):
        WakePhrase(phrase)


@pytest.mark.parametrize(
    "words", ["Good night.", "晚安", "好了，晚安。", "OK, good night, Huiyin", "再见啦", "That's all for today."]
)
def test_good_night_is_said_in_both_languages(words: str) -> None:
    assert is_good_night(words)


@pytest.mark.parametrize(
    "words", ["", "It was a good night out", "晚安是什么意思", "Say good night to Ann for me", "再见到你真高兴"]
)
def test_other_words_with_good_night_in_them_are_none(words: str) -> None:
    assert not is_good_night(words)
