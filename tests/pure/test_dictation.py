"""What is dictated in groups, and whether more of it must come."""

from __future__ import annotations

import time
import timeit

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
        ("my number is 415 826 3071", WHOLE),
        ("call 555 0199", OPEN),
        ("oh seven seven double", PART),
        ("我的手机号是一三酒 二六七四 吧八一五", WHOLE),
        ("my mobile is 077000900 461", WHOLE),  # a digit too many: misheard, but nothing can follow
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
        ("one eight hundred five five five one two three four", OPEN),
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
        ("请报一下验证码。", "司令 七一 舅散", WHOLE),
        ("您的护照号码？", "以 八二七四五一九三", WHOLE),
        ("您的身份证号是多少？", "一拜一时，一拜零马，1,979,315", OPEN),
        ("您的电话是多少？", "要把留 一零五二", PART),
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
        ("请报一下验证码。", "好吧"),
        ("Which flight are you on?", "OK."),
        ("How do you spell it?", "Hmm, OK."),
        ("Which flight are you on?", "In the UK."),
        ("Which flight are you on?", "The one at 9 PM."),
        ("Which flight are you on?", "Is it BA?"),
        ("您的电话是多少？", "打给王经理"),
        ("您的电话是多少？", "算了"),
        ("您的联系方式是？", "微信"),
        ("What is your phone number?", "Cancel."),
        ("我已经记下您的电话。", "那就这样"),
        ("Install the browser extension.", "Done that."),
        ("请报一下验证码。", "我就不说了"),
        ("", "我的手机起火了"),
        ("", "我的手机气就没了"),
    ],
)
def test_what_is_not_dictated_has_none(question: str, text: str) -> None:
    assert progress(text, question) is None


# -- an assistant's day: nothing here is waited for

ORDINARY = """
My number is 23. | I was born on May 5 | My email is offline. | My email is Bob's | My email is down at the moment.
My email is full. | My email is private. | My email is the same as before. | Read my email please | Email Bob at noon.
I got an email at work | Did I get any email from Anna? | call me at 5 | Text me at six. | Can you call me at 5?
Call me at 7 30 | Set an alarm for 6 30. | Book a flight at 7 | go to cell 5 | my card is 7 | I'm in room 12.
password 1 | My phone died at 3. | Send it to 10 people. | I live on the third floor. | See you on the third.
Remind me on the twenty first. | I got error code 404 | Explain code 500. | Who was born on May 5
I was born in 1990 | My birthday is May 3rd. | How much is 5 times 100 | I paid 500. | I earn 5000 | It costs 100
I work at I B M | I like the N B A | Navigate to 10 Downing Street. | Tell me what my phone number is
I forgot what the code is. | Count one two three four five | It's a quarter past | I have one point
现在是五月 | 今年十二月 | 那是一九四九年。 | 二零零八年 | 五月五号是端午节 | 我的手机是苹果15 | 我坐8 | 我要坐3号线
我住三号楼 | 我家住在北京朝阳区 | 我生日是五月 | 我花了三百 | 加一横 | 一二三四五 | 邮箱满了 | 帮我看一下邮箱
"""
ANSWERED = """
Shall I read your email? | no, Later, Go ahead, Yes please, OK
Do you want to send an email to Bob? | Yes please, No thanks, Tell him hi
Who should I email? | Bob, My boss, Anna from work
What should the email say? | Hello, I'm late, happy birthday Bob
What's the email about? | The meeting
Which email should I open? | The second one
What's your email subject? | Project update
What time should I call you? | Seven thirty., 5, At 5., at 17:30
When should I text you? | 7 30, half past seven
What phone do you have? | iPhone 13, Pixel 8, a 7
What's wrong with your phone? | battery is at 5
How was your flight? | 10, 8 out of 10
Which flight, morning or evening? | 8, at 9
What card game do you want to play? | 21
Which room? | 5
Would you like a room with a view? | two
Which programming language is your code in? | Python, C, Java 8
What does your code do? | It sorts, prints 42
Which number do you like? | All of them, 7, the big one
Pick a number between one and ten. | seven
How many digits does pi have? | 3
What's the pin on the map? | my house
What would you like on your plate? | Steak and eggs
What year were you born? | 1990, nineteen ninety
When were you born? | 1990., In 1990., I was born in June 1990.
What's your birthday? | May third., The fifth of June
How much water do you drink? | 100, two thousand
How long is the address list? | 12
How do I spell necessary? | With two s
你用的什么手机？ | 苹果15, 小米13
您穿多大号码的鞋？ | 42, 四十二
你喜欢什么颜色的号码牌？ | 红色
请问是哪一位？ | 张三, 小明
您想和哪一位医生预约？ | 张医生, 都行
您要坐几点的火车？ | 3, 八点
您几点的航班？ | 3
请问您想坐几号车厢？ | 5号, 3
你哪年出生的？ | 1990年, 九零年
你的生日是什么时候？ | 五月三号, 五月
要我读邮件吗？ | 好的, OK
您的手机号？ | 好的, 不方便说, 你先说价格
What's your email address? | Later., Hold on., Use my work one.
"""


