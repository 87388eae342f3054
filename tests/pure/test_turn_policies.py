"""What the turn machine decides by: words of listening, orders to stop, one's own echo, how long a pause may last."""

from __future__ import annotations

import math

import pytest

from huiyin.assistant.turns.backchannel import is_backchannel
from huiyin.assistant.turns.endpointing import Evidence, wait_s
from huiyin.assistant.turns.own_echo import Audible, is_own_echo
from huiyin.assistant.turns.stop_words import is_only_stop, orders_silence
from huiyin.assistant.turns.text_judge import can_be_judged, text_vote
from huiyin.configs.settings import TurnsSettings


@pytest.mark.parametrize(
    "text",
    ["嗯", "嗯嗯", "嗯，嗯。", "对", "对对对", "好", "好的。", "好的好的", "是", "是的", "哦", "啊", "原来如此",
     "uh-huh", "Uh huh.", "mm-hmm", "Mm.", "yeah", "Yeah, yeah.", "Right.", "ok", "OK, I see.", "I see"],
)  # fmt: skip
def test_words_of_listening_take_no_turn(text: str) -> None:
    assert is_backchannel(text)


@pytest.mark.parametrize(
    "text",
    ["", "。", "好的，那明天呢", "对不起", "是谁", "好吃吗", "啊等一下", "不", "不对",
     "right now", "yeah but why", "okay stop", "see you", "no", "mother", "sure thing what else"],
)  # fmt: skip
def test_other_words_do(text: str) -> None:
    assert not is_backchannel(text)


@pytest.mark.parametrize(
    "text",
    ["停", "停！", "停停停", "别说了", "好了别说了", "打住", "等一下", "等等。", "安静", "请停一下吧",
     "stop", "Stop!", "Stop, stop.", "wait", "Wait a minute.", "Hold on.", "shut up", "OK stop please", "be quiet"],
)  # fmt: skip
def test_an_order_to_stop_alone_gets_no_reply(text: str) -> None:
    assert orders_silence(text) and is_only_stop(text)


@pytest.mark.parametrize(
    "text", ["等一下，我想问个问题", "停，那明天呢", "Wait, what about tomorrow?", "stop why is that"]
)
def test_an_order_to_stop_with_a_question_stops_and_is_answered(text: str) -> None:
    assert orders_silence(text) and not is_only_stop(text)


@pytest.mark.parametrize(
    "text", ["", "请", "好", "please", "waiting is hard", "我们等一下再说", "don't stop", "stopping", "那家店停业"]
)
def test_such_a_word_inside_a_sentence_is_no_order(text: str) -> None:
    assert not orders_silence(text) and not is_only_stop(text)


STORY_EN = "Once upon a time there was a lighthouse on a small island, far away from the coast."
STORY_ZH = "从前有一座灯塔，孤零零地立在小岛上，离海岸很远。"


@pytest.mark.parametrize(
    ("text", "saying"),
    [
        ("there was a lighthouse", STORY_EN),
        ("light house on a small", STORY_EN),
        ("on a small eye land far", STORY_EN),  # misheard
        ("was a light how", STORY_EN),
        ("从前有一座灯塔", STORY_ZH),
        ("有一座登塔孤零零", STORY_ZH),  # a homophone
        ("小岛上", STORY_ZH),
        ("你在小岛上离海岸", STORY_ZH),
    ],
)
def test_own_words_are_known_again(text: str, saying: str) -> None:
    assert is_own_echo(text, Audible(saying)) and is_own_echo(text, Audible(saying), by_sound=True)


@pytest.mark.parametrize(
    ("text", "saying"),
    [
        ("how tall was the lighthouse", STORY_EN),
        ("sorry can you repeat that", STORY_EN),
        ("wait a moment", STORY_EN),
        ("no", STORY_EN),
        ("那座灯塔有多高", STORY_ZH),
        ("等一下", STORY_ZH),
        ("我想问个别的问题", STORY_ZH),
        ("灯塔", STORY_ZH),  # so little is found anywhere, and people ask back
        ("coffee", "Would you like tea or coffee?"),
        ("there was a lighthouse", ""),
        ("", STORY_EN),
    ],
)
def test_the_users_words_are_not_taken_for_an_echo(text: str, saying: str) -> None:
    assert not is_own_echo(text, Audible(saying)) and not is_own_echo(text, Audible(saying), by_sound=True)


def test_an_answer_may_say_again_what_was_asked() -> None:
    said = Audible("晚饭吃面条吧")
    assert is_own_echo("面条吧", said) and not is_own_echo("面条吧", said, finished=True)
    assert is_own_echo("晚饭吃面条", said, finished=True)


def test_what_is_no_echo_by_its_sound_is_none_whatever_its_words() -> None:
    assert not is_own_echo("there was a lighthouse", Audible(STORY_EN), by_sound=False)


def test_asking_back_is_no_echo() -> None:
    said = Audible("那个词是海市蜃楼。")
    assert is_own_echo("海市蜃楼", said) and not is_own_echo("海市蜃楼？", said)
    assert is_own_echo("那个词是什么？", Audible("那个词是什么？")), "the assistant asked that itself"


@pytest.mark.parametrize(
    "text",
    ["我想去北京因为", "我本来想去，但是", "然后", "我喜欢苹果和", "我在想，那个", "呃", "帮我",
     "百分之", "我今天去了，", "还有就是。", "如果",
     "I want to go because", "I was thinking and", "Um", "so I went to", "it's kind of", "Well,", "I was going…",
     "tell me", "I would like a", "and the"],
)  # fmt: skip
def test_words_that_go_on_lengthen_the_wait(text: str) -> None:
    assert text_vote(text) == "unfinished"


