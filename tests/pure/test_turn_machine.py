"""The turn machine, driven by hand: events at stated times, and what it asks for in answer."""

from __future__ import annotations

import pytest

from huiyin.assistant.turns import actions as do
from huiyin.assistant.turns import events as ev
from huiyin.assistant.turns.events import Transcript
from huiyin.assistant.turns.machine import State
from huiyin.assistant.turns.table import page
from tests.support import ROOT
from tests.support.turn_script import HELLO, Script


def test_reply_is_prepared_at_the_first_pause_and_played_when_the_pause_has_lasted() -> None:
    script = Script()
    script.user_speaks(0, 2)
    assert script.when(do.Transcribe) == pytest.approx([2.096])
    script.recognised(2.2)
    script.replies(2.3, "Hi!")
    script.synthesised(2.4, 0)
    assert script.when(do.Play) == [], "the user may still go on"
    script.at(2.6)
    assert script.when(do.Play) == pytest.approx([2.5])
    assert script.last(do.Transcribe) == do.Transcribe(1, start_s=0, end_s=2)


def test_slow_services_play_as_soon_as_the_first_sound_is_there() -> None:
    script = Script()
    script.user_speaks(0, 2)
    script.recognised(3.0)
    script.replies(4.0, "Hi!")
    assert script.machine.state is State.THINKING
    script.synthesised(4.5, 0)
    assert script.when(do.Play) == [4.5]


def test_user_who_goes_on_in_the_pause_is_transcribed_again_as_one_turn() -> None:
    script = Script()
    script.user_speaks(0, 2)
    script.recognised(2.2)
    script.user_speaks(2.35, 4)
    assert do.Cancel(1) in [action for _, action in script.done]
    assert script.last(do.Transcribe) == do.Transcribe(2, start_s=0, end_s=4)
    script.at(9)
    assert script.when(do.Play) == []


def test_user_who_goes_on_after_the_end_of_turn_but_before_any_sound_is_one_turn_too() -> None:
    script = Script()
    script.user_speaks(0, 2)
    script.recognised(2.2)
    script.at(2.8)
    assert script.machine.state is State.THINKING
    script.user_speaks(2.9, 4)
    assert script.last(do.Transcribe) == do.Transcribe(2, start_s=0, end_s=4)
    assert script.when(do.Commit) == []


def test_results_of_an_old_generation_are_dropped() -> None:
    script = Script()
    script.user_speaks(0, 2)
    script.user_speaks(2.3, 4)
    assert script.at(4.2, ev.Transcribed(4.2, 1, HELLO)) == []
    assert do.AskLlm(2, HELLO) in script.at(4.3, ev.Transcribed(4.3, 2, HELLO))


def test_speculation_is_bounded() -> None:
    script = Script(max_speculations=2)
    for i in range(5):
        script.user_speaks(i, i + 0.7)
    assert len(script.when(do.Transcribe)) == 2
    script.at(6)
    assert script.when(do.Transcribe)[-1] == pytest.approx(4.7 + 0.5), "the end of the turn is transcribed all the same"


@pytest.mark.parametrize("policy", [{"speculate_s": 0.0}, {"speculate_max_turn_s": 1.0}])
def test_without_speculation_recognition_begins_at_the_end_of_turn(policy: dict[str, float]) -> None:
    script = Script(**policy)
    script.user_speaks(0, 2)
    script.at(3)
    assert script.when(do.Transcribe) == [2.5]


def test_only_the_first_clause_is_synthesised_before_the_turn_is_over() -> None:
    script = Script()
    script.user_speaks(0, 2)
    script.recognised(2.2)
    script.replies(2.3, "Well,", "that depends.")
    assert script.when(do.Synthesise) == [2.3]
    script.at(2.6)
    assert script.when(do.Synthesise) == [2.3, 2.5]