@pytest.mark.parametrize("text", [text.strip() for line in ORDINARY.split("\n") for text in line.split("|") if text])
def test_an_ordinary_turn_is_not_waited_for(text: str) -> None:
    assert progress(text) is None


@pytest.mark.parametrize("row", ANSWERED.strip().split("\n"))
def test_a_question_about_something_else_asks_for_no_dictation(row: str) -> None:
    question, _, answers = row.partition(" | ")
    assert {answer: progress(answer, question) for answer in answers.split(", ")} == dict.fromkeys(answers.split(", "))


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("", "六二二二零二一二"),
        ("", "我的卡是六二二二零二一二"),
        ("", "快递单是七七八八九九零零"),
        ("", "3782 822463"),
        ("", "my account is 4532 8801 22"),
        ("请报一下您的卡", "六二二二零二一二"),
        ("What's your account?", "4 5 3 2 8 8 0 1 2 2"),
        ("请问您的手机号？", "六二二二零二一二"),
    ],
)
def test_only_a_number_of_a_known_kind_is_whole(question: str, text: str) -> None:
    policy = TurnsSettings()
    found = progress(text, question)
    assert found in (OPEN, PART)
    assert wait_s(policy, Evidence(0.0, text, 0.0, dictation=found)) >= policy.dictation_open_s


@pytest.mark.parametrize(
    ("question", "text", "found"),
    [
        ("What e-mail should I use?", "kate dot moore", PART),
        ("Can I have your email?", "Sure, it's kate", PART),
        ("请问您的邮箱？", "lin点wei", PART),
        ("", "my work email is j dot smith", PART),
        ("", "my email is alfred dot king", PART),
        ("Your email?", "fred at blue", PART),
        ("What number can I reach you at?", "415", PART),
        ("", "you can reach me at oh two oh", PART),
        ("您的电话是？", "一三八", PART),
        ("方便留个联系电话吗？", "一三八", PART),
        ("What flight are you on?", "B A 2", PART),
        ("What is your phone number?", "No, it is 415", PART),
        ("What is your address?", "No. 5 Baker Street", OPEN),
        ("Please enter the code.", "44", OPEN),
        ("请说卡号的后四位。", "八三", PART),
        ("Which flight are you on?", "B.A.", PART),
        ("Which flight are you on?", "LH", PART),
        ("How is that spelt?", "HU. SMA.", OPEN),
        ("怎么拼写？", "是HAU", OPEN),
        ("您的电话是多少？", "一切起。", OPEN),
    ],
)
def test_what_is_asked_for_is_still_waited_for(question: str, text: str, found: Progress) -> None:
    assert progress(text, question) is found


LONG = ("生日是" + "年月" * 5000, "@" * 10_000, "1" * 10_000, "五月" * 5000, "my number is " * 800, "email at " * 1200)


@pytest.mark.parametrize("text", LONG, ids=lambda text: text[:13])
@pytest.mark.parametrize("question", ["", "What is your email address?", "When were you born?" * 500])
def test_a_long_turn_takes_no_longer_to_look_at_than_a_short_one(text: str, question: str) -> None:
    def fastest_s(text: str) -> float:
        return min(timeit.repeat(lambda: progress(text, question), timer=time.process_time, number=3, repeat=5))

    assert fastest_s(text) < 5 * fastest_s(text[:400])


def test_a_group_that_goes_on_is_waited_for_however_complete_it_sounds() -> None:
    policy = TurnsSettings()
    for found, wait in ((PART, policy.dictation_part_s), (OPEN, policy.dictation_open_s)):
        assert wait_s(policy, Evidence(0.98, "138.", 0.9, dictation=found)) == wait


def test_a_whole_one_is_answered_soon_although_sound_and_words_doubt_it() -> None:
    policy = TurnsSettings()
    assert wait_s(policy, Evidence(0.98, "my code is 402 713.", dictation=WHOLE)) == policy.endpoint_sure_s
    assert wait_s(policy, Evidence(0.0, "my code is 402 713.", 0.0, dictation=WHOLE)) == policy.endpoint_s
    assert wait_s(policy, Evidence(0.0, "my code is 402 713,", dictation=WHOLE)) > policy.endpoint_s, "and …"
