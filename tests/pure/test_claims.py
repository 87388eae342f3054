"""What the model claims to have done without a tool is not spoken."""

from __future__ import annotations

from datetime import datetime

import pytest

from huiyin.assistant.dialogue.claims import ClaimGuard
from huiyin.assistant.dialogue.language import language_of


def spoken(user: str, *clauses: str, model_invents: bool = True) -> list[str]:
    guard = ClaimGuard(user, language_of(user), datetime(2026, 3, 18, 14, 5), model_invents)
    return [said for clause in clauses for said in guard.speak(clause)]


@pytest.mark.parametrize(
    ("user", "claim"),
    [
        ("把客厅的灯打开。", "客厅的灯已经打开了。"),
        ("把客厅的灯打开。", "马上为你打开客厅的灯。"),
        ("提醒我下午三点开会。", "我会在下午三点提醒你。"),
        ("提醒我下午三点开会。", "提醒设置好了。"),
        ("帮我订一张去上海的高铁票。", "我帮您订一张去上海的高铁票。"),
        ("放一首周杰伦的歌。", "好的！"),
        ("Order a pizza for tonight.", "Sure!"),
        ("给妈妈打个电话。", "正在拨打妈妈的电话。"),
        ("你能上网查资料吗？", "是的，我可以上网查资料。"),
        ("Turn on the lamp.", "I've turned on the lamp."),
        ("Turn on the lamp.", "The lamp is now on."),
        ("Remind me to call Ann.", "I'll remind you at five."),
        ("Set an alarm for six.", "Your alarm has been set."),
        ("Play some jazz.", "Playing some jazz now."),
        ("Can you look things up online?", "Yes, I can search the web."),
        ("定个时，十分钟。", "计时开始！"),
        ("把牛奶加到购物清单里。", "已添加牛奶。"),
        ("把音量调大一点。", "音量已经调大了。"),
        ("Start a timer for five minutes.", "Your timer has been started."),
        ("Please add eggs to my list.", "Added eggs to your list."),
        ("Lock the front door.", "The door is locked."),
        ("提醒我下午三点开会。", "好的，下午三点开会。"),
        ("给妈妈打个电话。", "妈妈可以打个电话。"),
        ("Send Tom a message that I'm late.", "Tom, I'm late."),
        ("你可以帮我打开电视吗？", "可以，电视有很多种。"),
    ],
)
def test_a_claimed_act_is_replaced_and_what_builds_on_it_left_out(user: str, claim: str) -> None:
    before = "嗯，" if language_of(user) == "zh" else "Well,"
    said = spoken(user, before, claim, "And more.")
    assert said == [before, "抱歉，这个我做不到。" if language_of(user) == "zh" else "Sorry, I can't do that."]


@pytest.mark.parametrize(
    ("user", "clauses"),
    [
        ("把客厅的灯打开。", ["我做不到，", "我没法打开灯。"]),
        ("Turn on the lamp.", ["I can't turn on the lamp."]),
        ("Remind me at five.", ["Sorry, I'm not able to set reminders."]),
        ("你能帮我订一张去上海的票吗？", ["哪天的票？"]),
        ("给我讲个故事。", ["从前有个人，", "他已经打开了灯。"]),
        ("Tell me a story.", ["I turned on the lamp, and saw a cat."]),
        ("Can I call you Bob?", ["Sure!"]),
        ("帮我想一道菜。", ["好的，", "白灼菜心。"]),
        ("What is a lighthouse?", ["It is a tower.", "I'll tell you more."]),
    ],
)
def test_what_is_honest_or_only_a_story_is_spoken_as_written(user: str, clauses: list[str]) -> None:
    assert spoken(user, *clauses) == clauses


@pytest.mark.parametrize(
    ("user", "first"),
    [
        ("水在多少度会结冰？", "零度。"),
        ("太阳有多少度？", "表面大约5500度。"),
        ("帮我想一个名字。", "好的，"),
        ("怎么打电话才礼貌？", "先说你好，"),
        ("你喜欢听什么歌？", "当然是老歌，"),
        ("红绿灯是谁发明的？", "是一位警察，"),
        ("一年有多少天？", "三百六十五天。"),
        ("世界杯第一届谁赢了？", "乌拉圭赢了。"),
        ("你能教我做饭吗？", "当然可以，"),
        ("给我讲讲电话的历史。", "好的，"),
        ("今天几号开会比较好？", "15号比较好。"),
        ("这附近的药店晚上开门吗？", "是的，"),
        ("My phone is out of battery.", "Okay,"),
        ("网上买的衣服质量很差。", "那真让人失望，"),
        ("查一下蜿蜒是什么意思。", "好的，"),
        ("今天天气真好！", "是啊，"),
        ("为什么会下雨？", "水汽遇冷，"),
        ("今天这么热，吃什么好呢？", "可以吃凉面。"),
        ("把这句话翻译成英文。", "好的，"),
        ("Play the role of a teacher.", "Sure!"),
        ("Check my grammar, please.", "Okay,"),
        ("Will rain hurt my leather shoes?", "It can,"),
        ("Is it hot on Venus?", "Yes,"),
        ("At what temperature does water freeze?", "At 0 degrees."),
        ("How hot is the sun?", "About 5500 degrees."),
        ("Who won the second world war?", "The Allies won."),
        ("Can you recommend a good book?", "Sure!"),
        ("What is a record player?", "Of course,"),
        ("How do I write a message to my boss?", "Sure,"),
        ("What year was the telephone invented?", "In 1876."),
        ("How do I open a bank account?", "Sure,"),
        ("What day is Christmas?", "The 25th of December."),
    ],
)
def test_ordinary_questions_are_answered(user: str, first: str) -> None:
    assert spoken(user, first, "And more.") == [first, "And more."]


