"""What the assistant says unasked, how it apologises, and events in orders that are rare."""

from __future__ import annotations

import pytest

from huiyin.assistant.turns import actions as do
from huiyin.assistant.turns import events as ev
from huiyin.assistant.turns.events import Transcript
from huiyin.assistant.turns.machine import State
from tests.support.turn_script import Script

REMINDER = ("It is five.", "Call Ann.")


def failed() -> Script:
    """The voice has failed in the first clause of a reply that is played."""
    script = Script().half_answered()
    script.at(2.6)
    script.at(3, ev.StageFailed(3, 1, "tts", "gone"))
    return script


def test_a_conversation_may_begin_with_a_greeting() -> None:
    script = Script()
    assert script.at(0, ev.Say(0, REMINDER))[:2] == [
        do.Synthesise(1, 0, "It is five."),
        do.Synthesise(1, 1, "Call Ann."),
    ]
    assert script.machine.state is State.THINKING
    script.synthesised(0.2, 0)
    script.synthesised(0.4, 1)
    script.heard(3)
    assert [type(action) for _, action in script.done[2:]] == [do.Play, do.CloseAudio, do.Commit, do.Cancel]
    assert do.Commit(1, Transcript(""), interrupted=False) in [action for _, action in script.done]


def test_what_is_to_be_said_waits_until_the_floor_is_free_and_keeps_its_order() -> None:
    script = Script().answered()
    script.at(3, ev.Say(3, ("First.",)))
    script.at(3.1, ev.Say(3.1, ("Second.",)))
    assert script.when(do.Synthesise) == []
    script.heard(4)
    assert script.last(do.Synthesise) == do.Synthesise(2, 0, "First.")
    script.synthesised(4.2, 0)
    script.heard(5)
    assert script.last(do.Synthesise) == do.Synthesise(3, 0, "Second.")


def test_what_is_said_unasked_can_be_interrupted_and_is_kept_as_far_as_it_was_heard() -> None:
    script = Script()
    script.at(0, ev.Say(0, REMINDER))
    script.synthesised(0.2, 0)
    script.cuts_in(1, 3, "how late is it")
    assert script.when(do.StopPlayback) == pytest.approx([1.5], abs=0.011)
    assert do.Commit(1, Transcript(""), interrupted=True) in [action for _, action in script.done]


def test_an_apology_is_spoken_after_what_is_there_and_closes_the_reply() -> None:
    script = failed()
    assert script.last(do.Apologise) == do.Apologise(1, "tts", "gone")
    assert script.at(3, ev.Say(3, ("Sorry.",), 1))[0] == do.Synthesise(1, 1, "Sorry.")
    script.synthesised(3, 1)
    assert script.when(do.CloseAudio) == [3]


def test_a_reply_without_its_apology_is_closed_all_the_same() -> None:
    script = failed()
    script.at(3.1, ev.AudioFinished(3.1, 1, 0))
    script.at(20)
    assert script.when(do.CloseAudio) == [13]


# -- found by events in any order


def test_what_comes_late_for_a_reply_that_failed_is_dropped() -> None:
    script = Script()
    script.user_speaks(0, 2)
    script.at(2.2, ev.StageFailed(2.2, 1, "asr", "gone"))
    late = [ev.Transcribed(2.3, 1, Transcript("hello")), ev.ReplyText(2.3, 1, 0, "Hi."), ev.AudioReady(2.3, 1, 0)]
    assert [action for event in late for action in script.at(2.3, event) if not isinstance(action, do.WakeAt)] == []


def test_what_comes_twice_or_out_of_order_counts_once() -> None:
    script = Script()
    script.user_speaks(0, 2)
    script.recognised(2.2)
    script.recognised(2.2)
    script.at(2.3, ev.ReplyText(2.3, 1, 1, "later"))
    script.replies(2.3, "Hi.")
    script.at(2.3, ev.ReplyText(2.3, 1, 0, "Hi."))
    assert len(script.when(do.AskLlm)) == 1 and script.when(do.Synthesise) == [2.3]
    script.at(2.4, ev.AudioFinished(2.4, 1, 0))
    script.at(2.6)
    assert script.when(do.Play) == script.when(do.CloseAudio) == pytest.approx([2.5])


def test_a_reply_is_not_over_before_its_sound_is() -> None:
    script = Script().half_answered()
    script.at(2.6)
    assert script.at(2.7, ev.PlaybackFinished(2.7, 1)) == []
    assert script.machine.state is State.SPEAKING


def test_two_deadlines_missed_at_once_are_both_seen() -> None:
    script = Script()
    script.user_speaks(0, 2)
    script.recognised(2.6)
    script._feed(ev.ReplyText(2.7, 1, 0, "Well,"))
    script._feed(ev.TimePassed(60))
    assert script.when(do.Apologise) == [60], "the computer slept"


def test_typed_words_are_kept_when_more_is_typed_or_said_before_the_answer() -> None:
    script = Script()
    script.at(100, ev.TextEntered(100, "one"))
    assert do.Commit(1, Transcript("one"), interrupted=True) in script.at(101, ev.TextEntered(101, "two"))
    script.user_speaks(102, 103)
    assert script.last(do.Commit) == do.Commit(2, Transcript("two"), interrupted=True)
    assert script.last(do.Transcribe) == do.Transcribe(3, start_s=102, end_s=103)