@pytest.mark.parametrize(
    "text",
    ["你吃饭了吗", "我们走吧。", "我已经到家了", "那你呢？", "这个多少钱", "现在几点", "What time is it?",
     "Can you help me please", "Thank you."],
)  # fmt: skip
def test_words_that_have_come_to_an_end_shorten_it(text: str) -> None:
    assert text_vote(text) == "finished"


@pytest.mark.parametrize(
    "text",
    ["", "我想要那个", "今天天气不错。", "我出生在一九八五", "红色的", "我的手机是一三八零零一三八零零零",
     "Where are you from", "I think so", "It was in 1985.", "I have two", "She likes dogs.", "what is it for",
     "I am 25"],
)  # fmt: skip
def test_other_words_leave_it_to_the_sound(text: str) -> None:
    assert text_vote(text) == "neither"


@pytest.mark.parametrize(
    ("probability", "text", "wait"),
    [
        (None, "", 0.5),
        (0.95, "", 0.25),
        (0.9, "", 0.25),
        (0.5, "", 0.92),
        (0.1, "", 1.2),
        (0.0, "", 1.2),
        (0.59, "", 0.857),
        (None, "你吃饭了吗", 0.25),
        (0.95, "你吃饭了吗", 0.25),
        (0.5, "你吃饭了吗", 0.25),
        (0.1, "你吃饭了吗", 0.85),
        (0.5, "I do.", 0.25),
        (None, "I stayed because", 1.3),
        (0.95, "I stayed because", 1.05),
        (0.0, "I stayed because", 2.0),
    ],
)
def test_a_pause_lasts_as_long_as_sound_and_words_ask_for(probability: float | None, text: str, wait: float) -> None:
    assert wait_s(TurnsSettings(), Evidence(probability, text, stops_are_set=False)) == pytest.approx(wait)


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("这份希望中小股东", 0.85),
        ("我相信很好吃。", 0.25),
        ("It was my reports from the", 1.05),
        ("It was my report.", 0.25),
        ("OK.", 0.25),
        ("喂", 0.25),
        ("Hello hello", 0.25),
        ("北京。", 0.85),
    ],
)
def test_where_the_recogniser_sets_full_stops_a_missing_one_says_that_more_will_come(text: str, wait: float) -> None:
    assert wait_s(TurnsSettings(), Evidence(0.7, text)) == pytest.approx(wait)


def in_between(p: float) -> float:
    """The silence that shrinks from 0.85 s at p = 0.2 to 0.535 s at p = 0.3, with the log-odds."""
    odds, least, most = (math.log(each / (1 - each)) for each in (p, 0.2, 0.3))
    return 0.85 - 0.315 * (odds - least) / (most - least)


def below(p: float) -> float:
    """The silence that grows from 0.85 s at p = 0.2 to 1.2 s at p = 0."""
    return 1.2 - 0.35 * p / 0.2


@pytest.mark.parametrize(
    ("words", "sound", "text", "wait"),
    [
        (0.43, None, "how long does it take to boil an egg", 0.535),
        (0.41, None, "how long does it take to boil an egg", in_between(0.29)),
        (0.3, 0.5, "how long does it take to boil an egg", 0.535),
        (0.9, 0.05, "how long does it take to boil an egg", 0.535),
        (0.9, 0.01, "how long does it take to boil an egg", 0.535),
        (0.85, 0.05, "how long does it take to boil an egg", in_between(0.2297)),
        (0.21, 0.5, "how long does it take to boil an egg", in_between(0.21)),
        (0.19, 0.5, "how long does it take to boil an egg", below(0.19)),
        (0.1, 0.9, "how long does it take", 0.535),
        (0.02, 0.9, "how long does it take", below(0.1552)),
        (0.02, 0.99, "how long does it take", in_between(0.2794)),
        (0.01, 0.99, "how long does it take", below(0.161)),
        (0.1, None, "play jazz", 0.535),
        (0.05, 0.5, "play jazz", 0.535),
        (0.05, 0.49, "play jazz", below(0.0481)),
        (0.0, 0.95, "my name.", below(0.0187)),
        (0.0, None, "how long does it take", below(0.0006)),
        (0.0, 0.95, "how long does it take?", below(0.0187)),
        (0.0, 0.95, "请问这个怎么样？", below(0.0187)),
        (0.6, 0.9, "I stayed at home because", 1.335),
    ],
)
def test_where_the_words_are_judged_they_decide_with_the_sound(
    words: float, sound: float | None, text: str, wait: float
) -> None:
    assert wait_s(TurnsSettings(), Evidence(sound, text, words)) == pytest.approx(wait, abs=0.002)


def test_thresholds_that_meet_leave_nothing_in_between() -> None:
    turns = TurnsSettings(p_complete=0.3, p_goes_on=0.3)
    assert [wait_s(turns, Evidence(0.5, "how long does it take", p)) for p in (0.31, 0.3, 0.29)] == pytest.approx(
        [0.535, 0.535, 0.86], abs=0.02
    )
    swapped = TurnsSettings(p_complete=0.2, p_goes_on=0.4)
    assert wait_s(swapped, Evidence(0.5, "how long does it take", 0.3)) == 0.535


def test_while_the_words_are_being_judged_nothing_is_sure() -> None:
    assert wait_s(TurnsSettings(), Evidence(1.0, "你吃饭了吗？", words_awaited=True)) == pytest.approx(0.85)


@pytest.mark.parametrize("text", ["", "Yes.", "停！", "北京", "1."])
def test_a_word_may_be_all_or_the_beginning(text: str) -> None:
    assert not can_be_judged(text)


@pytest.mark.parametrize("text", ["go on", "播放 music", "继续吧"])
def test_more_words_tell(text: str) -> None:
    assert can_be_judged(text)
