"""When a quiet microphone shows, while the assistant speaks, that there is no echo, and when it no longer does.

Levels are of chunks of 32 ms, as int16 amplitude.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from huiyin.assistant.ears.echo.absence import EchoAbsence

NOISE = 16.0
QUIET = [0.0] * 40
SPEECH = [2000.0, 1200.0, 2600.0, 900.0, 1800.0, 0.0] * 10  # 1.9 s
WORD = [1500.0] * 3  # after a pause
TALK = [*QUIET, *SPEECH, *[0.0] * 18, *WORD, *SPEECH]


def echo(far_end: list[float], delay: int, gain: float) -> Iterator[float]:
    """What the microphone hears: an echo so many chunks later, in noise."""
    return (max(NOISE, gain * far_end[at - delay]) if at >= delay else NOISE for at in range(len(far_end)))


def listened(absence: EchoAbsence, mic: Iterable[float], far_end: Iterable[float]) -> list[bool]:
    """Whether it was sure after each chunk."""
    sure = []
    for heard, played in zip(mic, far_end, strict=True):
        absence.push(heard, played)
        sure.append(absence.is_sure)
    return sure


@pytest.mark.parametrize("delay", [0, 2, 7, 15])
@pytest.mark.parametrize("gain", [0.5, 0.1, 1.4])
def test_a_loud_echo_is_never_taken_for_none(delay: int, gain: float) -> None:
    assert not any(listened(EchoAbsence(), echo(TALK, delay, gain), TALK))


def test_its_absence_is_known_after_a_second_of_speech() -> None:
    sure = listened(EchoAbsence(), [NOISE] * len(TALK), TALK)
    assert len(QUIET) + 31 < sure.index(True) < len(QUIET) + 45
    assert all(sure[sure.index(True) :])


def test_sound_that_ended_before_its_echo_was_due_tells_nothing() -> None:
    far_end = [*QUIET, *[2000.0] * 12, *QUIET]
    assert not any(listened(EchoAbsence(), [NOISE] * len(far_end), far_end))


def test_a_loudspeaker_that_is_turned_up_is_heard() -> None:
    absence = EchoAbsence()
    assert listened(absence, [NOISE] * len(TALK), TALK)[-1]
    sure = listened(absence, echo(TALK, 2, 0.5), TALK)
    assert not sure[-1] and absence.hears_echo


def test_a_user_who_cuts_in_is_no_echo() -> None:
    absence = EchoAbsence()
    listened(absence, [NOISE] * len(TALK), TALK)
    user = [1500.0] * 60
    assert all(listened(absence, user, [*SPEECH[:11], *[0.0] * 49])), "the assistant pauses after 0.35 s"
    assert not absence.hears_echo


def test_a_muted_microphone_says_nothing() -> None:
    absence = EchoAbsence()
    assert not any(listened(absence, [0.0] * len(TALK), TALK))
    assert not any(listened(absence, echo(TALK, 2, 0.5), TALK)), "it is plugged in"
