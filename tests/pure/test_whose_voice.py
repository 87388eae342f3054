"""Speech over a reply where the user's voice is enrolled: another's does not stop it, and the user's does as ever."""

from __future__ import annotations

import pytest

from huiyin.assistant.turns import actions as do
from huiyin.assistant.turns import events as ev
from huiyin.assistant.turns.machine import State
from tests.support.turn_script import Script

OWN, OTHERS = 0.6, 0.05
TAKES_S = 0.05


class Enrolled(Script):
    """Voices are judged `TAKES_S` after they are asked for, as `alike` has it, the last one again and again."""

    def __init__(self, *alike: float | None, takes_s: float = TAKES_S) -> None:
        super().__init__("voice")
        self._alike, self._takes_s = list(alike), takes_s
        self._judged = 0

    def at(self, now_s: float, event: ev.Event | None = None) -> list[do.Action]:
        asked = [(at_s, action) for at_s, action in self.done if isinstance(action, do.JudgeVoice)]
        for at_s, action in asked[self._judged :]:
            if at_s + self._takes_s <= now_s:
                self._judged += 1
                alike = self._alike.pop(0) if len(self._alike) > 1 else self._alike[0]
                super().at(at_s + self._takes_s, ev.VoiceScored(at_s + self._takes_s, action.end_s, alike))
        return super().at(now_s, event)


@pytest.mark.parametrize("length_s", [1.05, 3.0])
def test_another_voice_is_gone_on_from_as_soon_as_it_is_known(length_s: float) -> None:
    script = Enrolled(OTHERS).answered()
    script.cuts_in(3, 3 + length_s, "and now the weather")
    assert script.when(do.Pause) == pytest.approx([3.192], abs=0.011)
    assert script.when(do.Resume) == pytest.approx([4 + TAKES_S], abs=0.021)
    assert script.when(do.StopPlayback) == script.when(do.Commit) == []
    assert script.machine.state is State.SPEAKING


@pytest.mark.parametrize(
    ("words", "length_s"),
    [("how tall was it", 2.0), ("why", 0.4), ("how tall", 0.65), ("how tall", 1.02), ("Stop!", 0.6), ("stop it", 2)],
)
def test_ones_own_voice_silences_it_as_soon_as_where_none_is_enrolled(words: str, length_s: float) -> None:
    scripts = Script().answered(), Enrolled(OWN).answered()
    for script in scripts:
        script.cuts_in(3, 3 + length_s, words)
    anyone, own = scripts
    assert own.when(do.Pause) == anyone.when(do.Pause)
    assert own.when(do.Resume) == anyone.when(do.Resume) == []
    assert len(own.when(do.StopPlayback)) == 1
    assert own.over_s == anyone.over_s, "and the turn is over, and answered, no later"
    assert own.when(do.AskLlm) == anyone.when(do.AskLlm)


def test_a_voice_that_cannot_be_told_counts_as_the_users() -> None:
    script = Enrolled(None).answered()
    script.cuts_in(3, 5, "how tall was it")
    assert script.when(do.StopPlayback) == pytest.approx([4 + TAKES_S], abs=0.021)
    late = Enrolled(OTHERS, takes_s=1.5).answered()
    late.cuts_in(3, 5, "how tall was it")
    assert late.when(do.StopPlayback) == pytest.approx([4 + late.machine.policy.voice_wait_s], abs=0.021)


def test_the_user_who_joins_in_is_listened_to() -> None:
    script = Enrolled(OTHERS, OTHERS, OWN).answered()
    script.cuts_in(3, 8, "how tall was it")
    asked = [action for _, action in script.done if isinstance(action, do.JudgeVoice)]
    spans = [(action.start_s, action.end_s) for action in asked]
    assert spans == [pytest.approx(span, abs=0.021) for span in ((3, 4), (4, 5), (5, 6))]
    assert script.when(do.Pause) == pytest.approx([3.192, 6 + TAKES_S], abs=0.031)
    assert len(script.when(do.StopPlayback)) == 1
    assert script.machine.state is not State.SPEAKING
    transcribed = [action for _, action in script.done if isinstance(action, do.Transcribe)]
    assert transcribed[-1].start_s == pytest.approx(5, abs=0.031), "the turn begins where they did"


def test_speech_too_short_to_know_a_voice_by_is_not_judged() -> None:
    script = Enrolled(OTHERS).answered()
    script.cuts_in(3, 3.5, "why is that so")
    assert script.when(do.JudgeVoice) == []
    assert len(script.when(do.StopPlayback)) == 1


@pytest.mark.parametrize("length_s", [0.65, 0.95])
def test_a_few_words_of_another_are_gone_on_from_once_they_are_known_to_order_nothing(length_s: float) -> None:
    script = Enrolled(OTHERS).answered()
    script.cuts_in(3, 3 + length_s, "why is that so")
    assert len(script.when(do.JudgeVoice)) == len(script.when(do.Resume)) == 1
    assert script.when(do.Resume)[0] <= 3 + length_s + 0.3
    assert script.when(do.StopPlayback) == script.when(do.Commit) == []


def test_stop_is_heard_whoever_says_it_however_short_it_is() -> None:
    for words in ("Stop!", "please stop it"):
        script = Enrolled(OTHERS).answered()
        script.cuts_in(3, 3.8, words)
        assert len(script.when(do.StopPlayback)) == 1, words


def test_speech_that_goes_on_after_a_few_words_of_another_is_judged_anew() -> None:
    script = Enrolled(OTHERS, OWN).answered()
    script.at(3.16, ev.SpeechStarted(3.16, onset_s=3.0))
    script.at(3.8, ev.SpeechPaused(3.8, end_s=3.7))
    script.at(3.86)
    script.at(3.95, ev.SpeechStarted(3.95, onset_s=3.87))
    script.at(4.6)
    asked = [(action.start_s, action.end_s) for _, action in script.done if isinstance(action, do.JudgeVoice)]
    assert asked == [pytest.approx((3, 3.7), abs=0.02), pytest.approx((3, 4.17), abs=0.02)]
    assert len(script.when(do.StopPlayback)) == 1


def test_less_sound_needs_less_likeness() -> None:
    for length_s, stops in ((0.7, 1), (2.0, 0)):
        script = Enrolled(0.16).answered()
        script.cuts_in(3, 3 + length_s, "how tall was it")
        assert len(script.when(do.StopPlayback)) == stops
