"""When the next clause of a reply is wanted: as late as the voice allows, so that it can be long."""

from __future__ import annotations

import pytest

from huiyin.assistant.turns import actions as do
from huiyin.assistant.turns import events as ev
from huiyin.assistant.turns.pace import SoundAhead
from tests.support.turn_script import Script


def test_the_next_clause_is_wanted_just_in_time_for_the_voice() -> None:
    script = Script()
    script.user_speaks(0, 2)
    script.recognised(2.2)
    for number, (begins_s, lasts_s) in enumerate([(3.0, 1.0), (4.0, 2.0), (6.0, 3.0)]):
        script.at(begins_s - 0.3, ev.ReplyText(begins_s - 0.3, 1, number, "A clause,"))
        script.at(begins_s - 0.1, ev.AudioReady(begins_s - 0.1, 1, number))
        script.at(begins_s - 0.1, ev.AudioFinished(begins_s - 0.1, 1, number, lasts_s))
        script.at(begins_s, ev.PlaybackAdvanced(begins_s, 1, number))
    script.at(9.5)
    # 0.5 s before there is no more sound: the voice takes 0.2 s, and 0.3 s are left for the model
    assert script.when(do.Hurry)[1:] == pytest.approx([3.5, 5.5, 8.5])
    assert script.at(9.6, ev.ReplyFinished(9.6, 1)) == [do.CloseAudio(1)]


def test_a_first_clause_that_is_late_may_be_shorter() -> None:
    script = Script()
    script.user_speaks(0, 2)
    script.recognised(2.2)
    script.at(2.59)
    assert script.when(do.Hurry) == []
    script.at(2.6)
    script.at(3.5)
    assert script.when(do.Hurry) == pytest.approx([2.6]), "once"


def test_one_that_is_there_in_time_is_not_hurried() -> None:
    script = Script()
    script.user_speaks(0, 2)
    script.recognised(2.2)
    script.at(2.5, ev.ReplyText(2.5, 1, 0, "A clause,"))
    script.at(2.9)
    assert script.when(do.Hurry) == []


def test_while_the_voice_is_busy_no_clause_is_wanted() -> None:
    script = Script()
    script.user_speaks(0, 2)
    script.recognised(2.2)
    script.at(2.3, ev.ReplyText(2.3, 1, 0, "A clause,"))
    script.at(2.6, ev.AudioReady(2.6, 1, 0))
    script.at(3, ev.PlaybackAdvanced(3, 1, 0))
    script.at(4)
    assert script.when(do.Hurry) == []
    script.at(4.1, ev.AudioFinished(4.1, 1, 0, 1.2))
    assert script.when(do.Hurry) == [4.1]


def test_which_part_of_a_clause_is_heard_when() -> None:
    sound = SoundAhead()
    sound.add(0, 2.0)
    sound.begin(0, 10.0)
    assert sound.part_between(0, 10.5, 11.0) == (0.25, 0.5)
    assert sound.part_between(0, 9.0, 20.0) == (0.0, 1.0)
    assert sound.part_between(0, 12.5, 13.0) is None, "over by then"
    assert sound.part_between(1, 11.0, 13.0) == (0.0, 1.0), "how long it is, is not known"
    assert sound.part_between(2, 11.0, 13.0) is None, "nor when the next begins"


def test_a_pause_moves_what_follows() -> None:
    sound = SoundAhead()
    sound.add(0, 2.0)
    sound.begin(0, 10.0)
    sound.pause(11.0)
    sound.resume(14.0)
    assert sound.part_between(0, 14.0, 14.5) == (0.5, 0.75)
    assert sound.end_s == 15.0


@pytest.mark.parametrize(("sound_s", "is_hurried"), [(2.45, True), (2.75, False)])
def test_where_services_are_quick_the_next_reply_may_begin_with_a_single_word(sound_s: float, is_hurried: bool) -> None:
    script = Script()
    script.user_speaks(0, 2)
    script.recognised(2.2)
    script.replies(2.4, "A clause.")
    script.synthesised(sound_s, 0)
    script.at(3)
    script.heard(4)
    script.user_speaks(10, 12)
    script.recognised(12.2)
    assert (script.when(do.Hurry) == [12.2]) is is_hurried
    script.at(12.3)
    assert len(script.when(do.Hurry)) <= 1, "once"
