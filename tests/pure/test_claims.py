"""What the model claims to have done without a tool is not spoken."""

from __future__ import annotations

import pytest

from huiyin.assistant.dialogue.claims import ClaimGuard
from huiyin.assistant.dialogue.language import language_of


def spoken(user: str, *clauses: str) -> list[str]:
    guard = ClaimGuard(user, language_of(user))
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
    ],
)
def test_a_claimed_act_is_replaced_and_what_builds_on_it_left_out(user: str, claim: str) -> None:
    before = "灯在客厅，" if language_of(user) == "zh" else "Right there,"
    said = spoken(user, before, claim, "And more.")
    assert said == [before, "抱歉，这个我做不到。" if language_of(user) == "zh" else "Sorry, I can't do that."]


@pytest.mark.parametrize(
    ("user", "clauses"),
    [
        ("把客厅的灯打开。", ["我做不到，", "我没法打开灯。"]),
        ("Turn on the lamp.", ["I can't turn on the lamp."]),
        ("Remind me at five.", ["Sorry, I'm not able to set reminders."]),
        ("帮我订一张去上海的票。", ["哪天的票？"]),
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
    ("user", "claim", "instead"),
    [
        ("Are you a human?", "Yes,", "I'm an AI, not a human."),
        ("Are you a real person?", "I am a human.", "I'm an AI, not a human."),
        ("你是真人吗？", "我是真人。", "我是人工智能，不是人。"),
        ("外面现在多少度？", "外面现在20度。", "抱歉，这个我现在查不到。"),
        ("昨晚的球赛谁赢了？", "我们赢了。", "抱歉，这个我现在查不到。"),
        ("What's the price of gold?", "It is $2000 an ounce.", "Sorry, I can't look that up."),
    ],
)
def test_nor_does_it_pass_for_a_human_or_know_what_only_a_look_outside_could_tell(
    user: str, claim: str, instead: str
) -> None:
    assert spoken(user, claim, "And more.") == [instead]
