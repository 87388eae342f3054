"""When an opener is asked for, and what becomes of a reply that has begun with one."""

from __future__ import annotations

import pytest

from huiyin.assistant.turns import actions as do
from huiyin.assistant.turns import events as ev
from huiyin.assistant.turns.events import Transcript
from huiyin.assistant.turns.machine import State
from huiyin.assistant.turns.opener import OPENER
from tests.support.turn_script import HELLO, Script


def known_to_take(takes_s: float, **policy: object) -> Script:
    """A conversation in which the last reply took so long from the user's words to its first sound; half of it the
    model. What came before is forgotten; the next turn begins at 100 s."""
    script = Script(**policy)
    script.user_speaks(0, 2)
    script.recognised(2.2)
    script.at(2.2 + takes_s / 2, ev.ReplyText(2.2 + takes_s / 2, 1, 0, "Hi!"))
    script.synthesised(2.2 + takes_s, 0)
    script.at(50, ev.ReplyFinished(50, 1))
    script.heard(51)
    script.done.clear()
    return script


def asks(script: Script) -> Script:
    """The user speaks from 100 to 102 s; the words are known at 102.2 s."""
    script.user_speaks(100, 102)
    script.recognised(102.2)
    return script


def opened(script: Script) -> Script:
    """The opener is said from 102.5 s on."""
    asks(script).at(102.5)
    g = script.machine.generation
    assert isinstance(asked := script.last(do.Open), do.Open) and (asked.generation, asked.transcript) == (g, HELLO)
    script.at(102.51, ev.Opened(102.51, g, "Well,"))
    script.at(102.55, ev.PlaybackAdvanced(102.55, g, OPENER))
    assert script.machine.state is State.SPEAKING
    return script


@pytest.mark.parametrize(("takes_s", "asked_s"), [(0.3, []), (0.6, []), (0.8, [102.5]), (3.0, [102.5])])
def test_one_is_asked_for_where_the_reply_is_expected_much_later(takes_s: float, asked_s: list[float]) -> None:
    script = asks(known_to_take(takes_s))
    script.at(102.75)
    assert script.when(do.Open) == pytest.approx(asked_s)


def test_never_before_the_users_end_lies_so_far_back_even_if_the_turn_ended_sooner() -> None:
    script = asks(known_to_take(3.0, endpoint_s=0.25))
    script.at(102.44)
    assert script.machine.state is State.THINKING and script.when(do.Open) == []
    script.at(102.46)
    assert script.when(do.Open) == pytest.approx([102.45])


def test_without_knowledge_and_where_it_should_be_there_it_comes_late() -> None:
    first = Script()
    first.user_speaks(0, 2)
    first.recognised(2.2)
    first.at(4)
    assert first.when(do.Open) == pytest.approx([3.0])
    overdue = asks(known_to_take(0.6))
    overdue.at(104)
    assert overdue.when(do.Open) == pytest.approx([103.0]), "its sound was expected at 102.8"


def test_a_clause_that_is_already_written_shows_that_the_sound_is_near() -> None:
    script = known_to_take(2.0)
    asks(script).at(102.4, ev.ReplyText(102.4, script.machine.generation, 0, "Soon."))
    script.at(102.4 + 1.0 - 0.01)
    assert script.when(do.Open) == pytest.approx([102.5])
    quick = known_to_take(1.2)
    asks(quick).at(102.3, ev.ReplyText(102.3, quick.machine.generation, 0, "Soon."))
    quick.at(102.9)
    assert quick.when(do.Open) == []


def test_a_clause_that_is_written_late_is_not_delayed_by_one() -> None:
    script = known_to_take(0.6)
    asks(script).at(102.95, ev.ReplyText(102.95, script.machine.generation, 0, "Here it is."))
    script.at(103.6)
    assert script.when(do.Open) == [], "its sound is expected at 103.25, and the voice may be a little late"
    script.at(104.1)
    assert script.when(do.Open) == pytest.approx([103.7]), "it may take much longer"


def test_a_first_clause_that_is_with_an_unknown_voice_is_given_some_time() -> None:
    first = Script()
    first.user_speaks(0, 2)
    first.recognised(2.2)
    first.at(2.9, ev.ReplyText(2.9, 1, 0, "Hi!"))
    first.at(4)
    assert first.when(do.Open) == pytest.approx([3.35])


