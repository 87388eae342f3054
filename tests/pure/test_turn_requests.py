"""What a program asks of the turn machine: replies on request, tools, turns without a reply, speech that waits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from huiyin.assistant.turns import actions as do
from huiyin.assistant.turns import events as ev
from huiyin.assistant.turns.events import Transcript
from huiyin.assistant.turns.machine import State
from huiyin.configs.settings import TurnsSettings
from tests.support.turn_script import HELLO, Script


def kinds(script: Script) -> list[type[do.Action]]:
    return [type(action) for _, action in script.done]


# -- replies on request


def test_a_reply_that_was_requested_begins_when_the_floor_is_free() -> None:
    script = Script().answered()
    script.at(3, ev.ReplyRequested(3))
    assert script.when(do.AskLlm) == []
    script.heard(4)
    assert script.last(do.AskLlm) == do.AskLlm(2, None)
    script.replies(4.1, "It is sunny.")
    script.synthesised(4.2, 0)
    script.heard(5)
    assert script.last(do.Commit) == do.Commit(2, Transcript(""), interrupted=False)


def test_requests_and_what_is_to_be_said_keep_their_order() -> None:
    script = Script().answered()
    script.at(3, ev.ReplyRequested(3))
    script.at(3.1, ev.Say(3.1, ("Dinner is ready.",)))
    script.heard(4)
    assert script.last(do.AskLlm) == do.AskLlm(2, None)
    script.replies(4.1, "It is sunny.")
    script.synthesised(4.2, 0)
    script.heard(5)
    assert script.last(do.Synthesise) == do.Synthesise(3, 0, "Dinner is ready.")


def test_a_requested_reply_gives_way_to_the_user_before_its_first_sound() -> None:
    script = Script()
    script.at(0, ev.ReplyRequested(0))
    script.user_speaks(0.5, 2)
    assert do.Cancel(1) in [action for _, action in script.done] and not script.when(do.Commit)
    assert script.last(do.Transcribe) == do.Transcribe(2, start_s=0.5, end_s=2)


# -- the end of a turn


def test_the_end_of_a_turn_is_told_with_the_number_of_its_transcription() -> None:
    script = Script()
    script.user_speaks(0, 2)
    script.at(3)
    assert [action for action in script.done if isinstance(action[1], do.EndTurn)] == [
        (2.5, do.EndTurn(1, start_s=0, end_s=2))
    ]


def test_a_turn_that_goes_on_after_its_end_ends_again_as_one_turn() -> None:
    script = Script()
    script.user_speaks(0, 2)
    script.user_speaks(2.9, 4)
    script.at(5)
    assert [action for _, action in script.done if isinstance(action, do.EndTurn)] == [
        do.EndTurn(1, start_s=0, end_s=2),
        do.EndTurn(2, start_s=0, end_s=4),
    ]


@pytest.mark.parametrize("words", ["", "  "])
def test_a_turn_without_words_has_ended_and_is_not_committed(words: str) -> None:
    script = Script()
    script.user_speaks(0, 2)
    script.recognised(2.2, Transcript(words))
    script.at(5)
    assert script.when(do.EndTurn) == [2.5] and not script.when(do.Commit)


# -- tools


def test_tools_are_called_when_the_reply_is_played_and_its_text_is_complete() -> None:
    script = Script()
    script.user_speaks(0, 2)
    script.recognised(2.2)
    script.at(2.3, ev.ReplyText(2.3, 1, 0, "Let me see."))
    script.at(2.35, ev.ReplyFinished(2.35, 1, ("look",)))
    script.at(2.6)
    assert script.when(do.CallTools) == [], "nothing is heard yet: the user may go on"
    script.synthesised(2.7, 0)
    assert script.last(do.CallTools) == do.CallTools(1, ("look",)) and script.when(do.CallTools) == [2.7]
    script.heard(4)
    assert kinds(script).index(do.CallTools) < kinds(script).index(do.Commit)


def test_a_reply_of_calls_alone_is_over_with_the_users_turn() -> None:
    script = Script()
    script.user_speaks(0, 2)
    script.recognised(2.2)
    script.at(2.3, ev.ReplyFinished(2.3, 1, ("look",)))
    assert script.when(do.CallTools) == []
    script.at(3)
    assert kinds(script)[-4:] == [do.EndTurn, do.CallTools, do.Commit, do.Cancel]
    assert script.last(do.Commit) == do.Commit(1, HELLO, interrupted=False)
    assert script.machine.state is State.LISTENING and not script.when(do.Play)


def test_calls_wait_while_the_user_may_be_going_on() -> None:
    script = Script()
    script.user_speaks(0, 2)
    script.recognised(2.2)
    script.at(2.3, ev.ReplyFinished(2.3, 1, ("look",)))
    script.at(2.48, ev.SpeechPossible(2.48))
    script.at(2.55, ev.SpeechStarted(2.55, onset_s=2.45))
    script.at(9)
    assert not script.when(do.CallTools) and not script.when(do.Commit)


def test_a_voice_that_fails_does_not_lose_the_calls() -> None:
    script = Script()
    script.user_speaks(0, 2)
    script.recognised(2.2)
    script.at(2.3, ev.ReplyText(2.3, 1, 0, "Let me see."))
    script.at(2.4, ev.ReplyFinished(2.4, 1, ("look",)))
    script.at(2.6)
    script.at(2.7, ev.StageFailed(2.7, 1, "tts", "gone"))
    script.at(2.7, ev.Say(2.7, ("Sorry.",), 1))
    script.synthesised(2.8, 1)
    assert script.when(do.CallTools) == [2.8]


# -- turns without a reply


def test_without_replies_the_words_are_kept_and_the_machine_listens_again() -> None:
    script = Script(replies=False)
    script.user_speaks(0, 2)
    script.recognised(2.2)
    assert script.when(do.Commit) == []
    script.at(3)
    assert script.when(do.Commit) == [2.5] and script.when(do.AskLlm) == []
    assert script.last(do.Commit) == do.Commit(1, HELLO, interrupted=False)
    assert script.machine.state is State.LISTENING
    script.at(4, ev.ReplyRequested(4))
    assert script.last(do.AskLlm) == do.AskLlm(2, None)


def test_without_replies_speech_still_interrupts_and_is_kept() -> None:
    script = Script(replies=False)
    script.at(0, ev.Say(0, ("Once upon a time there was a lighthouse.",)))
    script.synthesised(0.2, 0)
    script.cuts_in(1, 3, "how late is it")
    script.at(6)
    assert script.when(do.StopPlayback) == pytest.approx([1.5], abs=0.011)
    assert script.last(do.Commit).transcript.text == "how late is it"  # type: ignore[attr-defined]
    assert script.when(do.AskLlm) == []


def test_without_replies_what_is_typed_is_kept() -> None:
    script = Script(replies=False)
    script.at(1, ev.TextEntered(1, "hello"))
    assert script.last(do.Commit) == do.Commit(1, Transcript("hello"), interrupted=False)
    assert script.machine.state is State.LISTENING


# -- speech that does not interrupt


def overlapped() -> Script:
    """A reply is played since 2.5 s; the user said something from 3 to 4 s, which was recognised."""
    script = Script(barge_in="ignore").answered()
    script.user_speaks(3, 4)
    script.at(4.6)
    script.at(4.7, ev.Transcribed(4.7, 2, Transcript("what about the fox")))
    return script


def test_speech_that_does_not_interrupt_is_transcribed_at_its_end_and_answered_after_the_reply() -> None:
    script = overlapped()
    assert script.last(do.Transcribe) == do.Transcribe(2, start_s=3, end_s=4)
    assert script.when(do.EndTurn) == [4.5] and script.last(do.EndTurn) == do.EndTurn(2, start_s=3, end_s=4)
    assert script.machine.state is State.SPEAKING and not script.when(do.Pause)
    script.heard(8)
    assert script.last(do.AskLlm) == do.AskLlm(2, Transcript("what about the fox"))
    script.replies(8.1, "It is red.")
    script.synthesised(8.2, 0)
    script.heard(9)
    commits = [action for _, action in script.done if isinstance(action, do.Commit)]
    assert [commit.generation for commit in commits] == [1, 2] and not commits[0].interrupted


def test_a_reply_that_is_given_up_gives_the_floor_to_what_was_said_meanwhile() -> None:
    script = overlapped()
    script.at(5, ev.Interrupted(5))
    assert script.last(do.AskLlm) == do.AskLlm(2, Transcript("what about the fox"))


def test_typing_keeps_what_was_said_meanwhile() -> None:
    script = overlapped()
    script.at(5, ev.TextEntered(5, "never mind"))
    assert do.Commit(2, Transcript("what about the fox"), interrupted=True) in [action for _, action in script.done]
    assert script.last(do.AskLlm) == do.AskLlm(3, Transcript("never mind"))


def test_a_pause_within_speech_that_waits_does_not_end_it() -> None:
    script = Script(barge_in="ignore").answered()
    script.user_speaks(3, 4)
    script.user_speaks(4.3, 5)
    script.at(6)
    assert script.last(do.Transcribe) == do.Transcribe(2, start_s=3, end_s=5) and len(script.when(do.EndTurn)) == 1


def test_speech_that_waits_begins_with_its_sound_where_it_was_noticed_late() -> None:
    script = Script(barge_in="ignore").answered()
    script.at(4.1, ev.SpeechStarted(4.1, onset_s=4.0, from_s=3.2))
    script.at(4.6, ev.SpeechPaused(4.6, end_s=4.5))
    script.at(5.5)
    assert script.last(do.Transcribe) == do.Transcribe(2, start_s=3.2, end_s=4.5)


def test_a_reply_that_is_being_prepared_is_not_given_up_for_speech_either() -> None:
    script = Script(barge_in="ignore")
    script.at(0, ev.TextEntered(0, "Tell me a story."))
    script.user_speaks(1, 2)
    assert not script.when(do.Cancel)
    script.replies(2.2, "Once upon a time.")
    script.synthesised(2.3, 0)
    assert script.machine.state is State.SPEAKING


def test_the_assistants_own_words_are_no_turn() -> None:
    script = Script(barge_in="ignore").answered("there was a lighthouse on a small island")
    script.user_speaks(3, 4)
    script.at(4.6)
    script.at(4.7, ev.Transcribed(4.7, 2, Transcript("a lighthouse on a small island")))
    script.heard(5)
    assert script.when(do.AskLlm) == [] and script.machine.state is State.LISTENING


def test_a_transcription_that_failed_meanwhile_is_apologised_for_after_the_reply() -> None:
    script = Script(barge_in="ignore").answered()
    script.user_speaks(3, 4)
    script.at(4.6)
    script.at(4.7, ev.StageFailed(4.7, 2, "asr", "gone"))
    assert not script.when(do.Apologise)
    script.heard(6)
    assert script.last(do.Apologise) == do.Apologise(2, "asr", "gone")


# -- the policy may change at any time


def test_a_reply_that_is_paused_is_resumed_whatever_the_policy_has_become() -> None:
    script = Script().answered()
    script.at(3.1, ev.SpeechStarted(3.1, onset_s=3.0))
    script.at(3.3)
    assert script.machine.state is State.PAUSED
    script.machine.policy = TurnsSettings(barge_in="ignore")
    script.at(3.4, ev.SpeechPaused(3.4, end_s=3.3))
    script.at(5)
    assert script.machine.state is State.SPEAKING


def test_a_reply_prepared_before_none_was_wanted_is_not_spoken() -> None:
    script = Script()
    script.user_speaks(0, 2)
    script.recognised(2.2)
    script.replies(2.3, "Hi!")
    script.synthesised(2.4, 0)
    assert script.machine.state is State.USER
    script.machine.policy = replace(script.machine.policy, replies=False)
    script.at(2.4)
    script.recognised(2.5)
    script.at(9)
    assert script.when(do.Play) == [] and script.machine.state is State.LISTENING
    assert script.last(do.Commit) == do.Commit(2, HELLO, interrupted=False), "the words are kept"


def test_what_is_asked_for_waits_while_the_assistant_is_not_to_speak() -> None:
    script = Script(speaks=False)
    script.at(0, ev.Say(0, ("It is five.",)))
    script.at(5)
    assert script.when(do.Synthesise) == []
    script.machine.policy = replace(script.machine.policy, speaks=True)
    script.at(6)
    assert script.when(do.Synthesise) == [6]
