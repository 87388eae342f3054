"""What the echo path knows by its sound of whether speech is the assistant's own voice."""

from __future__ import annotations

import pytest

from huiyin.assistant.ears.echo.witness import EchoWitness, Evidence

ROOM = 10.0  # int16 amplitude of the room itself
LOUD = 1000.0
USER, ECHO = 5.0, 12.0  # how far their sound follows what was played


def heard(witness: EchoWitness, *speech: Evidence, finds_no_echo: bool = False) -> tuple[bool | None, bool | None]:
    """Speech of these frames: what the witness says at its beginning and at its end."""
    for frame in speech[:4]:
        witness.push(frame, LOUD, speaking=False)
    begins = witness.begin(4)
    for frame in speech[4:]:
        witness.push(frame, LOUD, speaking=True)
    witness.push(speech[-1], ROOM, speaking=True)
    return begins, witness.end(1, finds_no_echo=finds_no_echo)


def frames(count: int, *prominence: float) -> list[Evidence]:
    """So many of an audible assistant."""
    return [Evidence(True, prominence[at % len(prominence)] if prominence else None) for at in range(count)]


def after_seconds_of(level: float) -> EchoWitness:
    """An assistant that has talked for three seconds while the microphone heard this."""
    witness = EchoWitness()
    for _ in range(20):
        witness.push(Evidence(False), ROOM, speaking=False)
    for _ in range(94):
        witness.push(Evidence(True), level, speaking=False)
        witness.push(Evidence(True), ROOM, speaking=False)  # between its words
    return witness


def test_while_the_assistant_is_silent_there_is_no_echo() -> None:
    assert heard(after_seconds_of(LOUD), *[Evidence(False)] * 12) == (False, False)


def test_where_it_is_not_known_what_is_played_nothing_is() -> None:
    assert heard(EchoWitness(), *[Evidence(False)] * 12) == (None, None)


def test_sound_that_does_not_follow_what_is_played_is_the_user() -> None:
    assert heard(EchoWitness(), *frames(12, USER)) == (None, False)


def test_sound_that_follows_it_is_the_assistant() -> None:
    assert heard(EchoWitness(), *frames(12, ECHO)) == (None, True)


def test_now_this_now_that_tells_nothing() -> None:
    assert heard(EchoWitness(), *frames(12, ECHO, USER, USER)) == (None, None)


def test_where_nothing_could_be_compared_it_cannot_be_told() -> None:
    assert heard(EchoWitness(), *frames(12)) == (None, None)


def test_speech_that_goes_on_after_the_echo_has_died_down_is_the_users() -> None:
    assert heard(EchoWitness(), *frames(8, ECHO), *[Evidence(False)] * 5) == (None, False)
    assert heard(EchoWitness(), *frames(8, ECHO), *[Evidence(False)] * 2) == (None, True)


def test_with_a_headset_nothing_is_an_echo() -> None:
    assert heard(after_seconds_of(ROOM), *frames(12)) == (False, False)
    assert heard(after_seconds_of(LOUD), *frames(12)) == (None, None)


@pytest.mark.parametrize("finds_no_echo", [True, False])
def test_nor_where_the_echo_path_has_found_none(finds_no_echo: bool) -> None:
    assert heard(EchoWitness(), *frames(12), finds_no_echo=finds_no_echo)[1] is (False if finds_no_echo else None)