def test_typed_words_and_greetings_say_nothing_of_the_recognisers_marks() -> None:
    script = Script()
    for number in range(4):
        script.at(number, ev.TextEntered(number, "hello"))
    script.user_speaks(10, 12)
    script.at(12.11, ev.EndpointScored(12.11, 12, 0.7))
    script.recognised(12.2)
    script.at(15)
    assert script.over_s == pytest.approx(12.85)


@pytest.mark.parametrize("talk_key", [True, False])
def test_speech_that_ended_before_the_key_went_down_is_not_transcribed(talk_key: bool) -> None:
    script = Script(talk_key=talk_key, barge_in="key").answered() if not talk_key else Script(talk_key=True)
    script.at(3.1, ev.SpeechStarted(3.1, onset_s=3.0))
    script.at(4, ev.KeyPressed(4))
    script.at(4.05, ev.SpeechPaused(4.05, end_s=3.95))
    script.at(6)
    assert script.when(do.Transcribe) == []
    assert script.machine.state is (State.USER if talk_key else State.LISTENING)


def test_a_key_that_is_never_released_ends_the_turn_when_it_is_too_long() -> None:
    script = Script(talk_key=True)
    script.at(1, ev.KeyPressed(1))
    script.user_speaks(2, 3)
    script.at(62)
    assert script.machine.state is State.THINKING


def test_a_reply_that_is_given_up_is_committed_as_far_as_it_was_heard() -> None:
    script = Script().half_answered()
    script.at(2.6)
    assert script.machine.state is State.SPEAKING
    actions = script.at(3, ev.Interrupted(3))
    assert [type(action) for action in actions] == [do.StopPlayback, do.Commit, do.Cancel]
    assert script.machine.state is State.LISTENING


def test_a_reply_that_is_given_up_before_its_first_sound_leaves_the_users_words() -> None:
    script = Script()
    script.at(1, ev.TextEntered(1, "What time is it?"))
    actions = script.at(1.1, ev.Interrupted(1.1))
    assert actions == [do.Commit(1, Transcript("What time is it?"), interrupted=True), do.Cancel(1)]
    assert script.machine.state is State.LISTENING
    assert script.at(1.2, ev.Interrupted(1.2)) == []


def noise(script: Script, start_s: float) -> None:
    """Half a second of sound without words."""
    script.user_speaks(start_s, start_s + 0.5)
    script.recognised(start_s + 0.8, Transcript(""))
    script.at(start_s + 3)


def test_what_a_noise_prevents_is_said_after_it() -> None:
    script = Script()
    script.at(0, ev.Say(0, REMINDER))
    noise(script, 0.1)
    assert script.last(do.Synthesise) == do.Synthesise(script.machine.generation, 1, "Call Ann.")
    script.synthesised(4, 0)
    assert script.when(do.Play) == [4]


def test_what_words_prevent_is_not_said_after_them() -> None:
    script = Script()
    script.at(0, ev.Say(0, REMINDER))
    script.user_speaks(0.1, 1)
    script.recognised(1.3)
    script.replies(1.4, "Hi!")
    script.synthesised(1.5, 0)
    script.at(3)
    script.heard(4)
    script.at(9)
    assert script.machine.state is State.LISTENING
    assert [action.text for _, action in script.done if isinstance(action, do.Synthesise)] == [*REMINDER, "Hi!"]


@pytest.mark.parametrize("asked", [ev.TextEntered(0, "what is it"), ev.ReplyRequested(0)])
def test_a_noise_does_not_leave_a_question_without_an_answer(asked: ev.Event) -> None:
    script = Script()
    script.at(0, asked)
    noise(script, 0.1)
    assert script.last(do.AskLlm) == do.AskLlm(script.machine.generation, None), "typed words are in the history"
    assert len(script.when(do.AskLlm)) == 2 and script.machine.state is State.THINKING


# -- words from just before a reply's end


def said_over_the_end(*judges: str) -> Script:
    """The user says something over the last word of a reply, which ends before the recogniser answers."""
    script = Script(*judges).answered()
    script.at(2.9, ev.SpeechStarted(2.9, onset_s=2.8))
    script.at(3.3, ev.SpeechPaused(3.3, end_s=3.2))
    script.heard(3.35)
    assert script.machine.state is State.LISTENING
    return script


@pytest.mark.parametrize("asked", [ev.Say(3.36, REMINDER), ev.ReplyRequested(3.36)])
def test_words_that_are_awaited_go_before_what_is_to_be_said(asked: ev.Event) -> None:
    script = said_over_the_end()
    script.at(3.36, asked)
    script.at(3.5)
    assert script.when(do.Synthesise) == script.when(do.AskLlm) == []
    script.recognised(3.6, Transcript("what about Bob"))
    assert script.last(do.AskLlm) == do.AskLlm(script.machine.generation, Transcript("what about Bob"))


@pytest.mark.parametrize(("came_s", "words"), [(3.6, ""), (3.6, "mm-hmm"), (None, "")])
def test_what_is_to_be_said_waits_no_longer_than_for_words(came_s: float | None, words: str) -> None:
    script = said_over_the_end()
    script.at(3.36, ev.Say(3.36, REMINDER))
    if came_s:
        script.recognised(came_s, Transcript(words))
    script.at(30)
    begun_s = script.when(do.Synthesise)[0]
    assert begun_s == pytest.approx(came_s or 3.2 + script.machine.policy.asr_timeout_s, abs=0.011)
