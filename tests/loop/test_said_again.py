"""Who says again what the assistant has just said is answered; who hears its echo is not."""

from __future__ import annotations

import pytest

from huiyin.assistant.scenario.api import simulate
from tests.support.said_again import MOMENTS, conversations


@pytest.mark.parametrize("moment", MOMENTS)
def test_who_says_it_again_is_answered(moment: str) -> None:
    played = [simulate(scenario, "text") for scenario in conversations(moment)]
    assert len(played) == 40
    assert not [result.report() for result in played if not result.passed]