def test_reply_is_closed_once_all_its_clauses_are_synthesised_and_committed_once_heard() -> None:
    script = Script()
    script.user_speaks(0, 2)
    script.recognised(2.2)
    script.replies(2.3, "Well,", "that depends.")
    script.synthesised(2.6, 0)
    assert script.when(do.CloseAudio) == []
    script.synthesised(2.9, 1)
    assert script.when(do.CloseAudio) == [2.9]
    script.heard(5)
    assert script.last(do.Commit) == do.Commit(1, HELLO, interrupted=False)
    assert script.machine.state is State.LISTENING


def test_without_barge_in_speech_is_ignored_while_the_assistant_speaks() -> None:
    script = Script(barge_in="off").answered()
    script.at(3.1, ev.SpeechStarted(3.1, onset_s=3.0))
    script.at(5)
    assert script.when(do.StopPlayback) == []
    script.heard(6)
    assert script.machine.state is State.LISTENING


def test_speech_that_begins_as_the_reply_ends_is_the_next_turn() -> None:
    script = Script().answered()
    script.at(3.1, ev.SpeechStarted(3.1, onset_s=3.0))
    script.heard(3.15)
    script.at(4, ev.SpeechPaused(4, end_s=3.9))
    assert script.last(do.Transcribe) == do.Transcribe(2, start_s=3.0, end_s=3.9)


@pytest.mark.parametrize("recognised_s", [2.2, 2.9])
def test_silence_taken_for_speech_asks_nothing(recognised_s: float) -> None:
    script = Script()
    script.user_speaks(0, 2)
    script.recognised(recognised_s, Transcript("  "))
    script.at(5)
    assert script.when(do.AskLlm) == script.when(do.Commit) == []
    assert script.machine.state is State.LISTENING


def test_a_very_long_turn_is_answered_as_it_stands() -> None:
    script = Script(max_turn_s=60)
    script.at(0.1, ev.SpeechStarted(0.1, onset_s=0))
    script.at(61)
    assert script.last(do.Transcribe) == do.Transcribe(1, start_s=0, end_s=60)
    script.recognised(62)
    script.replies(62.1, "Let me stop you there.")
    script.synthesised(62.2, 0)
    script.at(65)
    assert script.machine.state is State.SPEAKING, "what is still being said is no barge-in"


@pytest.mark.parametrize(
    ("stage", "upto", "deadline_s"),
    [("asr", 0, 2.096 + 10), ("llm", 1, 2.2 + 20), ("tts", 2, 2.3 + 10)],
)
def test_a_stage_that_gives_no_answer_is_apologised_for_and_the_loop_goes_on(
    stage: ev.Stage, upto: int, deadline_s: float
) -> None:
    script = Script()
    script.user_speaks(0, 2)
    if upto >= 1:
        script.recognised(2.2)
    if upto >= 2:
        script.replies(2.3, "Hi!")
    script.at(60)
    assert script.when(do.Apologise) == pytest.approx([deadline_s])
    assert script.last(do.Apologise).stage == stage  # type: ignore[attr-defined]
    assert script.machine.state is State.SPEAKING
    script.heard(62)
    assert script.machine.state is State.LISTENING
    script.user_speaks(70, 72)
    assert script.machine.generation == 2


def test_failure_while_speculating_is_tried_again_at_the_end_of_the_turn() -> None:
    script = Script()
    script.user_speaks(0, 2)
    script.at(2.2, ev.StageFailed(2.2, 1, "asr", "connection refused"))
    assert script.when(do.Apologise) == []
    script.at(2.6)
    assert script.last(do.Transcribe) == do.Transcribe(2, start_s=0, end_s=2)


def test_a_model_that_breaks_off_has_what_it_said_spoken_to_its_end() -> None:
    script = Script().half_answered()
    script.at(2.6)
    script.at(3, ev.ReplyText(3, 1, 1, "once upon a time"))
    script.at(3.1, ev.StageFailed(3.1, 1, "llm", "gone"))
    script.at(3.2, ev.ReplyText(3.2, 1, 2, "there was"))
    assert not script.when(do.Cancel) and not script.when(do.Apologise), "the second clause is being synthesised"
    script.synthesised(3.5, 1)
    assert script.when(do.Apologise) == [3.5]
    assert script.last(do.Apologise) == do.Apologise(1, "llm", "gone")
    assert len(script.when(do.Synthesise)) == 2


