"""What the turn machine does where the words of a turn are judged, and with pauses that are not yet sure to be some."""

from __future__ import annotations

import pytest

from huiyin.assistant.turns import actions as do
from huiyin.assistant.turns import events as ev
from huiyin.assistant.turns.events import Transcript
from huiyin.assistant.turns.machine import State
from tests.support.turn_script import Script

HALF = Transcript("What is the weather like in", "en")
WHOLE = Transcript("What is the weather like in London?", "en")


def judged(probability: float | None, transcript: Transcript = WHOLE) -> Script:
    """The user spoke from 0 to 2 s; the reply was ready after 2.4 s; its words were judged after 2.5 s."""
    script = Script("words")
    script.user_speaks(0, 2)
    script.at(2.11, ev.EndpointScored(2.11, 2, 0.99))
    script.recognised(2.15, transcript)
    assert script.last(do.JudgeWords) == do.JudgeWords(1, transcript.text)
    script.replies(2.3, "Cloudy.")
    script.synthesised(2.4, 0)
    script.at(2.5)
    assert script.when(do.Play) == [], "the words are being judged"
    script.at(2.5, ev.WordsJudged(2.5, 1, probability))
    return script


def test_a_turn_with_complete_words_is_answered_soon() -> None:
    script = judged(0.5)
    script.at(3)
    assert script.when(do.Play) == pytest.approx([2.535], abs=0.01)


def test_a_turn_with_words_that_go_on_is_waited_for_however_it_sounds_if_they_leave_no_doubt() -> None:
    script = judged(0.01, HALF)
    script.at(4)
    assert script.when(do.Play) == pytest.approx([2.918], abs=0.01)


def test_what_was_judged_of_one_pause_says_nothing_of_the_next() -> None:
    script = Script("words")
    script.user_speaks(0, 2)
    script.recognised(2.15, WHOLE)
    script.at(2.2, ev.WordsJudged(2.2, 1, 0.9))
    script.user_speaks(2.21, 4)
    script.recognised(4.15, Transcript("What is the weather like in London? In", "en"))
    assert script.last(do.JudgeWords) == do.JudgeWords(2, "What is the weather like in London? In")
    script.at(4.2, ev.WordsJudged(4.2, 1, 0.9))
    script.at(4.7)
    assert script.machine.state is State.USER, "that was the judgement of the first pause"


def test_without_a_judgement_sound_and_marks_decide_as_they_do_without_a_judge() -> None:
    assert judged(None).when(do.Play) == [2.5]


def test_a_judge_without_an_answer_delays_a_turn_only_briefly() -> None:
    script = Script("words")
    script.user_speaks(0, 2)
    script.recognised(2.15, WHOLE)
    script.replies(2.3, "Cloudy.")
    script.synthesised(2.4, 0)
    script.at(5)
    assert script.when(do.Play) == pytest.approx([2.85])


def test_a_recogniser_that_is_late_is_waited_for_no_longer_than_a_pause_in_a_sentence() -> None:
    script = Script("words")
    script.user_speaks(0, 2)
    script.at(2.11, ev.EndpointScored(2.11, 2, 0.99))
    script.at(5)
    assert script.over_s == pytest.approx(2.85)


@pytest.mark.parametrize(("judges", "over_s"), [(["sound"], 2.85), ([], 2.5)])
def test_a_judge_of_the_sound_that_is_late_is_waited_for(judges: list[str], over_s: float) -> None:
    script = Script(*judges)
    script.user_speaks(0, 2)
    script.at(5)
    assert script.over_s == pytest.approx(over_s), "without one a pause of half a second ends the turn"

    score = Script("sound")
    score.user_speaks(0, 2)
    score.at(2.2, ev.EndpointScored(2.2, 2, 0.99))
    score.at(5)
    assert score.over_s == pytest.approx(2.25)


@pytest.mark.parametrize(
    ("word", "over_s"), [("One.", 2.85), ("北京。", 2.85), ("Really?", 2.25), ("Yes.", 2.25), ("嗯", 3.65)]
)
def test_the_sound_of_one_word_says_nothing(word: str, over_s: float) -> None:
    script = Script()
    script.user_speaks(0, 2)
    script.at(2.11, ev.EndpointScored(2.11, 2, 0.99))
    script.recognised(2.15, Transcript(word))
    script.at(5)
    assert script.over_s == pytest.approx(over_s)


def test_a_word_is_not_judged_nor_is_a_turn_that_is_over() -> None:
    script = Script("words")
    script.user_speaks(0, 2)
    script.at(2.11, ev.EndpointScored(2.11, 2, 0.99))
    script.recognised(2.15, Transcript("Yes.", "en"))
    script.at(2.3)
    assert script.when(do.JudgeWords) == []
    assert script.over_s == pytest.approx(2.25)

    late = Script("words")
    late.user_speaks(0, 2)
    late.recognised(4, WHOLE)
    assert late.when(do.JudgeWords) == []


