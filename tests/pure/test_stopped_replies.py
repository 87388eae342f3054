"""A reply that was stopped: its rest follows where what stopped it gets no answer, from where it was heard."""

from __future__ import annotations

import pytest

from huiyin.assistant.turns import actions as do
from huiyin.assistant.turns import events as ev
from huiyin.assistant.turns.events import Transcript
from huiyin.assistant.turns.machine import State
from tests.support.turn_script import Script

STORY = "Once upon a time there was a lighthouse on a small island."


def playing(lasts_s: float = 4.0, *, is_written: bool = True) -> Script:
    """A reply whose first clause lasts so long and is heard since 2.5 s."""
    script = Script()
    script.user_speaks(0, 2)
    script.recognised(2.2)
    script.at(2.3, ev.ReplyText(2.3, 1, 0, STORY))
    if is_written:
        script.at(2.3, ev.ReplyFinished(2.3, 1))
    script.at(2.4, ev.AudioFinished(2.4, 1, 0, lasts_s))
    script.at(2.5, ev.PlaybackAdvanced(2.5, 1, 0))
    script.done.clear()
    return script


def noise_stops_it(script: Script, onset_s: float = 3.0) -> None:
    """A noise that lasts takes the floor."""
    script.at(onset_s + 0.1, ev.SpeechStarted(onset_s + 0.1, onset_s=onset_s))
    script.at(onset_s + 1.2)
    assert script.when(do.StopPlayback) and script.machine.state is State.USER


def noise_ends(script: Script, end_s: float = 4.3) -> None:
    """It had no words."""
    script.at(end_s + 0.1, ev.SpeechPaused(end_s + 0.1, end_s))
    script.at(end_s + 0.2)
    script.recognised(end_s + 0.3, Transcript(""))
    script.at(end_s + 3)


def synthesised(script: Script) -> list[str]:
    return [action.text for _, action in script.done if isinstance(action, do.Synthesise)]


@pytest.mark.parametrize("kind", [ev.Interrupted, ev.KeyPressed])
@pytest.mark.parametrize("pressed_s", [4.25, 4.45, 5.4])
def test_who_stops_the_reply_by_hand_hears_no_rest_of_it(kind: type[ev.Event], pressed_s: float) -> None:
    """While a noise has the floor, in the pause after it, and while the rest is prepared."""
    script = playing()
    noise_stops_it(script)
    for at_s, event in sorted(
        [(4.4, ev.SpeechPaused(4.4, 4.3)), (pressed_s, kind(pressed_s))], key=lambda each: each[0]
    ):
        if at_s > 5:
            script.recognised(4.6, Transcript(""))
        script.at(at_s, event)
    script.recognised(5.5, Transcript(""))
    script.synthesised(5.6, 0)
    script.at(9)
    assert not script.when(do.Play) and script.machine.state is State.LISTENING


@pytest.mark.parametrize("kind", [ev.Interrupted, ev.KeyPressed])
def test_what_the_user_says_as_they_stop_the_reply_by_hand_is_answered(kind: type[ev.Event]) -> None:
    script = playing()
    script.at(3.1, ev.SpeechStarted(3.1, onset_s=3.0))
    script.at(3.25)
    assert script.machine.state is State.PAUSED
    script.at(3.3, kind(3.3))
    assert script.when(do.StopPlayback) == [3.3] and script.machine.state is State.USER
    script.at(4.4, ev.SpeechPaused(4.4, 4.3))
    script.at(4.5)
    assert script.last(do.Transcribe).start_s == 3.0  # type: ignore[attr-defined]
    script.recognised(4.6, Transcript("why is that"))
    assert script.last(do.AskLlm).transcript.text == "why is that"  # type: ignore[attr-defined]


def test_a_reply_that_a_noise_stopped_goes_on_with_the_word_it_had_come_to() -> None:
    script = playing()
    noise_stops_it(script)
    noise_ends(script)
    (rest,) = synthesised(script)
    assert rest and rest != STORY and STORY.endswith(f" {rest}")


def test_it_goes_on_where_the_loudspeaker_says_that_it_was_heard() -> None:
    script = playing()
    noise_stops_it(script)
    script.at(4.35, ev.PlaybackStopped(4.35, 1, 0, len("Once upon")))
    noise_ends(script)
    assert synthesised(script) == [STORY.removeprefix("Once upon ")]


def test_a_noise_that_returns_does_not_have_the_same_words_said_again() -> None:
    script = playing()
    noise_stops_it(script)
    noise_ends(script)
    (first,) = synthesised(script)
    generation = script.machine.generation
    script.at(7.4, ev.AudioFinished(7.4, generation, 0, 3.0))
    script.at(7.5, ev.PlaybackAdvanced(7.5, generation, 0))
    script.done.clear()
    noise_stops_it(script, 8.0)
    noise_ends(script, 9.3)
    (second,) = synthesised(script)
    assert first != second and first.endswith(second)


def test_hardly_a_word_that_a_noise_covered_is_not_said_by_itself() -> None:
    script = playing(lasts_s=1.2)
    noise_stops_it(script)
    noise_ends(script)
    assert synthesised(script) == [] and script.machine.state is State.LISTENING


def test_the_model_goes_on_with_a_reply_that_a_noise_stopped_while_it_was_written() -> None:
    script = playing(is_written=False)
    noise_stops_it(script)
    noise_ends(script)
    assert [action for _, action in script.done if isinstance(action, do.AskLlm)] == [
        do.AskLlm(script.machine.generation, None)
    ]
