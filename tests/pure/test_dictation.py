"""What is dictated in groups, and whether more of it must come."""

from __future__ import annotations

import pytest

from huiyin.assistant.turns.dictation import Progress, is_asked_for, progress
from huiyin.assistant.turns.endpointing import Evidence, wait_s
from huiyin.assistant.turns.spelt import plain, spelt_end
from huiyin.configs.settings import TurnsSettings


@pytest.mark.parametrize(
    ("text", "characters"),
    [
        ("it is one three eight", "138"),
        ("一三八零零", "13800"),
        ("幺三八", "138"),
        ("1 3 8", "138"),
        ("138-0013", "1380013"),
        ("two double five oh", "2550"),
        ("triple seven", "777"),
        ("call twenty three oh five", "2305"),
        ("一三八 0013", "1380013"),
        ("plus four four", "+44"),
        ("five 606.14", "560614"),
        ("it is 1,979,315", "1979315"),
        ("二百三十五", ""),
        ("第三", ""),
    ],
)
def test_digits_are_read_however_they_are_written(text: str, characters: str) -> None:
    assert spelt_end(plain(text), letters=False).characters == characters


@pytest.mark.parametrize(
    ("text", "characters"),
    [
        ("it's S M I T H", "smith"),
        ("J as in John, I, double L", "jill"),
        ("京A一二三四五", "京a12345"),
        ("粤BF三七二", "粤bf372"),
        ("my flight is CA 1831", "ca1831"),
        ("the time is 1831", "1831"),
        ("I have a 7", "7"),
        ("around 5 p.m.", ""),
    ],
)
def test_letters_are_read_where_they_count(text: str, characters: str) -> None:
    assert spelt_end(plain(text), letters=True).characters == characters


PART, OPEN, WHOLE = Progress.PART, Progress.OPEN, Progress.WHOLE


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("我的电话是", PART),
        ("我的电话是一三八零零", PART),
        ("我的电话是139。", PART),
        ("我的电话是 138-0013-8000。", WHOLE),
        ("我家座机是零一零六二三四", PART),
        ("我家座机是零一零六二三四五六七八", WHOLE),
        ("我家电话是六二三四五六七", OPEN),
        ("My phone number is 314.", PART),
        ("My phone number is 314-552-9187.", WHOLE),
        ("my number is five five five", OPEN),
        ("call 555 0199", OPEN),
        ("oh seven seven double", PART),
        ("卡号是6222 8800 1234 5678", OPEN),
        ("card number 4000 1234 5678", PART),
        ("card number 4000 1234 5678 9010", WHOLE),
        ("身份证号是一一零一零一一九九零零一零一一二三", PART),
        ("身份证号是一一零一零一一九九零零一零一一二三X", WHOLE),
        ("验证码是八三五", PART),
        ("验证码是八三五二零六", WHOLE),
        ("the zip code is nine oh", PART),
        ("the zip code is nine oh two one oh", WHOLE),
        ("车牌号是京A", PART),
        ("车牌号是京A一二三四五", WHOLE),
        ("车牌号是京AD一二三四", OPEN),
        ("车牌号是京AD一二三四五", WHOLE),
        ("my flight is CA 18", PART),
        ("my flight is CA 1831", WHOLE),
        ("my order number is 442", OPEN),
        ("my email is j smith", PART),
        ("my email is j smith at example dot com", WHOLE),
        ("my email is jsmith@example.com.", WHOLE),
        ("我的邮箱是wang艾特qq点com", WHOLE),
        ("send it to twelve Baker Street", OPEN),
        ("寄到人民路八号", OPEN),
        ("my last name is spelled N G U", OPEN),
        ("it was in nineteen", PART),
        ("it costs three thousand", OPEN),
        ("the address is 221B", OPEN),
        ("the password is A B C", PART),
        ("one eight hundred five five five", OPEN),
        ("one eight hundred five five five one two three four", WHOLE),
        ("my mobile number's oh seven nine", PART),
        ("一共三千", OPEN),
        ("it comes to 4000.", OPEN),
        ("作机是 0755", OPEN),  # the recogniser's 座机
        ("我的车排号是越币。", OPEN),  # 车牌号是粤B
    ],
)
def test_what_is_named_has_a_length(text: str, found: Progress) -> None:
    assert progress(text) is found


@pytest.mark.parametrize(
    ("question", "text", "found"),
    [
        ("What is your phone number?", "It's 415", PART),
        ("What is your phone number?", "415 826 3071", WHOLE),
        ("好的。您的身份证号是多少？", "一一零一零一", PART),
        ("请报一下验证码。", "四零七一", OPEN),
        ("What's your address?", "forty two", OPEN),
        ("您的出生日期？", "一九九二年", PART),
        ("您的出生日期？", "一九九二年三月七号", WHOLE),
        ("What is the last name, please?", "K O", OPEN),
        ("The last four digits of your card?", "83", PART),
        ("The last four digits of your card?", "8-3-27", WHOLE),
        ("短信里的六位数字是什么？", "八三五", PART),
        ("短信里的六位数字是什么？", "八三五二零六", WHOLE),
        ("And the ZIP code?", "606.14", WHOLE),
        ("When were you born?", "the 12th of August 1970", OPEN),
        ("When were you born?", "the 12th of August 1976", WHOLE),
        ("车牌号是多少？", "呼吸", OPEN),
    ],
)
def test_the_assistants_question_tells_what_it_is(question: str, text: str, found: Progress) -> None:
    assert is_asked_for(question)
    assert progress(text, question) is found


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("", "I am 25"),
        ("", "It was in 1985."),
        ("", "我出生在一九八五"),
        ("", "see you at seven thirty"),
        ("", "the meeting is at 7:30"),
        ("", "I have two"),
        ("", "what is your phone number"),
        ("", "the email is on the website"),
        ("", "I live in the U.S.A."),
        ("", "it weighs 1,200"),
        ("", "两个人7800四"),  # as a recogniser wrote a price
        ("What is your phone number?", "I don't have one."),
        ("What is your phone number?", "No."),
        ("What is your name?", "Peter."),
        ("Shall I call you on this number?", "Sure, do that."),
        ("您想坐火车还是飞机？", "火车吧"),
        ("What is your phone number?", "Sorry, I only moved to this town in 2019."),
        ("What's your address?", "Is it the same as 12 Baker Street?"),
        ("What's the weather like where you are?", "It rains."),
        ("您的手机号是多少？", "我想先问一下价格"),
    ],
)
def test_what_is_not_dictated_has_none(question: str, text: str) -> None:
    assert progress(text, question) is None


def test_a_group_that_goes_on_is_waited_for_however_complete_it_sounds() -> None:
    policy = TurnsSettings()
    for found, wait in ((PART, policy.dictation_part_s), (OPEN, policy.dictation_open_s)):
        assert wait_s(policy, Evidence(0.98, "138.", 0.9, dictation=found)) == wait


def test_a_whole_one_is_answered_soon_although_sound_and_words_doubt_it() -> None:
    policy = TurnsSettings()
    assert wait_s(policy, Evidence(0.98, "my code is 402 713.", dictation=WHOLE)) == policy.endpoint_sure_s
    assert wait_s(policy, Evidence(0.0, "my code is 402 713.", 0.0, dictation=WHOLE)) == policy.endpoint_s
    assert wait_s(policy, Evidence(0.0, "my code is 402 713,", dictation=WHOLE)) > policy.endpoint_s, "and …"