@pytest.mark.parametrize(
    ("user", "clauses", "right"),
    [
        ("今天几号？", ["今天是2023年3月18日。"], "今天是2026年3月18日，星期三。"),
        ("今天星期几？", ["星期二。"], "今天是2026年3月18日，星期三。"),
        ("明天是几月几号？", ["四月十九号。"], "明天是2026年3月19日，星期四。"),
        ("请问今天是什么日子？", ["抱歉，我不知道今天的日期。"], "今天是2026年3月18日，星期三。"),
        ("What's the date today?", ["Today is Wednesday,", "March 18, 2023."], "Today is Wednesday, 18 March 2026."),
        ("What year is it?", ["It is 2024."], "Today is Wednesday, 18 March 2026."),
        ("What day is it tomorrow?", ["Friday."], "Tomorrow is Thursday, 19 March 2026."),
        ("What month are we in?", ["We are in May."], "Today is Wednesday, 18 March 2026."),
    ],
)
def test_a_wrong_date_of_today_is_put_right(user: str, clauses: list[str], right: str) -> None:
    assert spoken(user, *clauses, "And more.") == [*clauses[:-1], right]


@pytest.mark.parametrize(
    ("user", "clauses"),
    [
        ("今天几号？", ["三月十八号，", "星期三。", "离五月一号还有一个多月。"]),
        ("明天星期几？", ["星期四。"]),
        ("What's the date?", ["It's Wednesday, March 18th.", "Christmas is on December 25."]),
        ("What time is it?", ["It is 2:05 in the afternoon.", "Lunch is at 12:30."]),
        ("几点了？", ["14点05分。"]),
        ("几点睡觉比较好？", ["十一点。"]),
        ("你的生日是几号？", ["八月一号。"]),
        ("When did the war end?", ["On 2 September 1945."]),
    ],
)
def test_a_right_date_and_other_dates_are_spoken_as_written(user: str, clauses: list[str]) -> None:
    assert spoken(user, *clauses) == clauses


@pytest.mark.parametrize(
    ("user", "claim", "instead"),
    [
        ("Are you a human?", "Yes,", "I'm an AI, not a human."),
        ("Are you a real person?", "I am a human.", "I'm an AI, not a human."),
        ("你是真人吗？", "我是真人。", "我是人工智能，不是人。"),
        ("外面现在多少度？", "外面现在20度。", "抱歉，这个我现在查不到。"),
        ("明天会下雨吗？", "明天会下雨。", "抱歉，这个我现在查不到。"),
        ("今天有什么新闻？", "今天的新闻很多。", "抱歉，这个我现在查不到。"),
        ("What's the weather like today?", "It is sunny and mild.", "Sorry, I can't look that up."),
        ("What's in the news today?", "It is about a match.", "Sorry, I can't look that up."),
        ("你昨天晚上睡得好吗？", "昨天晚上我睡得很好。", "我是人工智能，不是人。"),
        ("现在几点了？", "现在几点了？", "现在14:05。"),
        ("现在几点？", "现在是15:20。", "现在14:05。"),
        ("What time is it?", "It is noon.", "It is 14:05."),
        ("昨晚的球赛谁赢了？", "我们赢了。", "抱歉，这个我现在查不到。"),
        ("What's the price of gold?", "It is $2000 an ounce.", "Sorry, I can't look that up."),
    ],
)
def test_nor_does_it_pass_for_a_human_or_know_what_only_a_look_outside_could_tell(
    user: str, claim: str, instead: str
) -> None:
    assert spoken(user, claim, "And more.") == [instead]


@pytest.mark.parametrize(
    ("user", "clauses"),
    [
        ("今天天气怎么样？", ["今天晴，", "适合出门。"]),
        ("What's in the news today?", ["A new bridge was opened."]),
        ("Book a flight to Rome.", ["Which day?"]),
        ("现在几点了？", ["两点零五分。"]),
    ],
)
def test_a_larger_model_is_believed_what_it_does_not_claim_to_have_done(user: str, clauses: list[str]) -> None:
    assert spoken(user, *clauses, model_invents=False) == clauses
    assert spoken(user, *clauses) != clauses
