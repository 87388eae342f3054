"""What people say over the assistant's speech: a listener's words, laughter, an order to stop, or a turn."""

from __future__ import annotations

import pytest

from benchmarks.phrases import phrases
from huiyin.assistant.turns.backchannel import is_backchannel, is_exclamation, may_be_backchannel
from huiyin.assistant.turns.phrase_rules import PhraseRules
from huiyin.assistant.turns.stop_words import is_only_stop, orders_silence


@pytest.mark.parametrize(
    "text",
    ["um", "Er…", "hahaha!", "Whoa.", "哈哈哈哈", "呃，", "唉", "哎呀", "oh my goodness", "oh, oh wow"],
)  # fmt: skip
def test_hesitation_laughter_and_surprise_answer_nothing(text: str) -> None:
    assert is_exclamation(text) and is_backchannel(text)


@pytest.mark.parametrize(
    "text",
    ["Got it.", "that makes sense", "I know, I know.", "how sad", "Oh, that's so sad.", "what a lovely story",
     "so did he", "I can imagine that", "that's hilarious", "that's bleak", "very bleak", "我知道了", "怪不得",
     "说得对", "太有意思了", "真吓人啊", "哦，是这样啊", "可以可以", "我也这么觉得", "好亮啊"],
)  # fmt: skip
def test_listeners_phrases_take_no_turn_though_some_could_answer(text: str) -> None:
    assert is_backchannel(text) and not is_exclamation(text)


@pytest.mark.parametrize(
    "text",
    ["啊？", "嗯？", "huh?", "what?", "what a", "that's wrong", "that's so loud", "how tall",
     "I know a better one", "very", "so what", "tomorrow", "多高啊", "太快了", "好吵啊", "对了",
     "我知道一个更好的", "真不好", "好看吗", "这么长啊", "that's expired", "It must be cancelled.",
     "She could be allergic.", "That's a contradiction.", "that's Paris", "That was a question.",
     "that was yesterday", "how expensive", "how exactly", "sounds like Mozart", "you're rude", "what an email",
     "poor reception", "it may be poisonous", "that's unavailable", "very spicy", "好疼啊！", "真渴啊",
     "好热啊", "挺冷的", "你说呢", "这个呢", "那样呢", "这个吧", "多强", "好难受啊"],
)  # fmt: skip
def test_what_asks_complains_or_tells_takes_the_turn(text: str) -> None:
    assert not is_backchannel(text)


@pytest.mark.parametrize(
    "text",
    ["How sad?", "Okay?", "Is it?", "that's true?", "maybe?", "How deep?", "are they?", "That's good? Okay.",
     "继续？", "明白吧？", "好看？", "就这样？", "可能？"],
)  # fmt: skip
def test_a_question_mark_makes_it_a_question(text: str) -> None:
    assert not is_backchannel(text)


@pytest.mark.parametrize(
    "text",
    ["Really?", "Oh yeah?", "oh, is it?", "I know, right?", "No way! Seriously?", "And then?",
     "How cool is that?", "Is that so? How sad.", "真的吗？", "哦？是吗？", "真的假的？", "不会吧？",
     "然后呢？", "这也太离谱了吧？"],
)  # fmt: skip
def test_a_question_that_echoes_in_surprise_takes_no_turn(text: str) -> None:
    assert is_backchannel(text)


@pytest.mark.parametrize("text", ["I", "that's", "oh, that's so", "what a", "makes", "原来", "我", "真", "嗯，有道"])
def test_the_first_words_of_a_listeners_phrase_may_become_one(text: str) -> None:
    assert may_be_backchannel(text) and not orders_silence(text)


@pytest.mark.parametrize("text", ["", "how tall", "play", "I need", "那座", "给我", "could you"])
def test_the_first_words_of_other_phrases_may_not(text: str) -> None:
    assert not may_be_backchannel(text)


@pytest.mark.parametrize(
    "text",
    ["One moment.", "hang on a second", "give me a minute", "never mind", "cancel that", "okay, that's enough",
     "yeah yeah, you can stop now", "暂停", "先别说", "算了算了", "好了好了", "行了，知道了", "你先停一下",
     "嘘"],
)  # fmt: skip
def test_orders_to_stop_are_known_in_other_words_too(text: str) -> None:
    assert orders_silence(text) and is_only_stop(text)


@pytest.mark.parametrize(
    "text",
    ["can you be quiet for a minute?", "Would you mind being quiet?", "could you please not talk for a bit",
     "that's all I needed, thank you.", "That's everything I wanted to know.", "one second, phone's ringing",
     "hang on, someone's at the door.", "give me a minute to think", "Hold on, I have to take this call.",
     "wait, let me find a pen", "let me stop you there", "安静一会儿好吗？", "能不能安静一下？",
     "你能先停一下吗", "可以别说了吗？", "别说了行不行", "够了好吗", "不用说那么多了", "安静两分钟",
     "稍等一下，我接个电话", "等一下，有人敲门", "先停一下，我记一下", "等等，门铃响了"],
)  # fmt: skip
def test_an_order_for_silence_may_be_polite_and_have_a_reason(text: str) -> None:
    assert orders_silence(text) and is_only_stop(text)


@pytest.mark.parametrize(
    "text",
    ["停了吗？", "够了吗？", "能取消吗？", "能结束吗", "取消电话", "wait, I think", "that's all I have",
     "没事吧？", "慢着点说", "stop, I have to go to Paris", "等一下，我接哪个电话",
     "can you pause the music in the living room?"],
)  # fmt: skip
def test_a_question_or_another_order_is_answered(text: str) -> None:
    assert not is_only_stop(text)


@pytest.mark.parametrize("text", ["cancel my appointment", "one moment, who is that", "算了，讲个笑话", "暂停，几点了"])
def test_what_follows_such_an_order_is_answered(text: str) -> None:
    assert orders_silence(text) and not is_only_stop(text)


def test_the_longer_of_two_phrases_is_read_and_a_row_of_any_length() -> None:
    rules = PhraseRules(("right|right you are",), ("真", "?的", "好|好听"))
    assert rules.make_up("right right you are right") and rules.make_up("真好听真的好")
    assert not rules.make_up("right you") and rules.may_make_up("right you") and rules.may_make_up("真的")
    assert not rules.make_up("真好" * 5_000 + "真")


def test_the_phrases_of_the_benchmark_are_of_both_languages_and_half_are_kept_aside() -> None:
    table = [phrase for phrase in phrases() if not phrase.lot]
    assert len(set(table)) == len(table) > 240
    aside = sum(phrase.part == "half kept aside" for phrase in table) / len(table)
    chinese = sum(phrase.language == "zh" for phrase in table) / len(table)
    assert 0.4 < aside < 0.6 and 0.4 < chinese < 0.6
    assert {phrase.outcome for phrase in table} == {"resume", "quiet", "answer"}
