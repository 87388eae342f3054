"""Speech while the assistant speaks: a pause first, and only what is the user's turn stops it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from huiyin.assistant.turns import actions as do
from huiyin.assistant.turns import events as ev
from huiyin.assistant.turns.events import Transcript
from huiyin.assistant.turns.machine import State
from huiyin.assistant.turns.stop_words import is_only_stop
from tests.support.turn_script import HELLO, Script

STORY = "Once upon a time there was a lighthouse on a small island."


def test_speech_pauses_the_assistant_and_words_stop_it() -> None:
    script = Script().answered()
    script.cuts_in(3, 5, "how tall was it")
    assert script.when(do.Pause) == pytest.approx([3.192], abs=0.011), "silent at once"
    assert script.when(do.StopPlayback) == pytest.approx([3.5], abs=0.011)
    kinds = [type(action) for _, action in script.done]
    assert kinds.index(do.StopPlayback) < kinds.index(do.Commit) < kinds.index(do.Cancel), "what was heard ends there"
    assert script.last(do.Commit) == do.Commit(1, HELLO, interrupted=True)
    first, last = (action for _, action in script.done if isinstance(action, do.Transcribe))
    assert (first.start_s, first.end_s) == pytest.approx((3, 3.3), abs=0.011), "asked for early, to hear a 'stop'"
    assert (last.start_s, last.end_s) == (3, 5), "the speech is the user's turn from its onset"
    assert script.last(do.AskLlm).transcript.text == "how tall was it"  # type: ignore[attr-defined]


def test_a_short_question_becomes_the_turn_with_its_words_already_known() -> None:
    script = Script().answered()
    script.cuts_in(3, 3.4, "why", asr_s=0.15)
    assert script.when(do.StopPlayback) == pytest.approx([3.4 + 0.1 + 0.15], abs=0.021)
    last = script.last(do.Transcribe)
    assert script.last(do.AskLlm) == do.AskLlm(last.generation, Transcript("why"))  # type: ignore[attr-defined]
    assert len(script.when(do.Transcribe)) == 2, "not a third time"
    assert script.over_s == pytest.approx(3.9, abs=0.011)


@pytest.mark.parametrize(
    "words", ["嗯。", "对对对", "Mm-hmm.", "yeah", "", " ", "a lighthouse on a small", "was a light house"]
)
@pytest.mark.parametrize("length_s", [0.25, 0.45, 0.8])
def test_listening_noise_and_echo_are_gone_on_from(words: str, length_s: float) -> None:
    script = Script().answered(STORY)
    script.cuts_in(3, 3 + length_s, words)
    assert len(script.when(do.Pause)) == len(script.when(do.Resume)) == 1
    assert script.when(do.Resume)[0] <= 3 + length_s + 0.65 + 0.011
    assert script.when(do.StopPlayback) == script.when(do.Cancel) == script.when(do.Commit) == []
    assert script.machine.state is State.SPEAKING
    script.heard(9)
    assert script.last(do.Commit) == do.Commit(1, HELLO, interrupted=False)


def test_a_listeners_sentence_may_last_longer_than_other_speech() -> None:
    script = Script().answered()
    script.cuts_in(3, 4.6, "oh, that's really very interesting")
    assert len(script.when(do.Resume)) == 1
    assert script.when(do.StopPlayback) == []


def test_laughter_without_words_may_last_as_long() -> None:
    script = Script().answered()
    script.cuts_in(3, 4.6, "", events=("laughter",))
    assert len(script.when(do.Resume)) == 1
    assert script.when(do.StopPlayback) == []


def test_a_yes_over_the_end_of_a_question_answers_it_and_a_hesitation_does_not() -> None:
    for words, stops in (("Yes.", 1), ("Um,", 0), ("haha", 0), ("That's good.", 1)):
        script = Script().answered("Shall I tell you more?")
        script.cuts_in(3, 3.4, words)
        assert len(script.when(do.StopPlayback)) == stops, words


def test_listening_that_goes_on_for_two_seconds_is_a_turn() -> None:
    script = Script().answered()
    script.cuts_in(3, 5.6, "yeah yeah yeah yeah")
    assert script.when(do.StopPlayback) == pytest.approx([5.192], abs=0.011)


def test_a_click_too_short_to_be_speech_does_nothing() -> None:
    script = Script().answered()
    script.at(3.1, ev.SpeechStarted(3.1, onset_s=3.0))
    script.at(3.15, ev.SpeechPaused(3.15, end_s=3.05))
    script.at(5)
    assert script.done == []


def test_without_words_from_the_recogniser_the_length_of_the_speech_decides() -> None:
    script = Script().answered()
    script.at(3.1, ev.SpeechStarted(3.1, onset_s=3.0))
    script.at(6)
    assert script.when(do.StopPlayback) == pytest.approx([4.192])
    other = Script().answered()
    other.at(3.1, ev.SpeechStarted(3.1, onset_s=3.0))
    other.at(3.6, ev.SpeechPaused(3.6, end_s=3.5))
    other.at(6)
    assert other.when(do.Resume) == pytest.approx([3.5 + 0.65])


@pytest.mark.parametrize("words", ["停", "别说了。", "Stop!", "wait", "好了好了", "umm okay, stop"])
def test_an_order_to_stop_is_obeyed_while_it_is_said_and_gets_no_reply(words: str) -> None:
    script = Script().answered()
    script.cuts_in(3, 3.6, words)
    assert script.when(do.StopPlayback) == pytest.approx([3.3 + 0.07], abs=0.021)
    script.at(8)
    assert script.when(do.AskLlm) == []
    assert script.machine.state is State.LISTENING


def test_an_order_to_stop_with_a_question_is_answered() -> None:
    script = Script().answered()
    script.cuts_in(3, 5, "等一下，那座灯塔有多高")
    assert script.when(do.StopPlayback) == pytest.approx([3.37], abs=0.021)
    assert script.last(do.AskLlm).transcript.text == "等一下，那座灯塔有多高"  # type: ignore[attr-defined]


def test_words_that_come_after_the_assistant_has_gone_on_stop_it_again() -> None:
    script = Script().answered()
    script.cuts_in(3, 3.5, "what did you say", asr_s=1.2)
    assert script.when(do.Resume) == pytest.approx([3.5 + 0.65], abs=0.011)
    assert script.when(do.StopPlayback) == pytest.approx([3.6 + 1.2], abs=0.021)
    assert script.last(do.AskLlm).transcript.text == "what did you say"  # type: ignore[attr-defined]


def test_a_second_stretch_of_speech_belongs_to_the_same_interruption() -> None:
    script = Script().answered()
    script.at(3.2, ev.SpeechStarted(3.2, onset_s=3.0))
    script.at(3.5, ev.SpeechPaused(3.5, end_s=3.4))
    script.at(3.7, ev.SpeechStarted(3.7, onset_s=3.6))
    script.at(6, ev.SpeechPaused(6, end_s=5.9))
    assert script.when(do.StopPlayback) == pytest.approx([4.392]), "0.4 s and 0.6 s of speech"
    assert script.last(do.Transcribe).start_s == 3.0  # type: ignore[attr-defined]


def test_the_reply_goes_on_being_made_while_it_is_paused() -> None:
    script = Script().half_answered()
    script.at(3.2, ev.SpeechStarted(3.2, onset_s=3.0))
    script.at(3.25, ev.ReplyText(3.25, 1, 1, "that depends."))
    assert script.machine.state is State.PAUSED
    assert script.last(do.Synthesise) == do.Synthesise(1, 1, "that depends.")


def test_only_what_is_being_said_counts_as_echo() -> None:
    script = Script()
    script.user_speaks(0, 2)
    script.recognised(2.2)
    script.replies(2.3, "There was a lighthouse.", "It stood on an island.", "Nobody lived there.")
    for clause in range(3):
        script.synthesised(2.4, clause)
    script.at(2.6)
    script.at(6, ev.PlaybackAdvanced(6, 1, 2))
    script.cuts_in(7, 7.4, "there was a lighthouse")
    assert len(script.when(do.StopPlayback)) == 1, "said long ago: the user says it now"


def test_speech_that_begins_as_the_reply_ends_is_the_next_turn() -> None:
    script = Script().answered()
    script.at(3.1, ev.SpeechStarted(3.1, onset_s=3.0))
    script.heard(3.15)
    script.at(4, ev.SpeechPaused(4, end_s=3.9))
    assert script.last(do.Transcribe) == do.Transcribe(2, start_s=3.0, end_s=3.9)


def test_the_tail_of_the_echo_is_not_answered() -> None:
    script = Script().answered(STORY)
    script.heard(4)
    script.user_speaks(4.1, 4.6)
    script.recognised(4.8, Transcript("a lighthouse on a small island"))
    script.at(9)
    assert script.when(do.AskLlm) == []


@pytest.mark.parametrize(
    ("start_s", "end_s", "echo"),
    [(10, 10.5, None), (4.7, 5, None), (4.1, 4.8, None), (4.1, 4.6, False)],
    ids=["long after", "once the room has died down", "for longer than it takes to", "by its sound"],
)
def test_the_users_own_words_are_answered_though_the_assistant_said_them(
    start_s: float, end_s: float, echo: bool | None
) -> None:
    script = Script().answered(STORY)
    script.heard(4)
    script.at(start_s + 0.1, ev.SpeechStarted(start_s + 0.1, onset_s=start_s))
    script.at(end_s + 0.1, ev.SpeechPaused(end_s + 0.1, end_s, echo))
    script.recognised(end_s + 0.2, Transcript("a lighthouse on a small island"))
    assert len(script.when(do.AskLlm)) == 1


@pytest.mark.parametrize(("echo", "stops"), [(True, False), (None, False), (False, True)])
def test_how_speech_over_the_reply_sounds_decides_where_it_says_the_same(echo: bool | None, stops: bool) -> None:
    script = Script().answered(STORY)
    script.at(3.2, ev.SpeechStarted(3.2, onset_s=3.0))
    script.at(3.6, ev.SpeechPaused(3.6, 3.5, echo))
    script.at(3.7)
    script.recognised(3.8, Transcript("a lighthouse on a small island"))
    assert bool(script.when(do.StopPlayback)) is stops is not bool(script.when(do.Resume))


def test_speech_that_the_assistants_silence_does_not_end_is_no_echo() -> None:
    script = Script().answered(STORY)
    script.cuts_in(3, 3.9, "was a lighthouse")
    assert script.when(do.StopPlayback), "silent since 3.2 s: no room echoes for so long"
    assert script.last(do.AskLlm).transcript.text == "was a lighthouse"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("words", "resumes"),
    [("", True), ("a lighthouse on a small island", True), ("why is that", False), ("stop", False)],
)
def test_what_stopped_the_reply_is_answered_or_the_rest_is_said(words: str, resumes: bool) -> None:
    script = Script().answered(STORY)
    script.at(3.1, ev.SpeechStarted(3.1, onset_s=3.0))
    script.at(4.2)
    assert script.when(do.StopPlayback), "it lasted, and its words were not known"
    script.at(4.4, ev.SpeechPaused(4.4, 4.3, echo=True if words else None))
    script.at(4.5)
    script.recognised(4.6, Transcript(words))
    script.at(8)
    said = [action.text for _, action in script.done if isinstance(action, do.Synthesise)]
    assert said == ([STORY] if resumes else [])
    assert bool(script.when(do.AskLlm)) is (words == "why is that")


def test_words_that_are_still_awaited_when_the_user_speaks_again_are_not_lost() -> None:
    script = Script().answered()
    script.at(3.2, ev.SpeechStarted(3.2, onset_s=3.0))
    script.at(3.4, ev.SpeechPaused(3.4, end_s=3.3))
    script.at(4.3, ev.SpeechStarted(4.3, onset_s=4.2))
    assert len(script.when(do.Resume)) == 1, "no words came: the reply went on"
    script.at(4.9, ev.SpeechPaused(4.9, end_s=4.8))
    script.recognised(5.2, Transcript("hello you, and now"))
    assert script.last(do.Transcribe) == do.Transcribe(script.machine.generation, 3.0, 4.8), "all that was said"
    assert script.last(do.AskLlm).transcript.text == "hello you, and now"  # type: ignore[attr-defined]


def test_a_click_while_words_are_awaited_leaves_them_awaited() -> None:
    script = Script().answered()
    script.at(3.2, ev.SpeechStarted(3.2, onset_s=3.0))
    script.at(3.5, ev.SpeechPaused(3.5, end_s=3.4))
    script.at(4.2, ev.SpeechStarted(4.2, onset_s=4.1))
    script.at(4.25, ev.SpeechPaused(4.25, end_s=4.15))
    script.recognised(4.6, Transcript("what did you say"))
    assert script.last(do.AskLlm).transcript.text == "what did you say"  # type: ignore[attr-defined]


def test_what_was_said_just_before_the_end_of_the_reply_is_asked_for_after_it() -> None:
    script = Script().answered()
    script.at(3.2, ev.SpeechStarted(3.2, onset_s=3.0))
    script.at(3.3, ev.SpeechPaused(3.3, end_s=3.25))
    script.heard(3.31)
    script.at(3.5)
    script.recognised(3.6, Transcript("what did you say"))
    assert script.last(do.AskLlm).transcript.text == "what did you say"  # type: ignore[attr-defined]


def test_a_turn_that_begins_while_words_said_over_the_reply_are_awaited_has_them() -> None:
    script = Script().answered()
    script.at(3.2, ev.SpeechStarted(3.2, onset_s=3.0))
    script.at(3.5, ev.SpeechPaused(3.5, end_s=3.4))
    script.heard(3.6)
    script.user_speaks(3.9, 4.5)
    assert script.last(do.Transcribe).start_s == 3.0  # type: ignore[attr-defined]


heard_words = st.sampled_from(["", "stop", "yeah", "why is that", "was a lighthouse", "a lighthouse on a small island"])


@given(
    length_s=st.sampled_from([0.25, 0.5, 0.8, 1.1, 1.3, 2.0]),
    words=heard_words,
    first=st.one_of(st.none(), heard_words),
    asr_s=st.sampled_from([0.07, 0.3, 1.0]),
    echo=st.sampled_from([None, True, False]),
)
def test_no_speech_silences_the_assistant_for_good_but_an_order_to(
    length_s: float, words: str, first: str | None, asr_s: float, echo: bool | None
) -> None:
    script = Script().answered(STORY)
    script.cuts_in(3, 3 + length_s, words, asr_s=asr_s, first=first, echo=echo)
    script.at(12)
    stopped = script.when(do.StopPlayback)
    followed = [at_s for at_s in script.when(do.AskLlm) + script.when(do.Synthesise) if stopped and at_s >= stopped[0]]
    assert bool(stopped) or len(script.when(do.Pause)) == len(script.when(do.Resume)) > 0
    assert not stopped or followed or is_only_stop(words) or is_only_stop(first or "")
