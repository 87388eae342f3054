"""A yes or no in the words of the question is an answer; what an echo has of the question is none."""

from __future__ import annotations

import pytest

from huiyin.assistant.turns.own_echo import Audible, is_own_echo

LAMP = "Shall I turn off the lamp in the bedroom?"
TABLE = "I have found one. Do you want me to book the table for Sunday?"
TICKET = "需要我帮您订明天早上的票吗？"
FLIGHT = "航班取消了。您是要改签到明天上午吗？"


@pytest.mark.parametrize(
    ("answer", "reply"),
    [
        ("Yes, turn off the lamp in the bedroom.", LAMP),
        ("No, the lamp in the bedroom, please.", LAMP),
        ("Turn off the lamp.", LAMP),
        ("Turn off the lamp in the bedroom.", LAMP),
        ("Book the table for Sunday.", TABLE),
        ("Don't book the table for Sunday.", TABLE),
        ("It is the blue one in the kitchen.", "Is it the blue one in the kitchen?"),
        ("I'm flying to Oslo tomorrow morning.", "Are you flying to Oslo tomorrow morning?"),
        ("Flying to Oslo tomorrow morning.", "Are you flying to Oslo tomorrow morning?"),
        ("I said the lamp in the hall.", "Did you say the lamp in the hall?"),
        ("帮我订明天早上的票", TICKET),
        ("好的，帮我订明天早上的票。", TICKET),
        ("不订明天早上的票", TICKET),
        ("改签到明天上午", FLIGHT),
        ("对，改签到明天上午。", FLIGHT),
        ("要改签到明天上午。", FLIGHT),
        ("喜欢听古典音乐。", "你喜欢听古典音乐吗？"),
        ("我喜欢听古典音乐。", "你喜欢听古典音乐吗？"),
        ("不喜欢听古典音乐", "你喜欢听古典音乐吗？"),
    ],
)
@pytest.mark.parametrize("finished", [True, False])
def test_the_question_said_again_as_an_answer_is_one(answer: str, reply: str, finished: bool) -> None:
    assert not is_own_echo(answer, Audible(reply, reply), finished=finished), "in doubt it is an answer"
    assert is_own_echo(answer, Audible(reply, reply), by_sound=True, finished=finished)


@pytest.mark.parametrize(
    ("echo", "reply"),
    [
        ("the lamp in the bedroom", LAMP),
        ("turn off the lamp in the bedroom?", LAMP),
        ("off the lamp in the bedroom", LAMP),
        ("found one do you want me", TABLE),
        ("the table for Sunday", TABLE),
        ("明天早上的票", TICKET),
        ("帮您订明天早上的票吗", TICKET),
        ("到明天上午吗", FLIGHT),
        ("航班取消了", FLIGHT),
        ("you like to drink", "What would you like to drink?"),
        ("turned off the lamp", "I have turned off the lamp in the bedroom."),
        ("我已经关了灯", "我已经关了灯，你喜欢吗？"),
    ],
)
@pytest.mark.parametrize("finished", [True, False])
def test_a_part_of_the_question_is_an_echo(echo: str, reply: str, finished: bool) -> None:
    assert is_own_echo(echo, Audible(reply, reply), finished=finished)
