"""The delay of the last conversation: a place to begin, never more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from assistant.audio import BLOCK, SAMPLE_RATE
from assistant.audio.echo import EchoPath, make_echo_path
from assistant.audio.room import RoomSettings
from assistant.echo_memory import EchoMemory
from tests.test_echo_path import in_room, monologue

WARNING = make_echo_path("speex")[1]
pytestmark = pytest.mark.skipif(bool(WARNING), reason=WARNING)


def locked_after_s(path: EchoPath, sound: np.ndarray) -> float:
    """When the delay was known."""
    mic, far_end = sound
    for at in range(0, len(mic), BLOCK):
        list(path.push(mic[at : at + BLOCK], far_end[at : at + BLOCK]))
    assert path.aligner is not None
    return path.aligner.slips[0].at_s


@pytest.mark.slow
def test_a_delay_that_is_still_true_is_believed_sooner_and_one_that_is_not_does_no_harm(tmp_path: Path) -> None:
    rooms = {ms: in_room(monologue(4), RoomSettings(delay_ms=ms)).recording() for ms in (120, 200)}
    memory = EchoMemory(tmp_path / "cache" / "echo.json", "desk")
    first, again, moved = (make_echo_path("speex")[0] for _ in range(3))
    with memory.used_by(first):
        first_s = locked_after_s(first, rooms[120])
    with memory.used_by(again):
        assert locked_after_s(again, rooms[120]) <= first_s - 0.1
    with memory.used_by(moved):
        assert locked_after_s(moved, rooms[200]) <= first_s + 0.15
    assert moved.aligner is not None
    assert moved.aligner.echo_delay / SAMPLE_RATE == pytest.approx(0.2, abs=0.001)


@pytest.mark.parametrize("damage", ["", "{", "[1]", '{"desk": "soon"}', '{"desk": 1e9}', '{"desk": NaN}'])
def test_a_damaged_file_is_as_none(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "echo.json"
    file.write_text(damage)
    path = make_echo_path("speex")[0]
    with EchoMemory(file, "desk").used_by(path):
        assert path.aligner is not None
        assert path.aligner.delay == 0
    assert file.read_text() == damage, "nothing was heard, nothing is kept"