@pytest.mark.parametrize(("takes_s", "written_s", "fits_s"), [(1.0, None, 0.7), (3.0, None, 2.7), (2.0, 102.4, 0.9)])
def test_it_may_be_as_long_as_the_reply_is_far_off(takes_s: float, written_s: float | None, fits_s: float) -> None:
    script = asks(known_to_take(takes_s))
    if written_s:
        script.at(written_s, ev.ReplyText(written_s, script.machine.generation, 0, "Soon."))
    script.at(102.6)
    assert [action.fits_s for _, action in script.done if isinstance(action, do.Open)] == pytest.approx([fits_s])


def test_one_that_is_overdue_or_comes_without_knowledge_is_short() -> None:
    overdue, first = asks(known_to_take(0.6)), asks(Script())
    for script in (overdue, first):
        script.at(104)
        assert [action.fits_s for _, action in script.done if isinstance(action, do.Open)] == [0.0]


@pytest.mark.parametrize("policy", [{"openers": False}, {"barge_in": "off"}, {"barge_in": "key"}])
def test_there_is_none_by_setting_nor_where_the_user_could_not_go_on_over_it(policy: dict[str, object]) -> None:
    script = asks(known_to_take(3.0, **policy))
    script.at(110)
    assert script.when(do.Open) == []


def test_none_answers_what_was_typed_or_is_said_unasked() -> None:
    script = known_to_take(3.0)
    script.at(100, ev.TextEntered(100, "hello"))
    script.at(110)
    assert script.when(do.Open) == []


def test_possible_speech_delays_it() -> None:
    script = asks(known_to_take(3.0))
    script.at(102.48, ev.SpeechPossible(102.48))
    script.at(102.7)
    assert script.when(do.Open) == pytest.approx([102.576])


def test_the_reply_follows_it_and_it_is_committed_with_it() -> None:
    script = opened(known_to_take(3.0))
    assert script.when(do.Play) == [102.51]
    script.replies(104, "Hi!")
    script.synthesised(105, 0)
    script.at(105.1)
    assert script.when(do.Play) == [102.51], "it plays already"
    script.heard(107)
    assert [type(action) for _, action in script.done[-3:]] == [do.CloseAudio, do.Commit, do.Cancel]
    assert script.when(do.Open) == pytest.approx([102.5]), "once a reply"


def test_a_reply_that_only_calls_tools_ends_when_it_has_been_said() -> None:
    script = opened(known_to_take(3.0))
    script.at(104, ev.ReplyFinished(104, script.machine.generation, ("look",)))
    assert script.when(do.CallTools) == [104] and script.when(do.CloseAudio) == [104]
    assert script.when(do.Commit) == []
    script.heard(104.2)
    assert script.when(do.Commit) == [104.2]


def test_a_model_that_says_nothing_after_it_is_apologised_for() -> None:
    script = opened(known_to_take(3.0))
    script.at(104, ev.ReplyFinished(104, script.machine.generation))
    assert script.when(do.Apologise) == [104]


def test_a_user_who_goes_on_over_it_goes_on_with_the_same_turn() -> None:
    script = opened(known_to_take(3.0))
    script.cuts_in(102.6, 104, "and in Paris")
    assert script.when(do.StopPlayback) == pytest.approx([103.1], abs=0.011)
    assert script.when(do.Commit) == []
    assert script.last(do.Transcribe) == do.Transcribe(script.machine.generation, start_s=100, end_s=104)


def test_an_order_to_stop_is_obeyed_and_what_was_heard_is_kept() -> None:
    script = opened(known_to_take(3.0))
    script.cuts_in(102.6, 103.2, "stop")
    generation = script.last(do.Open).generation  # type: ignore[attr-defined]
    assert do.Commit(generation, HELLO, interrupted=True) in [action for _, action in script.done]


def test_a_cough_lets_it_go_on() -> None:
    script = opened(known_to_take(3.0))
    script.cuts_in(102.6, 102.9, "")
    assert script.when(do.StopPlayback) == [] and len(script.when(do.Resume)) == 1


def test_words_that_answer_nothing_get_none() -> None:
    script = known_to_take(3.0)
    script.user_speaks(100, 102)
    script.recognised(102.2, Transcript(""))
    script.at(110)
    assert script.when(do.Open) == []