def test_a_voice_that_fails_after_the_model_has_is_not_waited_for() -> None:
    script = Script().half_answered()
    script.at(2.6)
    script.at(3, ev.ReplyText(3, 1, 1, "once upon a time"))
    script.at(3.1, ev.StageFailed(3.1, 1, "llm", "gone"))
    script.at(3.2, ev.StageFailed(3.2, 1, "tts", "gone, too"))
    assert script.when(do.Apologise) == [3.2]


def test_failure_midway_keeps_what_is_already_synthesised_and_apologises_after_it() -> None:
    script = Script().half_answered()
    script.at(2.6)
    actions = script.at(3, ev.StageFailed(3, 1, "llm", "broke off"))
    assert actions == [do.Cancel(1, keep_audio=True), do.Apologise(1, "llm", "broke off")]
    assert script.at(3.1, ev.AudioReady(3.1, 1, 1)) == []


def test_a_model_that_says_nothing_is_apologised_for() -> None:
    script = Script()
    script.user_speaks(0, 2)
    script.recognised(2.7)
    script.replies(2.8)
    assert script.last(do.Apologise).stage == "llm"  # type: ignore[attr-defined]


def test_typing_asks_at_once_and_interrupts_what_is_being_said() -> None:
    script = Script().answered()
    actions = script.at(3, ev.TextEntered(3, "and now?"))
    assert [type(a) for a in actions] == [do.StopPlayback, do.Commit, do.Cancel, do.AskLlm, do.Hurry]
    assert script.last(do.AskLlm).transcript.text == "and now?"  # type: ignore[attr-defined]


def test_the_key_silences_the_assistant_at_once() -> None:
    script = Script(barge_in="key").answered()
    script.at(3.1, ev.SpeechStarted(3.1, onset_s=3.0))
    script.at(4, ev.SpeechPaused(4, end_s=3.9))
    assert script.when(do.StopPlayback) == [], "speech alone does not"
    actions = script.at(5, ev.KeyPressed(5))
    assert [type(a) for a in actions] == [do.StopPlayback, do.Commit, do.Cancel]
    assert script.machine.state is State.LISTENING
    script.at(5.2, ev.KeyReleased(5.2))
    script.user_speaks(6, 7)
    assert script.last(do.Transcribe) == do.Transcribe(2, start_s=6, end_s=7)


def test_push_to_talk_hears_what_is_said_while_the_key_is_held_and_its_release_ends_the_turn() -> None:
    script = Script(talk_key=True)
    script.user_speaks(0, 1)
    assert script.when(do.Transcribe) == [], "the key is not held"
    script.at(2, ev.KeyPressed(2))
    script.user_speaks(2.3, 3)
    script.user_speaks(5, 6)
    script.at(8, ev.KeyReleased(8))
    assert script.last(do.Transcribe) == do.Transcribe(2, start_s=2, end_s=6)
    assert script.machine.state is State.THINKING, "however long the pauses were"
    script.recognised(8.1)
    script.replies(8.2, "Hi!")
    script.synthesised(8.3, 0)
    assert script.when(do.Play) == [8.3]
    script.user_speaks(8.5, 9.5)
    assert script.when(do.StopPlayback) == []
    script.at(10, ev.KeyPressed(10))
    assert script.when(do.StopPlayback) == [10]
    script.at(11, ev.KeyReleased(11))
    assert script.last(do.Transcribe) == do.Transcribe(3, start_s=10, end_s=11)


def scored(script: Script, probability: float) -> None:
    """The endpoint model judges the pause that began at 2 s."""
    script.at(2.15, ev.EndpointScored(2.15, 2, probability))


