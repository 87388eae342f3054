"""Who says again what the assistant has just said is answered: at text depth, and in sound with echo and without."""

from __future__ import annotations

import pytest

from huiyin.assistant.ears.echo import make_echo_path
from huiyin.assistant.scenario.api import simulate
from tests.support.said_again import MOMENTS, ROOMS, conversations

MISSING = make_echo_path("both")[1]
MOST_LOST = {"no echo": 0, "-6 dB, cancelled": 1}


@pytest.mark.parametrize("moment", MOMENTS)
def test_who_says_it_again_is_answered(moment: str) -> None:
    played = [simulate(scenario, "text") for scenario in conversations(moment)]
    assert len(played) == 40
    assert not [result.report() for result in played if not result.passed]


@pytest.mark.slow
@pytest.mark.skipif(bool(MISSING), reason=MISSING)
@pytest.mark.parametrize("room", MOST_LOST)
def test_in_a_room_too(room: str) -> None:
    played = [simulate(scenario, "room") for scenario in conversations(MOMENTS[0], *ROOMS[room])]
    lost = [result.report() for result in played if not result.passed]
    assert len(lost) <= MOST_LOST[room], lost
