"""What the echo path knows by its sound of whether speech is the assistant's own voice."""

from __future__ import annotations

from huiyin.assistant.ears.echo.witness import EchoWitness, Evidence

USER, ECHO = 5.0, 12.0  # how far their sound follows what was played


def heard(witness: EchoWitness, *speech: Evidence, finds_no_echo: bool = False) -> tuple[bool | None, bool | None]:
    """Speech of these frames: what the witness says at its beginning and at its end."""
    for frame in speech[:4]:
        witness.push(frame, speaking=False)
    begins = witness.begin(4, finds_no_echo=finds_no_echo)
    for frame in [*speech[4:], speech[-1]]:
        witness.push(frame, speaking=True)
    return begins, witness.end(1, finds_no_echo=finds_no_echo)


def frames(count: int, *prominence: float) -> list[Evidence]:
    """So many of an audible assistant."""
    return [Evidence(True, prominence[at % len(prominence)] if prominence else None) for at in range(count)]


def after_a_reply() -> EchoWitness:
    """One that has heard the assistant."""
    witness = EchoWitness()
    for evidence in [*frames(20), *[Evidence(False)] * 20]:
        witness.push(evidence, speaking=False)
    return witness


def test_while_the_assistant_is_silent_there_is_no_echo() -> None:
    assert heard(after_a_reply(), *[Evidence(False)] * 12) == (False, False)


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


def test_where_the_echo_path_finds_none_nothing_is_one() -> None:
    assert heard(EchoWitness(), *frames(12, ECHO), finds_no_echo=True) == (False, False)
