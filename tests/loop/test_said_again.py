"""Who says again what the assistant has just said is answered: at text depth, and in sound with echo and without."""

from __future__ import annotations

import pytest

from huiyin.assistant.ears.echo import make_echo_path
from huiyin.assistant.scenario.api import simulate
from tests.support.said_again import MOMENTS, ROOMS, conversations

MISSING = make_echo_path("both")[1]
EVERY = 8  # row of the table in sound; all of them: python -m benchmarks.said_again


@pytest.mark.parametrize("moment", MOMENTS)
def test_who_says_it_again_is_answered(moment: str) -> None:
    played = [simulate(scenario, "text") for scenario in conversations(moment)]
    assert len(played) == 40
    assert not [result.report() for result in played if not result.passed]


@pytest.mark.slow
@pytest.mark.skipif(bool(MISSING), reason=MISSING)
@pytest.mark.parametrize("room", ["no echo", "-6 dB, cancelled"])
def test_in_a_room_too(room: str) -> None:
    some = list(conversations(MOMENTS[0], *ROOMS[room]))[::EVERY]
    played = [simulate(scenario, "room") for scenario in some]
    assert not [result.report() for result in played if not result.passed]
