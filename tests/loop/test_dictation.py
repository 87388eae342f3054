"""Dictations of `benchmarks.dictation`, played: their groups are one turn."""

from __future__ import annotations

from itertools import cycle

import pytest

from benchmarks.dictation import JUDGES, conversation
from benchmarks.dictation_rows import PAUSES_MS, Dictation, dictations
from huiyin.assistant.scenario.api import parse, simulate


@pytest.mark.parametrize("dictation", dictations()[:20:2], ids=lambda row: row.text)
@pytest.mark.parametrize("judge", JUDGES)
def test_groups_with_pauses_between_them_are_one_turn(dictation: Dictation, judge: str) -> None:
    result = simulate(parse(conversation(dictation, judge, cycle(PAUSES_MS))))
    assert result.passed, result.report()


def test_a_slow_recogniser_does_not_cut_what_was_asked_for() -> None:
    question = "What is your phone number?"
    turns = [
        {"user": "Hello", "reply": question},
        {
            "user": "Four one five [800 ms] eight two six [800 ms] three oh seven one",
            "complete": [0.98, 0.98, 0.98],
            "expect": [{"event": "reply starts", "times": 1}],
        },
    ]
    result = simulate(parse({"services": {"asr": {"takes_ms": 600}}, "turns": turns}))
    assert result.passed, result.report()