@pytest.mark.parametrize(
    ("probability", "words", "over_s"),
    [
        (None, "hello there", 2.5),
        (0.76, "hello there", 2.25),
        (0.7, "hello there", 2.85),
        (0.95, "Hello there.", 2.25),
        (0.5, "Hello there.", 2.25),
        (0.5, "hello there", 2.92),
        (0.02, "Hello there.", 3.2),
        (0.95, "I went there because", 3.05),
        (0.02, "I went there because", 4.0),
        (None, "你吃饭了吗", 2.25),
    ],
)
def test_the_pause_that_ends_a_turn_depends_on_sound_and_words(
    probability: float | None, words: str, over_s: float
) -> None:
    script = Script()
    script.user_speaks(0, 2)
    assert script.last(do.ScoreEndpoint) == do.ScoreEndpoint(0, 2)
    if probability is not None:
        scored(script, probability)
    script.recognised(2.2, Transcript(words))
    script.at(6)
    script.replies(6, "Hi!")
    assert script.over_s == pytest.approx(over_s)


def test_a_missing_full_stop_says_nothing_once_the_recogniser_has_set_no_mark_in_three_turns() -> None:
    script = Script()
    for start in range(0, 60, 15):
        script.user_speaks(start, start + 2)
        script.at(start + 2.15, ev.EndpointScored(start + 2.15, start + 2, 0.7))
        script.recognised(start + 2.2, Transcript("hello there"))
        script.replies(start + 3, "Hi!")
        assert script.over_s == pytest.approx(start + (2.85 if start < 45 else 2.25))
        script.synthesised(start + 3.2, 0)
        script.heard(start + 4)


def test_no_reply_begins_while_the_user_may_be_going_on() -> None:
    script = Script()
    script.user_speaks(0, 2)
    script.recognised(2.2, HELLO)
    script.replies(2.3, "Hi!")
    script.synthesised(2.4, 0)
    for at in (2.48, 2.512):
        script.at(at, ev.SpeechPossible(at))
    script.at(2.544, ev.SpeechStarted(2.544, onset_s=2.448))
    script.at(3)
    assert script.when(do.Play) == [], "the turn was over at 2.5 s and its reply ready, but the user went on"
    assert script.last(do.Cancel) == do.Cancel(1)


def test_a_knock_holds_a_reply_back_for_a_moment_and_knocking_for_a_quarter_of_a_second() -> None:
    for last, begins in ((2.48, 2.48 + 0.096), (4.0, 2.5 + 0.25)):
        script = Script()
        script.user_speaks(0, 2)
        script.recognised(2.2, HELLO)
        script.replies(2.3, "Hi!")
        script.synthesised(2.4, 0)
        at = 2.48
        while at <= last:
            script.at(at, ev.SpeechPossible(at))
            at += 0.032
        script.at(5)
        assert script.when(do.Play) == pytest.approx([begins])


def test_what_one_pause_sounded_like_says_nothing_about_the_next() -> None:
    script = Script()
    script.user_speaks(0, 2)
    scored(script, 0.02)
    script.user_speaks(2.5, 4)
    assert script.last(do.ScoreEndpoint) == do.ScoreEndpoint(0, 4)
    script.at(4.2, ev.EndpointScored(4.2, 2, 0.95))
    script.at(6)
    assert script.over_s == pytest.approx(4.5), "a late answer about an old pause does not count"


def test_a_model_that_answers_late_ends_the_turn_as_soon_as_it_does() -> None:
    script = Script()
    script.user_speaks(0, 2)
    script.recognised(2.2, Transcript("Hello there."))
    script.at(2.4, ev.EndpointScored(2.4, 2, 0.95))
    assert script.over_s == 2.4


def test_the_words_are_waited_for_as_nothing_can_be_heard_before_them() -> None:
    script = Script()
    script.user_speaks(0, 2)
    scored(script, 0.85)
    script.at(2.4)
    assert script.over_s is None
    script.recognised(2.45, Transcript("Hello there."))
    assert script.over_s == 2.45


def test_nothing_is_asked_for_while_nothing_happens() -> None:
    script = Script()
    assert script.at(0) == []
    assert script.at(1000) == []
    assert script._wake_s is None


def test_the_page_about_turns_says_what_the_code_does() -> None:
    text = (ROOT / "docs" / "turns.md").read_text(encoding="utf-8")
    assert text == page(), "python -m huiyin.assistant.turns.table > docs/turns.md"
