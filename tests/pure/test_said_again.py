"""Words that match the assistant's: what people say again is an answer, anything else of an ordinary reply an echo."""

from __future__ import annotations

import pytest

from huiyin.assistant.turns import said_again
from huiyin.assistant.turns.own_echo import Audible, is_own_echo, may_be_own_echo

MENU = "We have lemonade, apple juice, iced coffee and hot chocolate. What would you like?"
CONTACTS = "通讯录里有王建国、王建军、王建华，打给谁？"


def invites_repetition(words: str) -> bool:
    """Whether people answer these words by saying some of them again."""
    return bool(said_again._options(words) or said_again._codes(words) or said_again._to_be_repeated(words))


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        ("Tomorrow afternoon.", "Tomorrow morning or tomorrow afternoon?"),
        ("The green one.", "We have the blue one or the green one."),
        ("三点的票", "有一点或者三点的票。"),
        ("Hot chocolate.", MENU),
        ("Apple juice.", MENU),
        ("Thursday evening.", "There's Tuesday morning, Wednesday morning, Thursday evening. Tell me what suits you."),
        ("Wednesday at eleven.", "We have Tuesday at ten, Wednesday at eleven. When do you want to come?"),
        ("Peter Mellor.", "I have found Peter Miller, Peter Mellor and Peter Moeller. Who is it?"),
        ("Classical music.", "Shall I play jazz music, classical music, folk music?"),
        ("Fish and chips.", "Would you like fish and chips or spaghetti?"),
        ("王建军。", CONTACTS),
        ("周五晚上", "周二上午、周三下午、周五晚上都有号。您什么时候来？"),
        ("卡布奇诺", "我们有拿铁、美式、摩卡和卡布奇诺。您想喝什么？"),
        ("灵隐寺", "可以去西湖边，也可以去灵隐寺、雷峰塔。想先去什么地方？"),
        ("The sky is blue.", "Repeat after me: the sky is blue."),
        ("春眠不觉晓", "跟我读：春眠不觉晓。"),
        ("四是四，十是十", "请说一遍：四是四，十是十。"),
        ("Four eight two one.", "Your code is four eight two one."),
        ("K X 7 2 four one nine", "The plate is K X 7 2 four one nine."),
        ("三九零五", "验证码是三九零五，请在十分钟内使用。"),
    ],
)
def test_what_is_picked_read_back_or_repeated_is_an_answer(answer: str, reply: str) -> None:
    assert invites_repetition(reply)
    assert not is_own_echo(answer, Audible(reply, reply)), "in doubt it is an answer"
    assert is_own_echo(answer, Audible(reply, reply), by_sound=True)


@pytest.mark.parametrize(
    "words",
    ["The hotel costs 250 euros a night.", "It was built in 1850.", "The train leaves at 10:45 and arrives at 12:15.",
     "There are two or three ways to do it.", "You can have it with or without milk.", "It is three o'clock.",
     "We have been there once or twice.", "I have two or three of them at home.", "One or another came back.",
     "He read it out to the whole village.", "They say it was cold.", "I repeat the opening hours for you.",
     "The children sang with me every day.", "Which is why there is a lighthouse.", "What a day that was.",
     "How are you today?", "Shall I book the table for tomorrow?",
     "I am glad to help, and know the area well. What would you like to see?",
     "一共是两百三十五块。", "这座塔建于一九八五年。", "这座塔建于1985年。", "三十五岁的时候，他有了孩子。",
     "他有一个问题，还是没想明白。", "他还是走了。", "这件事要看哪一天。", "村里有老人或者孩子病了，都请他看。",
     "你可以坐一号线或者二号线，在人民广场站下车。", "我们可以明天再说。", "请说慢一点他才听得懂。",
     "一次又一次，一遍又一遍，他读一遍就记住了。", "今天天气不错。", "您想喝什么？"],
)  # fmt: skip
def test_ordinary_talk_asks_for_no_answer(words: str) -> None:
    assert not invites_repetition(words)


@pytest.mark.parametrize(
    ("echo", "reply"),
    [
        ("what would you like", MENU),
        ("juice iced coffee and", MENU),
        ("like tea or", "Would you like tea or coffee? We also have cake today."),
        ("on the left next to", "It is at 12 4 5 Baker Street, on the left, next to the station."),
        ("fresh from the oven", "Would you like tea or coffee? We also have cake today, fresh from the oven."),
        ("within ten minutes", "Your code is four eight two one. It is valid for you within ten minutes."),
        ("通讯录里", CONTACTS + "我现在打开通讯录里的名字。"),
        ("请在十分钟内使用", "验证码是三九零五，请在十分钟内使用。"),
    ],
)
def test_the_rest_of_such_a_reply_is_an_echo(echo: str, reply: str) -> None:
    assert is_own_echo(echo, Audible(reply, reply))


def test_first_words_that_are_too_few_may_become_an_echo() -> None:
    said = Audible("on a small island", "on a small island")
    assert may_be_own_echo("on a", said)
    assert not may_be_own_echo("no", said) and not may_be_own_echo("on a", said, by_sound=False)
    assert not may_be_own_echo("on a small", said), "they are enough: it is one"
