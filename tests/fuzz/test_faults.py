"""Conversations with faults at random places: whatever fails, no unwanted silence, an honest history, and the next turn
works.

A hundred by default; `HUIYIN_FAULTS=1000` for as many as that. What fails is made as small as it goes, and written as a
scenario that `huiyin simulate` plays. `HUIYIN_FUZZ_SEED=N` repeats a run.
"""

from __future__ import annotations

import gc
import os
import random
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, seed, settings

from huiyin.assistant.conversation.session import Session
from huiyin.assistant.ears.echo import make_echo_path
from huiyin.assistant.scenario.api import Result, Scenario, parse, simulate
from tests.fuzz.fault_scenarios import Data, conversations
from tests.support.virtual_realtime import play_aloud

pytestmark = pytest.mark.fuzz

COUNT = int(os.environ.get("HUIYIN_FAULTS", "100"))
IN_A_ROOM, BY_A_CLIENT = 0.15, 0.05  # of them: each takes a second or two
SEED = int(os.environ.get("HUIYIN_FUZZ_SEED") or random.randrange(2**32))


def many(share: float) -> settings:
    """So many of `COUNT`."""
    count, unchecked = max(1, round(COUNT * share)), list(HealthCheck)
    return settings(max_examples=count, deadline=None, suppress_health_check=unchecked, database=None)


def play(data: Data, by: Callable[[Scenario], Result] = simulate) -> None:
    """Raises AssertionError with the report and the scenario."""
    result = by(parse(data, name="faults"))
    if not result.passed:
        text = yaml.safe_dump({**data, "huiyin": "scenario"}, allow_unicode=True, sort_keys=False, width=110)
        path = Path(tempfile.gettempdir()) / f"huiyin-faults-{data['depth']}-{SEED}.yaml"
        path.write_text(text, encoding="utf-8")
        raise AssertionError(f"seed {SEED}: huiyin simulate {path}\n\n{result.report()}\n\n{text}")


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """Seeds are printed; sessions and threads are gone afterwards."""
    print(f"seed {SEED}, {COUNT} conversations")
    threads = threading.active_count()
    yield
    gc.collect()
    assert not [each for each in gc.get_objects() if type(each) is Session]
    assert threading.active_count() <= threads


@seed(SEED)
@many(1 - IN_A_ROOM - BY_A_CLIENT)
@given(conversations("text"))
def test_faults_at_random_places(data: Data) -> None:
    play(data)


in_a_room = pytest.mark.skipif(bool(make_echo_path("both")[1]), reason=make_echo_path("both")[1])


@in_a_room
@seed(SEED)
@many(IN_A_ROOM)
@given(conversations("room"))
def test_faults_at_random_places_in_a_room(data: Data) -> None:
    play(data)


@in_a_room
@seed(SEED)
@many(BY_A_CLIENT)
@given(conversations("room"))
def test_faults_at_random_places_through_a_realtime_session(data: Data) -> None:
    """Its client has no device that fails, nor a tool."""
    turns = [{key: value for key, value in turn.items() if key not in ("tool", "calls")} for turn in data["turns"]]
    play({**data, "tools": [], "turns": [turn for turn in turns if "device" not in turn]}, play_aloud)