@pytest.mark.parametrize(("max_tries", "tries"), [(12, 6), (4, 5)])
def test_pauses_in_which_the_words_go_on_take_no_try_from_the_end(max_tries: int, tries: int) -> None:
    script = Script("words", max_speculations=2, max_tries=max_tries)
    for number in range(6):
        script.user_speaks(number, number + 0.5)
        script.at(number + 0.6)
        if len(script.when(do.JudgeWords)) < len(script.when(do.Transcribe)):
            script.recognised(number + 0.65, HALF)
            script.at(number + 0.8, ev.WordsJudged(number + 0.8, script.machine.generation, 0.01))
    assert len(script.when(do.Transcribe)) == tries, "bounded all the same"


# -- before a pause is sure


def dipping(**policy: object) -> Script:
    """The user speaks since 0 s and became quiet at 2 s."""
    script = Script(**policy)
    script.at(0.1, ev.SpeechStarted(0.1, onset_s=0))
    script.at(2.04, ev.EnergyDropped(2.04, end_s=2))
    return script


@pytest.mark.parametrize("end_s", [1.95, 2.08])
def test_a_pause_lasts_since_the_sooner_of_energy_drop_and_end_of_voice_activity(end_s: float) -> None:
    script = dipping()
    script.at(2.1, ev.SpeechPaused(2.1, end_s=end_s))
    script.at(2.15, ev.EndpointScored(2.15, min(end_s, 2.0), 0.99))
    script.recognised(2.15)
    script.at(4)
    assert script.over_s == pytest.approx(min(end_s, 2.0) + 0.25)


def test_a_reply_is_prepared_as_soon_as_it_is_quiet() -> None:
    script = dipping()
    assert script.last(do.Transcribe) == do.Transcribe(1, start_s=0, end_s=2)
    script.at(2.09, ev.SpeechPaused(2.09, end_s=1.98))
    script.at(2.11, ev.EndpointScored(2.11, 1.98, 0.99))
    script.recognised(2.1)
    script.replies(2.15, "Hi!")
    script.synthesised(2.2, 0)
    script.at(2.4)
    assert script.when(do.Transcribe) == [2.04], "once is enough"
    assert script.when(do.Play) == pytest.approx([2.23])


def test_it_is_thrown_away_when_that_was_a_consonant() -> None:
    script = dipping()
    script.at(2.07, ev.EnergyRecovered(2.07))
    assert script.last(do.Cancel) == do.Cancel(1)
    script.at(3.09, ev.SpeechPaused(3.09, end_s=3))
    script.at(3.2)
    assert script.last(do.Transcribe) == do.Transcribe(2, start_s=0, end_s=3)


def test_words_after_it_are_heard_even_if_they_were_too_soft_to_rise() -> None:
    script = dipping()
    script.at(2.5, ev.SpeechPaused(2.5, end_s=2.4))
    script.at(2.6)
    assert do.Cancel(1) in [action for _, action in script.done]
    assert script.last(do.Transcribe) == do.Transcribe(2, start_s=0, end_s=2.4)


def test_a_slow_recogniser_is_not_asked_in_vain() -> None:
    script = dipping()
    script.at(2.09, ev.SpeechPaused(2.09, end_s=2))
    script.recognised(2.4)
    script.at(2.5, ev.SpeechStarted(2.5, onset_s=2.45))
    script.at(3.04, ev.EnergyDropped(3.04, end_s=3))
    assert script.when(do.Transcribe) == [2.04]


def test_tries_in_vain_are_bounded_and_take_none_from_the_pauses() -> None:
    script = dipping(max_tries=3)
    for number in range(1, 6):
        script.at(2 + number, ev.EnergyRecovered(2 + number))
        script.at(2.5 + number, ev.EnergyDropped(2.5 + number, end_s=2.46 + number))
    assert len(script.when(do.Transcribe)) == 3
    script.at(8, ev.EnergyRecovered(8))
    script.at(9.1, ev.SpeechPaused(9.1, end_s=9))
    script.at(9.2)
    assert len(script.when(do.Transcribe)) == 4


@pytest.mark.parametrize("policy", [{"speculate_s": 0.0}, {"talk_key": True}, {"speculate_max_turn_s": 1.0}])
def test_nothing_is_prepared_before_its_time_where_that_is_not_wanted(policy: dict[str, object]) -> None:
    assert dipping(**policy).when(do.Transcribe) == []
